"""The same seed gives the same model, whatever the number of threads and beside other work."""

import os
import subprocess
import sys
from pathlib import Path

import trained_version


def started(threads: int, folder: Path) -> subprocess.Popen[str]:
    """A training in a process of its own, with so many threads; with several, beside a busy thread."""
    own = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, trained_version.__file__, str(threads), str(folder)],
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_trainings_give_the_same_model_version(tmp_path) -> None:
    running = [started(threads, tmp_path / str(threads)) for threads in (1, 3)]
    found = [process.communicate()[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert found[0] == found[1] != ""
