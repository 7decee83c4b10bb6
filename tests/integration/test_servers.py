"""Servers that Trailmix starts by itself: found again, and recovered from whatever happened to them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kg.errors import GraphServerError, GraphUnavailableError, SettingsError
from kg.schema import GraphSchema, InteractionSchema, LabelSchema
from kg.settings import Settings
from kg.store.connect import open_store
from kg.store.records import NodeRow
from kg.store.servers import control
from kg.store.servers.process import HOST, ServerFolder, ServerState, free_port
from scripts.main import app

SCHEMA = GraphSchema(
    labels=(LabelSchema(label="User", role="user"), LabelSchema(label="Item", role="item")),
    interactions=(InteractionSchema(type="SAW"),),
)
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home of its own, in the environment too; its server is stopped at the end."""
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path / "home"))
    settings = Settings()
    yield settings
    control.stop(settings)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any server."""
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def state_of(folder: ServerFolder) -> ServerState:
    state = folder.state()
    assert state is not None
    return state


def wait_for_death(folder: ServerFolder) -> None:
    deadline = time.monotonic() + 30
    while folder.alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.alive()


def shown_by_ps(state: ServerState) -> str:
    """The server's command line and environment, as its user sees them."""
    return subprocess.run(
        ["ps", "eww", "-p", str(state.pid)], capture_output=True, text=True, check=True
    ).stdout


def test_a_server_is_started_found_again_and_stopped(settings: Settings) -> None:
    run = CliRunner().invoke
    assert run(app, ["graph", "status"]).exit_code == 1
    started = run(app, ["graph", "start", "--fast"])
    assert started.exit_code == 0
    first, second = control.start(settings), control.start(settings)
    assert first.connection.uri in started.output
    assert first == second == control.status(settings)

    password = first.connection.password.get_secret_value()
    assert first.folder.password_file.stat().st_mode & 0o777 == 0o600
    assert first.folder.path.stat().st_mode & 0o777 == 0o700
    assert password not in started.output + first.folder.log_file.read_text()
    assert password not in shown_by_ps(first.state)
    assert "TRAILMIX_HOME" in shown_by_ps(first.state)  # the environment is among it

    with pytest.raises(GraphServerError, match="arcadedb runs in"):
        control.start(settings, "neo4j")
    assert run(app, ["graph", "cypher", "CREATE (:Item {id: 'i'})"]).exception is not None
    assert (
        run(app, ["graph", "cypher", "--write", "CREATE (:Item {id: $id})", "--param", "id=i"]).exit_code == 0
    )
    asked = run(app, ["graph", "cypher", "MATCH (n:Item) RETURN n.id AS id", "--json"])
    assert json.loads(asked.stdout) == {"id": "i"}
    shown = run(app, ["graph", "status", "--json"])
    assert (shown.exit_code, json.loads(shown.stdout)["engine"]) == (0, "arcadedb")

    assert run(app, ["graph", "stop"]).output == "stopped\n"
    assert run(app, ["graph", "stop"]).output == "no graph server was running\n"
    assert control.status(settings) is None


def test_two_commands_at_once_start_one_server_that_survives_them(settings: Settings) -> None:
    code = (
        "from kg.store.servers import control; from kg.settings import Settings;"
        "print(control.start(Settings(), fast=True).state.pid)"
    )
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = [process.communicate(timeout=120)[0].splitlines()[-1] for process in both]
    server = control.status(settings)
    assert server is not None
    assert pids == [str(server.state.pid)] * 2


def test_kill_9_while_writing_loses_nothing_acknowledged(settings: Settings) -> None:
    killed = control.start(settings, fast=True)
    acknowledged: list[str] = []
    enough = threading.Event()

    def write() -> None:
        with open_store(settings) as store:
            store.prepare(SCHEMA)
            for batch in range(40):
                ids = [f"{batch}-{n}" for n in range(200)]
                try:
                    store.upsert_nodes("Item", [NodeRow(id=x, properties={"batch": batch}) for x in ids])
                except GraphUnavailableError:
                    return
                acknowledged.extend(ids)
                if batch == 8:
                    enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(60)
    assert killed.state.pid is not None
    os.kill(killed.state.pid, signal.SIGKILL)
    wait_for_death(killed.folder)
    with open_store(settings) as store:
        writer.join(60)
        assert not writer.is_alive()
        found = store.read_nodes("Item")
    assert state_of(killed.folder).pid != killed.state.pid
    assert len(acknowledged) >= 9 * 200
    assert set(acknowledged) <= set(found.ids)
    assert len(found.ids) % 200 == 0  # a batch is there whole or not at all


