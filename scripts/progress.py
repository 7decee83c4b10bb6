"""Progress for people, on stderr, since stdout is the answer: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from kg.progress import Report


@contextmanager
def reporting() -> Iterator[Report]:
    """A `Report` that shows each stage while it runs and its time when it ends."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class _Lines:
    """One line when a stage begins to take time, one when it ends."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        began = self._began.setdefault(stage, now)
        if done == total:
            print(f"{stage}: {done:,} in {now - began:.1f} s", file=sys.stderr, flush=True)
            del self._began[stage]
