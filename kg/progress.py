"""The callback by which long-running functions report their progress."""

from collections.abc import Callable

Report = Callable[[str, int, int | None], None]
"""`report(stage, done, total)`: the name of a stage, the work done and the total work (None: unknown).

Called with done == total when the stage ends. Several threads may report at a time.
"""


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """Report nothing."""