def test_a_reused_pid_and_a_taken_port_are_not_ours(
    settings: Settings, bystander: subprocess.Popen[bytes]
) -> None:
    folder = ServerFolder(settings.graph_folder)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with folder.changing():
            folder.password()
            folder.save(
                ServerState(
                    engine="arcadedb",
                    bolt_port=port,
                    http_port=free_port(),
                    heap="512m",
                    fast=True,
                    pid=bystander.pid,
                )
            )
        assert control.status(settings) is None
        assert control.stop(settings) is False
        with pytest.raises(GraphServerError, match=f"port {port} is taken"):
            control.start(settings, bolt_port=port)
        with open_store(settings) as store:
            assert store.info().engine == "arcadedb"
    state = state_of(folder)
    assert state.bolt_port != port
    assert state.heap == "512m"
    assert bystander.poll() is None


def test_a_half_started_server_is_replaced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ServerFolder(settings.graph_folder)
    with folder.changing():
        folder.password()
        dead_end = ServerState(
            engine="arcadedb", bolt_port=free_port(), http_port=free_port(), heap="1g", fast=True
        )
        stuck = folder.spawn(SLEEP, dead_end)
    assert folder.alive()
    assert control.status(settings) is None
    answers = control._comes_up

    def impatient(server: control.RunningServer) -> bool:
        return server.state.pid != stuck.pid and answers(server)

    monkeypatch.setattr(control, "_comes_up", impatient)
    server = control.start(settings)
    assert server.state.pid != stuck.pid
    assert control.status(settings) == server


def test_a_server_that_cannot_start_says_where_to_look(settings: Settings) -> None:
    with pytest.raises(GraphServerError, match=r"arcadedb did not start: .*server\.log"):
        control.start(settings, heap="nonsense", bolt_port=free_port())
    assert control.status(settings) is None


def test_a_lost_password_is_not_made_up(settings: Settings) -> None:
    folder = ServerFolder(settings.graph_folder)
    with folder.changing():
        folder.save(ServerState(engine="arcadedb", bolt_port=1, http_port=1, heap="1g"))
    with pytest.raises(GraphServerError, match="password is missing"):
        control.start(settings)


def test_nothing_of_ours_is_started_beside_a_named_server(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", f"bolt://{HOST}:{free_port()}")
    with pytest.raises(GraphUnavailableError, match="no graph server answers"):
        open_store(Settings())
    result = CliRunner().invoke(app, ["graph", "start"])
    assert isinstance(result.exception, SettingsError)
    assert CliRunner().invoke(app, ["graph", "status"]).exit_code == 1
    assert not settings.graph_folder.exists()


@pytest.mark.neo4j
@pytest.mark.usefixtures("assembling")
def test_neo4j_with_its_browser_and_after_kill_9(settings: Settings) -> None:
    first = control.start(settings, "neo4j", fast=True)
    assert first.browser is not None
    with urllib.request.urlopen(first.browser, timeout=30) as page:
        assert b"Neo4j Browser" in page.read()
    assert first.connection.password.get_secret_value() not in shown_by_ps(first.state)
    with open_store(settings) as store:
        store.prepare(SCHEMA)
        store.upsert_nodes("Item", [NodeRow(id="kept", properties={})])
    assert first.state.pid is not None
    os.kill(first.state.pid, signal.SIGKILL)
    wait_for_death(first.folder)
    with open_store(settings) as store:  # the folder remembers its engine
        assert store.info().engine == "neo4j"
        assert store.read_nodes("Item").ids == ["kept"]
