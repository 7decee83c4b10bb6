"""Files to a graph on each server, and back into the very same arrays."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kg.errors import GraphSchemaError
from kg.ingest import ingest
from kg.mapping import load_mapping
from kg.snapshot import SnapshotCache, read_snapshot

BOOKSHOP = Path(__file__).parents[1] / "data" / "bookshop"
INGEST = "import typer; from scripts.ingest import command; typer.run(command)"

READERS, BOOKS = 300, 100


@pytest.fixture
def big_shop(tmp_path):
    """30,000 orders, which are three batches."""
    (tmp_path / "mapping.yaml").write_text(
        "sources: {orders: {file: orders.csv}}\n"
        "nodes: {Reader: {role: user}, Book: {role: item}}\n"
        "interactions: {BOUGHT: {source: orders, user: reader, item: book}}\n"
    )
    orders = [f"r{reader},b{book}\n" for reader in range(READERS) for book in range(BOOKS)]
    (tmp_path / "orders.csv").write_text("".join(["reader,book\n", *orders]))
    return tmp_path / "mapping.yaml"


def load(store, path=BOOKSHOP / "mapping.yaml"):
    return ingest(load_mapping(path), path.parent, store)


def test_twice_is_once(store):
    load(store)
    once, content = store.counts(), read_snapshot(store).fingerprint
    assert once.nodes == {"Book": 4, "Reader": 2, "Author": 2, "Publisher": 2}
    assert once.relations == {"AUTHORED_BY": 4, "PUBLISHED_BY": 3, "BOUGHT": 3}
    load(store)
    assert store.counts() == once
    assert read_snapshot(store).fingerprint == content


@pytest.mark.neo4j
def test_both_servers_give_the_same_snapshot(embedded_store, neo4j_store):
    load(embedded_store)
    load(neo4j_store)
    assert read_snapshot(embedded_store).fingerprint == read_snapshot(neo4j_store).fingerprint


def test_an_unchanged_graph_comes_from_the_cache(store, tmp_path):
    load(store)
    cache = SnapshotCache(tmp_path)
    first = cache.load(store)
    assert first.source == store.state()
    assert cache.load(store).fingerprint == first.fingerprint
    store.upsert_relations("BOUGHT", [{"head": "r2", "tail": "b9", "properties": {"value": 5.0, "time": 1}}])
    assert len(cache.load(store).interactions) == len(first.interactions) + 1


def test_killed_in_the_middle_and_run_again(store, big_shop):
    command = [sys.executable, "-c", INGEST, str(big_shop), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for_first_orders(store, process)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert 0 < store.counts().relations["BOUGHT"] < READERS * BOOKS
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert store.counts().nodes == {"Reader": READERS, "Book": BOOKS}
    assert store.counts().relations == {"BOUGHT": READERS * BOOKS}
    assert json.loads(done.stdout)["relations"] == READERS * BOOKS


def _wait_for_first_orders(store, process):
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if store.counts().relations["BOUGHT"]:
                return
        except GraphSchemaError:
            pass  # it has not begun
        time.sleep(0.02)
    pytest.fail(f"no orders arrived: {process.returncode}")
