"""Services as processes of their own on loopback: start, readiness, memory and end."""

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kg.errors import DataError
from kg.shown import shown

_START = 300
"""Seconds within which a service must be ready."""
_END = 30
"""Seconds after SIGTERM within which it must end."""
_POLL = 0.02
_URL = re.compile(r"http://\S+:\d+")


@dataclass(frozen=True)
class Running:
    """A service that answers."""

    url: str
    pid: int
    cold_start: float
    """Seconds from the start of the process to a ready `/readyz`."""

    def resident_mib(self) -> float | None:
        """Resident memory of the process and those it started, shared pages counted once; Linux only."""
        try:
            return sum(map(_proportional_kib, _tree(self.pid))) / 1024
        except OSError:
            return None


@contextmanager
def running(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Running]:
    """Run `python -m ARGUMENTS`, which prints its address first, until the block ends.

    Raises:
        DataError: it did not get ready; the message has the last line of its log.
    """
    with log.open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            address = _URL.search(process.stdout.readline())
            if address is None or not _ready(address[0], process):
                raise DataError(f"{' '.join(arguments)} did not get ready: {_last_line(log)}")
            yield Running(address[0], process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ready(url: str, process: subprocess.Popen[str]) -> bool:
    end = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=_START) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False  # it answers, and says that no model is loaded
        except OSError:
            time.sleep(_POLL)
    return False


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return shown(lines[-1]) if lines else "it logged nothing"


def _tree(pid: int) -> Iterator[int]:
    """The process and all that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _proportional_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
