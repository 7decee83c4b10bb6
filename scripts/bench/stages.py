"""Time and peak memory of each stage that a function reports."""

import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

GIB = 2**30


@dataclass(frozen=True)
class Stage:
    """A stage that has ended."""

    name: str
    seconds: float
    gib: float
    """The most memory that the process held during the stage, with the data that was there before."""


class StageMeter:
    """A `Report` that measures stages which follow each other.

    A stage takes from the end of the one before to its own end, so no time is left out. A stage within
    another is not measured, unless it is one of those named: it takes from its first report to its last.
    """

    def __init__(self, inner: tuple[str, ...] = (), now: Callable[[], float] = time.perf_counter) -> None:
        """`inner` are the stages to measure within others."""
        self._inner, self._now, self._lock = inner, now, Lock()
        self._began: dict[str, float] = {}
        self._last = now()
        self._peak = 0.0
        reset_peak()
        self.stages: list[Stage] = []

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Note the stage; measure it if it ended."""
        with self._lock:
            began = self._began.setdefault(stage, self._now())
            if done != total:
                return
            del self._began[stage]
            if stage in self._inner:
                self._end(stage, began)
            elif not self._began:
                self._end(stage, self._last)
                self._last, self._peak = self._now(), 0.0

    def _end(self, stage: str, began: float) -> None:
        self._peak = max(self._peak, peak_gib())
        reset_peak()
        self.stages.append(Stage(stage, self._now() - began, self._peak))


def reset_peak() -> None:
    """Let the peak memory of this process be counted anew; only Linux can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_gib() -> float:
    """The peak memory of this process since `reset_peak`, or since it began."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
