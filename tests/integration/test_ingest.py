"""Files to a graph on each server, and back into the very same arrays."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from killed import BATCH, load_here, load_step_by_step

from kg.errors import GraphError, GraphSchemaError, UnknownIdError
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.snapshot import SnapshotCache, read_snapshot
from kg.store import bolt_runs
from kg.store.graph_hash import graph_content

BOOKSHOP = Path(__file__).parents[1] / "data" / "bookshop"
INGEST = "import sys; from scripts import main; sys.argv[1:1] = ['ingest']; main.main()"
KILLS = int(os.environ.get("TRAILMIX_TEST_KILLS", "20"))

READERS, BOOKS = 300, 100
BATCHES = 20


@pytest.fixture
def big_shop(tmp_path):
    """30,000 orders, which are three batches."""
    return write_shop(tmp_path, READERS)


@pytest.fixture
def small_shop(tmp_path):
    """4,000 orders, which are 20 small batches."""
    return write_shop(tmp_path, BATCHES * BATCH // BOOKS)


def write_shop(tmp_path, readers):
    (tmp_path / "mapping.yaml").write_text(
        "sources: {orders: {file: orders.csv}}\n"
        "nodes: {Reader: {role: user}, Book: {role: item}}\n"
        "interactions: {BOUGHT: {source: orders, user: reader, item: book}}\n"
    )
    orders = [f"r{reader},b{book}\n" for reader in range(readers) for book in range(BOOKS)]
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
    assert first.source.startswith(store.state())
    assert cache.load(store).fingerprint == first.fingerprint
    store.upsert_relations("BOUGHT", [{"head": "r2", "tail": "b9", "properties": {"value": 5.0, "time": 1}}])
    assert len(cache.load(store).interactions) == len(first.interactions) + 1


def test_the_command_killed_in_the_middle_and_resumed(store, big_shop):
    undisturbed = run_command(big_shop)
    content = graph_content(store)
    store.clear()
    process = subprocess.Popen(command(big_shop), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_first_orders(store, process)
    finally:
        process.kill()
        process.communicate()
    assert 0 < store.counts().relations["BOUGHT"] < READERS * BOOKS
    resumed = run_command(big_shop, "--resume")
    assert rows(resumed) == rows(undisturbed)
    assert graph_content(store) == content
    runs = store.query("MATCH (n) WHERE n.trailmix_run IS NOT NULL RETURN DISTINCT n.trailmix_run AS x")
    assert runs == [{"x": resumed["run_id"]}]


def test_killed_at_any_moment_and_resumed_is_as_if_undisturbed(store, server, small_shop):
    """The moments are random, over all batches and within each; TRAILMIX_TEST_KILLS says how many."""
    load_here(small_shop, server)  # the server's first statements are slow
    store.clear()
    began = time.monotonic()
    undisturbed = load_here(small_shop, server)
    seconds, content = (time.monotonic() - began) / BATCHES, graph_content(store)
    stopped = Counter()
    for kill in range(KILLS):
        store.clear()
        moment = random.Random(kill)
        kill_after(moment.randint(1, BATCHES + 1), moment.uniform(0.0, seconds), small_shop, server)
        stopped[_whole_batches(store)] += 1
        resumed = load_here(small_shop, server, resume=True).as_dict()
        assert rows(resumed) in (rows(undisturbed.as_dict()), unchanged(rows(undisturbed.as_dict())))
        assert graph_content(store) == content
    batches = ", ".join(str(n) for n in sorted(stopped.elements()))
    print(
        f"{store.info().engine}: {KILLS} kills when {batches} of {BATCHES} batches were there; "
        f"resumed, the graph hash each time {content.hash}"
    )


def kill_after(steps, seconds, path, server):
    """SIGKILL for an ingestion, that long after so many steps: its begin, that of writing, each batch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed"])
    done = context.Semaphore(0)
    given = (server.uri, server.username, server.password.get_secret_value(), server.database)
    process = context.Process(target=load_step_by_step, args=(str(path), given, done))
    process.start()
    for _ in range(steps):
        while not done.acquire(timeout=1):  # a busy machine
            assert process.is_alive()
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)


def test_a_run_ends_in_one_transaction(store, monkeypatch):
    """One that lost its checkpoints but was not finished would tell all its rows as unchanged."""
    monkeypatch.setattr(bolt_runs, "_FINISH", "NO CYPHER")
    with pytest.raises(GraphError):
        load(store)
    [run] = store.runs()
    assert run.state == "running"
    assert sum(x.rows for x in store.checkpoints(run.id).values()) == 10


