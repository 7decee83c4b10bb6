"""Progress for people, on stderr, since stdout is the answer: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

SILENCE = 10.0
"""Where there is no terminal, a line follows after this many seconds without one. Linear algebra may keep
other threads waiting for some seconds, and still no silence should be longer than 15 s."""


class Reporter:
    """A `Report` that also says by which name work goes that reports nothing itself."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report as `kg.progress.Report` says."""

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:  # noqa: ARG002
        """Name the work that is done inside."""
        yield


@contextmanager
def reporting() -> Iterator[Reporter]:
    """A `Report` that shows each stage while it runs and its time when it ends."""
    if not sys.stderr.isatty():
        with Lines(sys.stderr, SILENCE).beating() as lines:
            yield lines
        return
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield Bars(bars)


class Bars(Reporter):
    """One bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = Lock()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Draw how far the stage is."""
        with self._lock:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


@dataclass
class _Stage:
    """A stage that has begun and not ended."""

    began: float
    done: int = 0
    total: int | None = None


class Lines(Reporter):
    """A line when a stage ends, and one that says what is going on after `silence` seconds without a line.

    Stages may be nested: the one that reported last and has not ended is the one going on.
    """

    def __init__(self, stream: TextIO, silence: float, now: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._silence, self._now = stream, silence, now
        self._lock = Lock()
        self._open: dict[str, _Stage] = {}
        self._printed = self._began = now()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Note how far the stage is; print its time if it ended."""
        with self._lock:
            own = self._open.pop(stage, None) or _Stage(self._now())
            if done == total:
                self._print(f"{stage}: {done:,} in {self._now() - own.began:.1f} s")
                return
            own.done, own.total = done, total
            self._open[stage] = own  # as the last one

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Name the work that is done inside; nothing is printed when it ends."""
        with self._lock:
            self._open[stage] = _Stage(self._now())
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(stage, None)

    @contextmanager
    def beating(self) -> Iterator["Lines"]:
        """Call `beat` in a thread of its own, which has ended when this block is left."""
        stop = Event()

        def beats() -> None:
            while not stop.wait(self._silence / 20):
                self.beat()

        thread = Thread(target=beats, name="progress", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def beat(self) -> None:
        """Print what is going on, if nothing was printed for `silence` seconds."""
        with self._lock:
            if self._now() - self._printed >= self._silence:
                self._print(self._going_on())

    def _going_on(self) -> str:
        if not self._open:
            return f"still working: {self._now() - self._began:.0f} s since the start"
        name, stage = next(reversed(self._open.items()))
        of = f" of {stage.total:,}" if stage.total is not None else ""
        far = f"{stage.done:,}{of}, " if stage.done or of else ""
        return f"still at {name}: {far}{self._now() - stage.began:.0f} s"

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._printed = self._now()
