"""Training at intervals, in a process of its own at low priority."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

import structlog

from kg.errors import TrailmixError
from kg.settings import Settings
from service.file_lock import exclusive_lock

KEPT_MODELS = 5
"""How many models stay on disk."""

_LOWEST_PRIORITY = 19
_log = structlog.get_logger()


@contextmanager
def training_lock(settings: Settings) -> Iterator[IO[str] | None]:
    """Held while a training beside a service runs in this home folder; None if another process holds it.

    A process that inherits the file goes on holding the lock if this one is killed.
    """
    path = settings.home.absolute() / "retraining.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(path) or nullcontext() as file:
        yield file


class Retraining:
    """Runs `trailmix train` at intervals until it is stopped; never twice at a time in one home folder.

    Services that share the folder take turns: none trains within an interval of another one's training.
    """

    def __init__(self, settings: Settings, interval: float, command: list[str] | None = None) -> None:
        """`interval` in seconds; `command` in place of the training's."""
        self._settings, self._interval = settings, interval
        options = ["--new-only", "--keep", str(KEPT_MODELS)]
        # -P: never a folder `scripts` of the working directory
        train = [sys.executable, "-P", "-m", "scripts.main", "train", *options]
        self._command = command or train
        self._needs_graph = command is None
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
        """Train once; returns the exit code, None where another process of the machine trains or just did."""
        with training_lock(self._settings) as lock:
            if lock is None or self._trained_lately(lock):
                return None
            lock.truncate(0)
            lock.write(f"{time.time()}\n")
            lock.flush()
            _log.info("retraining_begins")
            if self._needs_graph:
                _start_graph(self._settings)
            return self._trained(lock)

    def _trained(self, lock: IO[str]) -> int:
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=Path.cwd(),
            pass_fds=[lock.fileno()],
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOWEST_PRIORITY)
        output, _ = self._process.communicate()
        lines = output.strip().splitlines()
        if self._process.returncode and not self._stop.is_set():
            _log.error("retraining_failed", exit_code=self._process.returncode, output=lines[-20:])
        else:
            notes = [line for line in lines[:-1] if line.startswith("model: ")]
            _log.info("retraining_ends", result=lines[-1] if lines else "", notes=notes)
        return self._process.returncode

    def _trained_lately(self, lock: IO[str]) -> bool:
        try:
            since = time.time() - float(Path(lock.name).read_text())
        except ValueError:  # none yet
            return False
        # a little less than the interval, so that the time a training takes to begin does not skip a turn
        return 0 <= since < 0.9 * self._interval

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.train()
            except TrailmixError as error:
                _log.error("retraining_failed", reason=str(error))
            except Exception:  # noqa: BLE001 - the service and later trainings go on
                _log.exception("retraining_failed")


def _start_graph(settings: Settings) -> None:
    """Start the graph server of the home folder if none runs; the training would start it at low priority."""
    from kg.store.connect import open_store  # the driver takes long to import

    open_store(settings).close()
