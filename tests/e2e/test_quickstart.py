"""The whole road on the real sample: nothing to explained recommendations, then the service with the same answer."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.connect import open_store
from kg.settings import Settings
from kg.store import GraphStore

pytestmark = pytest.mark.slow

TrailmixRun = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quickstart") / "home"


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TRAILMIX_", "NEO4J_"))}
    return {**ours, "TRAILMIX_HOME": str(home)}


@pytest.fixture(scope="module")
def trailmix(environment: dict[str, str]) -> Iterator[TrailmixRun]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scripts.main", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    yield run
    run("graph", "stop")


@pytest.fixture(scope="module")
def first_run(trailmix: TrailmixRun) -> str:
    return trailmix("quickstart").stdout


@pytest.fixture(scope="module")
def store(first_run: str, home: Path) -> Iterator[GraphStore]:
    with open_store(Settings(home=home)) as store:
        yield store


@pytest.fixture(scope="module")
def service(first_run: str, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "scripts.main", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(f"{url}/readyz", process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended before it was ready"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the service was not ready after 120 s")


def recommend(service: str, **request: object) -> dict[str, Any]:
    body = json.dumps(request).encode()
    call = urllib.request.Request(f"{service}/recommend", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def edges_missing(store: GraphStore, answer: dict[str, Any]) -> list[str]:
    """The edges of an answer's paths that the graph does not have, asked by Cypher one by one."""
    missing = []
    for item in answer["items"]:
        for path in item["paths"]:
            assert len(path["edges"]) == len(path["nodes"]) - 1
            for edge, a, b in zip(path["edges"], path["nodes"], path["nodes"][1:], strict=False):
                head, tail = (a, b) if edge["direction"] == "out" else (b, a)
                statement = (
                    f"MATCH (h:{head['label']} {{id: $head}})-[r:{edge['relation']}]->"
                    f"(t:{tail['label']} {{id: $tail}}) RETURN count(r) AS n"
                )
                rows = store.query(statement, {"head": head["id"], "tail": tail["id"]})
                if rows[0]["n"] != 1:
                    missing.append(f"{head} {edge} {tail}")
    return missing


def test_prints_ten_explained_recommendations(first_run: str) -> None:
    assert re.findall(r"^\s*(\d+)\W", first_run, re.MULTILINE)[-10:] or "because you liked" in first_run
    assert first_run.count("because ") >= 10
    assert "curl" in first_run
    assert "EASE" in first_run or "ease" in first_run


def test_every_rating_user_and_film_arrives(store: GraphStore) -> None:
    counts = store.counts()
    assert counts.relations["RATED"] == 100_004
    assert counts.nodes["User"] == 671
    assert counts.nodes["Movie"] == 9_066


def test_second_run_reuses_everything(first_run: str, trailmix: TrailmixRun) -> None:
    began = time.monotonic()
    again = trailmix("quickstart")
    assert time.monotonic() - began < 60
    assert "unchanged" in again.stdout + again.stderr
    assert again.stdout.splitlines()[-3:] == first_run.splitlines()[-3:]


def test_ingesting_again_leaves_identical_counts(
    store: GraphStore, trailmix: TrailmixRun, home: Path
) -> None:
    before = store.counts()
    trailmix("ingest", str(home / "sample" / "mapping.yaml"))
    assert store.counts() == before


def test_service_gives_what_the_command_line_gives(service: str, trailmix: TrailmixRun) -> None:
    said = json.loads(trailmix("recommend", "15", "--json").stdout)
    answered = recommend(service, user_id="15")
    assert [(i["item_id"], i["score"]) for i in answered["items"]] == [
        (i["item_id"], i["score"]) for i in said["items"]
    ]
    assert answered["user_state"] == "hot"


@pytest.mark.parametrize(
    "request_body",
    [{"user_id": "15"}, {"history": ["1214", "1200", "541"]}, {"text": "I like to watch science fiction movies"}],
    ids=["user", "history", "text"],
)
def test_each_path_is_in_the_graph(service: str, store: GraphStore, request_body: dict[str, Any]) -> None:
    answer = recommend(service, **request_body)
    assert len(answer["items"]) == 10
    assert all(item["paths"] for item in answer["items"])
    assert edges_missing(store, answer) == []


def test_science_fiction_comes_back(service: str, store: GraphStore) -> None:
    answer = recommend(service, text="I like to watch science fiction movies")
    ids = [item["item_id"] for item in answer["items"]]
    rows = store.query(
        "MATCH (m:Movie)-[:HAS_GENRE]->(:Genre {id: 'Sci-Fi'}) WHERE m.id IN $ids RETURN count(m) AS n", {"ids": ids}
    )
    assert rows[0]["n"] >= 8


def test_an_unknown_user_gets_an_answer_that_says_it_is_cold(service: str) -> None:
    answer = recommend(service, user_id="nobody-knows-me")
    assert answer["user_state"] == "cold"
    assert len(answer["items"]) == 10