def test_undoing_a_run_leaves_what_others_brought(store, big_shop):
    first = load(store, big_shop)
    alone = store.counts()
    more = "rX,b0\nr0,bX\nr0,b0\n"
    (big_shop.parent / "orders.csv").write_text("reader,book\n" + more)
    second = load(store, big_shop)
    assert store.counts().relations["BOUGHT"] == READERS * BOOKS + 2
    undone = store.undo_run(second.run_id)
    assert (undone.nodes, undone.relations, undone.kept) == (2, 2, 0)  # rX, bX and their orders
    assert store.counts() == alone
    load(store, big_shop)  # r0 bought b0: again both runs brought it
    undone = store.undo_run(first.run_id)
    assert undone.relations == READERS * BOOKS - 1
    assert store.counts().relations == {"BOUGHT": 3}
    assert store.counts().nodes == {"Reader": 2, "Book": 2}
    assert [run.state for run in store.runs()] == ["finished"]
    with pytest.raises(UnknownIdError, match="no run has the id"):
        store.undo_run(first.run_id)


def test_undoing_keeps_what_was_written_by_something_else(store):
    run = load(store)
    store.upsert_relations("BOUGHT", [{"head": "r2", "tail": "b9", "properties": {"value": 5.0, "time": 1}}])
    undone = store.undo_run(run.run_id)
    assert undone.kept == 2
    assert store.counts().nodes == {"Book": 1, "Reader": 1, "Author": 0, "Publisher": 0}
    assert store.counts().relations == {"AUTHORED_BY": 0, "PUBLISHED_BY": 0, "BOUGHT": 1}


def test_a_second_run_writes_nothing_that_changes_the_graph(store):
    load(store)
    before = store.state()
    report = load(store)
    assert {(x.written, x.rejected) for x in report.sources} == {(0, 0)}
    assert store.state() == before


def test_the_command_tells_rows_and_rejects(store, tmp_path):
    shop = shutil.copytree(BOOKSHOP, tmp_path / "shop")
    orders = (shop / "orders.csv").read_text()
    (shop / "orders.csv").write_text(orders.replace("r2,b2,3", "r2,b77,3"))
    given = command(shop / "mapping.yaml", "--rejects", tmp_path / "bad", "--report", tmp_path / "report")
    done = subprocess.run(given, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    report = json.loads((tmp_path / "report").read_text())
    assert report == json.loads(done.stdout)
    assert report["totals"].items() >= {"read": 10, "written": 8, "unchanged": 1, "rejected": 1}.items()
    assert json.loads((tmp_path / "bad").read_text()) == {
        "file": str(shop / "orders.csv"),
        "row": 3,
        "column": "book",
        "value": "b77",
        "reason": "is the id of no Book; add it to books or remove the row",
    }
    undone = subprocess.run(
        command("undo", report["run_id"])[:-1], capture_output=True, text=True, check=True
    )
    assert undone.stdout == "removed 10 nodes and 9 relations\n"


def command(*arguments):
    return [sys.executable, "-c", INGEST, *map(str, arguments), "--json"]


def run_command(*arguments):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(report):
    return [[x["name"], x["read"], x["written"], x["unchanged"], x["rejected"]] for x in report["sources"]]


def unchanged(told):
    """What a run tells that finds everything there."""
    return [[name, read, 0, read, 0] for name, read, *_ in told]


def _whole_batches(store):
    """How many there are; the checkpoint says no more and no less than that."""
    before = None
    while (found := _bought_and_done(store)) != before:  # the server may be ending the last batch
        before = found
        time.sleep(0.05)
    bought, done = found
    assert bought % BATCH == 0
    assert bought == (BATCH * BATCHES if done is None else done)
    return bought // BATCH


def _bought_and_done(store):
    """How many orders are there, and how many the checkpoint tells of; None if no run is under way."""
    try:
        bought = store.counts().relations["BOUGHT"]
    except GraphSchemaError:
        return 0, 0  # it had not begun
    runs = store.runs()
    running = [run for run in runs if run.state == "running"]
    done = sum(x.rows for run in running for x in store.checkpoints(run.id).values())
    return bought, done if running or not runs else None


def _wait_for_first_orders(store, process):
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if store.counts().relations["BOUGHT"]:
                return
        except GraphSchemaError:
            pass  # it has not begun
        time.sleep(0.02)
    pytest.fail(f"no orders arrived: {process.returncode}")
