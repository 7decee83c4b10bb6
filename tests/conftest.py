"""Graph servers for tests, one of each engine a session, the graph empty before each test.

A real Neo4j comes from TRAILMIX_TEST_NEO4J_URI (with ..._USERNAME, ..._PASSWORD, ..._DATABASE), else from
Docker, else it is assembled with Maven. Without any of them its tests are skipped, or fail where CI is set.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from fake_store import FakeStore
from pydantic import SecretStr
from structlog.contextvars import clear_contextvars

from kg.errors import GraphServerError
from kg.settings import Settings
from kg.store.bolt_store import BoltGraphStore
from kg.store.connect import open_store
from kg.store.connection import Connection
from kg.store.servers import control

pytest.register_assert_rewrite("store_contract", "foreign_contract", "scorer_contract")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does, before torch is loaded
NEO4J_IMAGE = "neo4j:5.26.30-community"
SKIPPED = "tests on a real Neo4j"
FROM_OUTSIDE = ("NEO4J_", "TRAILMIX_")


OF_THE_SAMPLE = ("test_quickstart.py", "test_shipped_as_measured.py", "test_understanding.py")
"""The end-to-end tests that share the trained sample; the others share servers."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes run the tests, one has the servers, one the sample; unit tests go to any."""
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatTestsShare(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0])
            if "unit" in path.parts:
                return str(path)
            return "sample" if path.name in OF_THE_SAMPLE else "servers"

    return ByWhatTestsShare(config, log)


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's own settings, server and home folder are out of reach of every test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FROM_OUTSIDE) and not name.startswith("TRAILMIX_TEST_"):
                patch.delenv(name)
        patch.setenv("TRAILMIX_HOME", str(tmp_path_factory.mktemp("nobodys-home")))
        yield


@pytest.fixture(autouse=True)
def default_logs() -> Iterator[None]:
    """What a test configures of the logs does not reach the next: its stderr is closed by then."""
    yield
    structlog.reset_defaults()
    clear_contextvars()


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An ArcadeDB of this session's own."""
    with _own_server(Settings(home=tmp_path_factory.mktemp("arcadedb")), "arcadedb") as connection:
        yield connection


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A real Neo4j 5."""
    if uri := os.environ.get("TRAILMIX_TEST_NEO4J_URI"):
        yield _given_server(uri)
    elif _docker_answers():
        yield from _docker_server()
    elif missing := _missing_tools():
        _without_neo4j(f"no TRAILMIX_TEST_NEO4J_URI, no Docker, {missing}")
    else:
        with _own_server(Settings(home=tmp_path_factory.mktemp("neo4j")), "neo4j") as connection:
            yield connection


@pytest.fixture
def assembling() -> None:
    """For tests of the assembled server itself, whatever else there is."""
    if missing := _missing_tools():
        if not (os.environ.get("TRAILMIX_TEST_NEO4J_URI") or _docker_answers()):
            _without_neo4j(f"no TRAILMIX_TEST_NEO4J_URI, no Docker, {missing}")
        pytest.skip(f"assembling a Neo4j: {missing}")


@pytest.fixture(params=["arcadedb", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def server(request: pytest.FixtureRequest) -> Connection:
    """Each of the two servers in turn."""
    return request.getfixturevalue({"arcadedb": "embedded_server", "neo4j": "neo4j_server"}[request.param])


@pytest.fixture
def store_settings(server: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings, and the same in the environment, with an empty graph on each server and a home of its own."""
    with BoltGraphStore(server) as graph:
        graph.clear()
    for name, value in {
        "NEO4J_URI": server.uri,
        "NEO4J_USERNAME": server.username,
        "NEO4J_PASSWORD": server.password.get_secret_value(),
        "NEO4J_DATABASE": server.database,
        "TRAILMIX_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture
def store(store_settings: Settings) -> Iterator[BoltGraphStore]:
    """An empty graph on each server."""
    with open_store(store_settings) as graph:
        yield graph


@pytest.fixture
def embedded_store(embedded_server: Connection) -> Iterator[BoltGraphStore]:
    """An empty graph on ArcadeDB."""
    with BoltGraphStore(embedded_server) as graph:
        graph.clear()
        yield graph


@pytest.fixture
def neo4j_store(neo4j_server: Connection) -> Iterator[BoltGraphStore]:
    """An empty graph on Neo4j; mark the test `neo4j`."""
    with BoltGraphStore(neo4j_server) as graph:
        graph.clear()
        yield graph


@pytest.fixture
def fake_store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def other_store() -> FakeStore:
    return FakeStore()


@contextmanager
def _own_server(settings: Settings, engine: control.EngineName) -> Iterator[Connection]:
    try:
        started = control.start(settings, engine, fast=True)
    except GraphServerError as error:
        if engine == "neo4j":
            _without_neo4j(str(error))
        raise
    try:
        yield started.connection
    finally:
        control.stop(settings)


def _given_server(uri: str) -> Connection:
    given = {name: os.environ.get(f"TRAILMIX_TEST_NEO4J_{name}", "") for name in ("USERNAME", "DATABASE")}
    password = SecretStr(os.environ.get("TRAILMIX_TEST_NEO4J_PASSWORD", ""))
    return Connection(uri, given["USERNAME"] or "neo4j", password, given["DATABASE"] or "neo4j")


def _missing_tools() -> str:
    """What a Neo4j could not be assembled for, or ""."""
    return ", ".join(f"no {name}" for name in ("java", "mvn") if not shutil.which(name))


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    return docker is not None and not subprocess.run([docker, "info"], capture_output=True).returncode


def _docker_server() -> Iterator[Connection]:
    from testcontainers.community.neo4j import Neo4jContainer

    with Neo4jContainer(NEO4J_IMAGE, password="only-for-tests") as container:
        yield Connection(container.get_connection_url(), "neo4j", SecretStr("only-for-tests"), "neo4j")


def _without_neo4j(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI needs a real Neo4j: {reason}", pytrace=False)
    pytest.skip(f"{SKIPPED}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all tests that were skipped for want of a Neo4j; pytest's own list has a line each."""
    reasons = [str(x.longrepr[2]) for x in terminalreporter.stats.get("skipped", []) if x.longrepr]
    without = [reason.removeprefix("Skipped: ") for reason in reasons if SKIPPED in reason]
    if without:
        terminalreporter.write_line(f"skipped {len(without)} {without[0]}")
