"""The background server of a folder: its locks, state file, password, ports and process.

A file lock, not a pid file, shows whether the server runs: the server inherits an open, locked file, and the
kernel releases the lock when the process ends for any reason, even if another process gets its pid.
"""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from kg.errors import GraphServerError

HOST = "127.0.0.1"
EngineName = Literal["arcadedb", "neo4j"]


class ServerState(BaseModel):
    """The content of `server.json`: the last start of a server in a folder; kept after the server ends."""

    model_config = ConfigDict(frozen=True)

    engine: EngineName
    bolt_port: int
    http_port: int
    heap: str
    fast: bool = False
    """Whether the JVM is tuned for a fast start and is slow for long work; for tests."""
    started: float = 0.0
    """Start time in epoch seconds, UTC."""
    pid: int | None = None
    """None until the process has started."""


@dataclass(frozen=True)
class ServerFolder:
    """The folder of one server: its file paths, locks and process."""

    path: Path

    @property
    def password_file(self) -> Path:
        """The file with the generated password, mode 0600."""
        return self.path / "password"

    @property
    def log_file(self) -> Path:
        """The output of the server, appended at each start."""
        return self.path / "server.log"

    @property
    def _state_file(self) -> Path:
        return self.path / "server.json"

    @property
    def _alive_file(self) -> Path:
        return self.path / "server.lock"

    def data(self, engine: EngineName) -> Path:
        """The data folder of an engine; each engine has a separate one."""
        return self.path / engine

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A lock so that only one command at a time starts or stops the server; the others wait."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / "command.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def alive(self) -> bool:
        """Whether the process of the server runs."""
        if not self._alive_file.exists():
            return False
        with self._alive_file.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def state(self) -> ServerState | None:
        """The state of the last start, or None if the file is missing or damaged."""
        try:
            return ServerState.model_validate_json(self._state_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def save(self, state: ServerState) -> None:
        """Write the state file atomically."""
        _write_whole(self._state_file, state.model_dump_json(indent=2) + "\n")

    def password(self) -> SecretStr:
        """The password, generated at the first call; only the owner can read its file.

        Raises:
            GraphServerError: a server of this folder has a password, but the file is missing.
        """
        if not self.password_file.exists():
            if self.state():
                raise GraphServerError(
                    f"{self.password_file} is missing, and the data in {self.path} is locked with it; "
                    "put it back, or remove the folder and ingest again"
                )
            _write_whole(self.password_file, secrets.token_hex(16))
        return SecretStr(self.password_file.read_text())

    def spawn(self, command: Sequence[str], state: ServerState) -> ServerState:
        """Start the server, detached from this process and terminal, and save its pid in the state file."""
        self.save(state)  # removes the old pid, which another process may have now
        with self._alive_file.open("a") as alive, self.log_file.open("ab") as log:
            fcntl.flock(alive, fcntl.LOCK_EX)
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.path,
                pass_fds=[alive.fileno()],
                start_new_session=True,
            )
        # the parent must wait for the process, otherwise it stays a zombie
        threading.Thread(target=process.wait, daemon=True).start()
        started = state.model_copy(update={"pid": process.pid, "started": time.time()})
        self.save(started)
        return started

    def end(self, timeout: float = 60.0) -> None:
        """Stop the server if it runs: by SIGTERM, then, after `timeout` seconds, by SIGKILL.

        Raises:
            GraphServerError: it runs, but the command that started it was killed before it saved the pid.
        """
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                return
            state = self.state()
            if state is None or state.pid is None:
                raise GraphServerError(
                    f"a server holds {self._alive_file} and its pid is not known; "
                    f"find it with `fuser {self._alive_file}` and end it"
                )
            os.kill(state.pid, sign)
            self._wait_for_end(timeout)
        if self.alive():
            raise GraphServerError(f"the server of {self.path} does not end")

    def last_words(self) -> str:
        """The last line of the log, for error messages."""
        lines = self.log_file.read_text(errors="replace").split("\n") if self.log_file.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing was logged")

    def _wait_for_end(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.05)


def port_is_free(port: int) -> bool:
    """Whether a server can listen on that loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that is currently free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _write_whole(path: Path, text: str) -> None:
    """Write a file atomically: to a temporary file, mode 0600, then rename it."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    draft.replace(path)
