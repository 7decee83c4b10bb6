"""Start, find and stop the graph server that belongs to a home folder."""

import http.client
import time
from dataclasses import dataclass
from types import ModuleType

import structlog

from kg.errors import GraphError, GraphServerError
from kg.settings import Settings
from kg.store.bolt import free_query
from kg.store.connection import Connection
from kg.store.servers import arcadedb, neo4j
from kg.store.servers.process import HOST, EngineName, ServerFolder, ServerState, free_port, port_is_free

log = structlog.get_logger()

DEFAULT_ENGINE: EngineName = "arcadedb"
START_TIMEOUT = 120.0
"""In seconds; a start usually takes 3 to 12 seconds, and took 40 on a busy machine."""
ATTEMPTS = 3

_ENGINES: dict[EngineName, ModuleType] = {"arcadedb": arcadedb, "neo4j": neo4j}


@dataclass(frozen=True)
class RunningServer:
    """A running server that Trailmix manages."""

    folder: ServerFolder
    state: ServerState

    @property
    def connection(self) -> Connection:
        """The address and login of the server."""
        engine = _ENGINES[self.state.engine]
        uri = f"bolt://{HOST}:{self.state.bolt_port}"
        return Connection(uri, engine.USERNAME, self.folder.password(), engine.DATABASE)

    @property
    def browser(self) -> str | None:
        """The address of Neo4j Browser; None for ArcadeDB."""
        if self.state.engine == "neo4j":
            return f"http://{HOST}:{self.state.http_port}/browser/"
        return None


def start(
    settings: Settings,
    engine: EngineName | None = None,
    *,
    bolt_port: int | None = None,
    http_port: int | None = None,
    heap: str | None = None,
    fast: bool | None = None,
) -> RunningServer:
    """Start the server of `settings.graph_folder` if it is not running; it outlives this process.

    An option that is None keeps its value from the last start in this folder, or else its default; a port of
    the last start that is in use now is replaced.

    Raises:
        GraphServerError: the server did not start, a given port is in use, or it runs with another engine.
    """
    folder = ServerFolder(settings.graph_folder)
    with folder.changing():
        last = folder.state()
        engine = engine or (last.engine if last else DEFAULT_ENGINE)
        if found := _running(folder, engine):
            return found
        wanted = ServerState(
            engine=engine,
            bolt_port=_port(bolt_port, last.bolt_port if last else None),
            http_port=_port(http_port, last.http_port if last else None),
            heap=heap or (last.heap if last and last.engine == engine else _ENGINES[engine].HEAP),
            fast=fast if fast is not None else bool(last and last.fast),
        )
        folder.password()
        return _launch(settings, folder, wanted, keep_ports=bool(bolt_port or http_port))


def stop(settings: Settings) -> bool:
    """Stop the server of `settings.graph_folder`; returns whether it was running.

    Raises:
        GraphServerError: the server does not stop.
    """
    folder = ServerFolder(settings.graph_folder)
    if not folder.path.exists():
        return False
    with folder.changing():
        ran = folder.alive()
        folder.end()
    return ran


def status(settings: Settings) -> RunningServer | None:
    """The server of `settings.graph_folder`, or None if it does not run or answer."""
    folder = ServerFolder(settings.graph_folder)
    state = folder.state() if folder.alive() else None
    if state is None or state.pid is None:
        return None
    server = RunningServer(folder, state)
    return server if _answers(server) else None


def _running(folder: ServerFolder, engine: EngineName) -> RunningServer | None:
    """The server if its process runs; waits for a start that a killed command left, or stops the server."""
    if not folder.alive():
        return None
    state = folder.state()
    if state and state.engine != engine:
        raise GraphServerError(f"{state.engine} runs in {folder.path}; run trailmix graph stop first")
    if state and state.pid:
        server = RunningServer(folder, state)
        if _comes_up(server):
            return server
    folder.end()
    return None


def _launch(
    settings: Settings, folder: ServerFolder, wanted: ServerState, *, keep_ports: bool
) -> RunningServer:
    began = time.monotonic()
    for _ in range(1 if keep_ports else ATTEMPTS):
        command = _ENGINES[wanted.engine].command(settings, folder, wanted)
        server = RunningServer(folder, folder.spawn(command, wanted))
        if _comes_up(server):
            log.info(
                "graph_server_started",
                engine=wanted.engine,
                bolt_port=wanted.bolt_port,
                seconds=round(time.monotonic() - began, 1),
            )
            return server
        folder.end()
        # another process may have taken a port between the check and the start
        wanted = wanted.model_copy(update={"bolt_port": free_port(), "http_port": free_port()})
    raise GraphServerError(f"{wanted.engine} did not start: {folder.last_words()}; see {folder.log_file}")


def _comes_up(server: RunningServer) -> bool:
    """Wait until the server answers; False if its process ends first or the wait times out."""
    deadline = time.monotonic() + START_TIMEOUT
    while server.folder.alive() and time.monotonic() < deadline:
        if _answers(server):
            return True
        time.sleep(0.1)
    return False


def _answers(server: RunningServer) -> bool:
    """Whether Bolt accepts the login and HTTP answers; Neo4j does not stop cleanly before both do."""
    if port_is_free(server.state.bolt_port):
        return False
    try:
        free_query(server.connection, "RETURN 1", timeout=10.0)
        page = http.client.HTTPConnection(HOST, server.state.http_port, timeout=5.0)
        page.request("GET", "/")
        page.close()
    except (GraphError, OSError, http.client.HTTPException):
        return False
    return True


def _port(given: int | None, last: int | None) -> int:
    if given:
        if not port_is_free(given):
            raise GraphServerError(f"port {given} is taken; name another, or none to have one chosen")
        return given
    return last if last and port_is_free(last) else free_port()
