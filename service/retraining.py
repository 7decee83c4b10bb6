"""Training at intervals, in a process of its own at low priority."""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import structlog

from kg.settings import Settings

KEPT_MODELS = 5
"""How many models stay on disk."""

_log = structlog.get_logger()


class Retraining:
    """Runs `trailmix train` at intervals until it is stopped; never twice at a time in one home folder."""

    def __init__(self, settings: Settings, interval: float, command: list[str] | None = None) -> None:
        """`interval` in seconds; `command` in place of the training's."""
        self._lock_file = settings.home.absolute() / "retraining.lock"
        self._interval = interval
        train = [sys.executable, "-m", "scripts.main", "train", "--keep", str(KEPT_MODELS)]
        self._command = command or train
        self._stop = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Train in a thread, first after one interval."""
        threading.Thread(target=self._run, name="retraining", daemon=True).start()

    def stop(self) -> None:
        """End the thread, and a training that runs."""
        self._stop.set()
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def train(self) -> int | None:
        """Train once; returns the exit code, None where another process of the machine trains."""
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return None
            _log.info("retraining_begins")
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=Path.cwd(),
                preexec_fn=_at_low_priority,
            )
            output, _ = self._process.communicate()
        lines = output.strip().splitlines()
        if self._process.returncode:
            _log.error("retraining_failed", exit_code=self._process.returncode, output=lines[-20:])
        else:
            _log.info("retraining_ends", result=lines[-1:] and lines[-1])
        return self._process.returncode

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.train()
            except OSError as error:
                _log.error("retraining_failed", reason=str(error))


def _at_low_priority() -> None:
    os.nice(19)
