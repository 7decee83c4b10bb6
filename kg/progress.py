"""How long-running functions report their progress, without knowing who listens."""

from collections.abc import Callable

Report = Callable[[str, int, int | None], None]
"""`report(stage, done, total)`: a stage's name, how much is done, and of how much (None: not known).

Called with done == total when the stage ends.
"""


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """Report nothing."""
