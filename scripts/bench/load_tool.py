"""Drives an HTTP service with wrk, and what its output says."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kg.errors import DataError, UsageError

_SCRIPT = Path(__file__).with_name("wrk.lua")
_PATIENCE = 60
"""Seconds that the tool may take longer than it was told."""
_TIMEOUT = "30s"
"""What wrk counts as an answer that never came."""


@dataclass(frozen=True)
class LoadRequest:
    """One POST. In its body `@RUN@` stands for the run, `@N@` for a number that no other request has."""

    path: str
    body: Any
    measured: bool = True
    """Whether its latency counts."""

    @property
    def line(self) -> str:
        """As wrk.lua reads it, without the group."""
        return f"{int(self.measured)}\t{self.path}\t{json.dumps(self.body, separators=(',', ':'))}"


@dataclass(frozen=True)
class LoadResult:
    """What one run of the load tool measured."""

    seconds: float
    finished: int
    """The number of groups of requests that were answered."""
    begun: int
    """How far the next run must start behind the first group of this one to send none of them again."""
    failed: int
    """Answers other than 2xx, and connections that broke."""
    failure: str
    """The first answer other than 2xx."""
    milliseconds: np.ndarray[tuple[int], np.dtype[np.float64]]
    """The latencies of the measured requests that were answered with 2xx."""

    @property
    def rate(self) -> float:
        """Measured requests answered a second."""
        return len(self.milliseconds) / self.seconds

    @property
    def group_rate(self) -> float:
        """Groups of requests answered a second."""
        return self.finished / self.seconds

    def percentile(self, q: float) -> float:
        """In milliseconds; NaN where nothing was answered."""
        return float(np.percentile(self.milliseconds, q)) if len(self.milliseconds) else float("nan")


def find_tool(name: str) -> str:
    """The path of the program.

    Raises:
        UsageError: it is not there; the message says how to install it.
    """
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"the load tool {name} is not on the PATH: install it (`apt install wrk`, `brew install wrk`),"
            " or name it with --wrk FILE"
        )
    return found


def write_requests(groups: Sequence[Sequence[LoadRequest]], path: Path) -> None:
    """Write groups of requests as wrk.lua reads them."""
    lines = [f"{n}\t{request.line}\n" for n, group in enumerate(groups) for request in group]
    path.write_text("".join(lines), encoding="utf-8")


def drive(
    tool: str, url: str, requests: Path, *, run: str, connections: int, seconds: int, first: int, rate: float
) -> LoadResult:
    """Send requests for so many seconds, from group `first` on; `rate` 0 sends as fast as answers come.

    Raises:
        DataError: the load tool failed.
    """
    own = ["-t", str(connections), "-c", str(connections), "-d", f"{seconds}s", "--timeout", _TIMEOUT]
    arguments = [str(requests), str(first), f"{rate:g}", run, str(connections)]
    try:
        done = subprocess.run(  # noqa: S603
            [tool, *own, "-s", str(_SCRIPT), url, "--", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + _PATIENCE,
        )
        return parse(done.stdout)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise DataError(f"{tool} failed: {said[-1] if said else error}") from None
    except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
        raise DataError(f"{tool}: {error}") from error


def parse(output: str) -> LoadResult:
    """What wrk.lua printed.

    Raises:
        KeyError, ValueError: it printed something else.
    """
    found = dict(line.partition(" ")[::2] for line in output.splitlines())
    return LoadResult(
        float(found["seconds"]),
        int(found["finished"]),
        int(found["begun"]),
        int(found["failed"]),
        found["failure"].strip(),
        np.array(found["microseconds"].split(), np.float64) / 1000,
    )
