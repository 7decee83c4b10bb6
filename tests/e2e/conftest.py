"""The product as its users meet it: the command in a process of its own, and HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kg.settings import Settings
from kg.store.connect import open_store
from kg.store.store import ServerStore
from scripts.main import main


class Trailmix:
    """`trailmix` under an environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def __call__(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its good end, or to another that is expected."""
        command = [sys.executable, "-m", "scripts.main", *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == status, f"trailmix {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def serve(self, *options: str) -> Iterator["Service"]:
        """The service, once it is ready; it must end well on SIGTERM."""
        command = [sys.executable, "-m", "scripts.main", "serve", "--port", "0", *options]
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://\S+:\d+", said)
            assert found, f"the service said {said!r}"
            service = Service(found[0])
            service.wait(process)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0


class Service:
    """A client of the service."""

    def __init__(self, url: str) -> None:
        self.url = url

    def recommend(self, **request: object) -> dict[str, Any]:
        """The answer to POST /recommend."""
        body = json.dumps(request).encode()
        call = urllib.request.Request(f"{self.url}/recommend", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def wait(self, process: subprocess.Popen[str]) -> None:
        """Until a model is loaded."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert process.poll() is None, "the service ended before it was ready"
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=60):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        pytest.fail("the service was not ready after 120 s")


@dataclass(frozen=True)
class Sample:
    """A home folder after `trailmix quickstart`, with its graph server running."""

    home: Path
    trailmix: Trailmix
    printed: str


def _edges_missing(store: ServerStore, answer: dict[str, Any]) -> list[str]:
    """The edges of an answer's paths that are not exactly once in the graph, asked by Cypher one by one."""
    missing = []
    for item in answer["items"]:
        for path in item["paths"]:
            nodes, edges = path["nodes"], path["edges"]
            assert len(edges) == len(nodes) - 1
            assert nodes[-1]["id"] == item["item_id"]
            for edge, a, b in zip(edges, nodes, nodes[1:], strict=False):
                head, tail = (a, b) if edge["direction"] == "out" else (b, a)
                statement = (
                    f"MATCH (h:{head['label']} {{id: $head}})-[r:{edge['relation']}]->"
                    f"(t:{tail['label']} {{id: $tail}}) RETURN count(r) AS n"
                )
                if store.query(statement, {"head": head["id"], "tail": tail["id"]}) != [{"n": 1}]:
                    missing.append(f"{head['id']} -{edge['relation']}-> {tail['id']}")
    return missing


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """The sample, trained once a run in a home of its own; no test may change its graph or model."""
    home = tmp_path_factory.mktemp("sample") / "home"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TRAILMIX_", "NEO4J_"))}
    trailmix = Trailmix({**ours, "TRAILMIX_HOME": str(home)})
    try:
        yield Sample(home, trailmix, trailmix("quickstart").stdout)
    finally:
        trailmix("graph", "stop")


@pytest.fixture(scope="session")
def sample_store(sample: Sample) -> Iterator[ServerStore]:
    """The graph of the sample."""
    with open_store(Settings(home=sample.home)) as store:
        yield store


@pytest.fixture(scope="session")
def sample_service(sample: Sample) -> Iterator[Service]:
    """The service over the model of the sample."""
    with sample.trailmix.serve() as service:
        yield service


@pytest.fixture(scope="session")
def trailmix_under() -> type[Trailmix]:
    return Trailmix


@pytest.fixture
def trailmix_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Called like `Trailmix`, but in this process, so that torch is imported once for all these tests."""

    def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("sys.argv", ["trailmix", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code or 0) == status, (
            f"trailmix {' '.join(arguments)}\n{printed.out}\n{printed.err}"
        )
        return subprocess.CompletedProcess(arguments, status, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def edges_missing() -> Callable[[ServerStore, dict[str, Any]], list[str]]:
    return _edges_missing
