import shutil

import numpy as np
import pytest

from kg.adapters import benchmark_graph
from kg.adapters.benchmark import Benchmark
from kg.adapters.benchmark_graph import ingest_benchmark
from kg.errors import DataError, MissingDataError
from kg.graph import NO_TIME
from kg.snapshot import read_snapshot

FILES = {
    "interactions.tsv": "user\titem\ttimestamp\n0\t0\t10\n0\t10\t20\n1\t2\t30\n",
    "users.tsv": "uid\traw_id\n0\tzoe\n1\tadam\n",
    "items.tsv": "iid\traw_id\tname\n0\t5\tFive\n2\t10\tTen\n10\t9\tNine\n",
    "kg.tsv": "head\trelation\ttail\ni:0\tmade.by\tp:Ann\n"
    "i:10\tmade.by\tp:Ann\np:Ann\tmade.by\tp:Bob\ni:2\t12\ti:0\n",
    "text.tsv": 'iid\ttext\n10\t"The ""nine"""\n',
    "warm/train.tsv": "user\titem\n1\t2\n0\t10\n",
    "warm/valid.tsv": "user\titem\n",
    "warm/test.tsv": "user\titem\n0\t0\n",
    "user_cold/train.tsv": "user\titem\n0\t0\n",
    "user_cold/valid.tsv": "user\titem\n0\t10\n",
    "user_cold/test.tsv": "user\titem\n1\t2\n",
    **{f"user_cold/reveal_{k}.tsv": "user\titem\n1\t2\n" for k in (1, 3, 5)},
    "item_cold/train.tsv": "user\titem\n1\t2\n",
    "item_cold/valid.tsv": "user\titem\n0\t0\n",
    "item_cold/test.tsv": "user\titem\n0\t10\n",
    "item_cold/cold_items.tsv": "item\n10\n2\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_folders_integers_and_the_snapshots_numbers(folder):
    benchmark = Benchmark(folder)
    snapshot = benchmark.snapshot
    # sorted as strings: 10 before 2
    assert snapshot.items.ids == ("0", "10", "2")
    assert benchmark.item_numbers.tolist() == [0, 10, 2]
    assert snapshot.users.ids == ("0", "1")
    assert benchmark.user_numbers.tolist() == [0, 1]
    assert snapshot.names == ("Five", "Nine", "Ten", "Ann", "Bob", "0", "1")
    assert snapshot.texts == ("", 'The "nine"', "")


def test_events_and_splits(folder):
    benchmark = Benchmark(folder)
    events = benchmark.snapshot.interactions
    assert list(zip(events.user, events.item, events.time, strict=True)) == [
        (0, 0, 10),
        (0, 1, 20),
        (1, 2, 30),
    ]
    assert events.liked.all()
    assert benchmark.warm.train.user.tolist() == [0, 1]
    assert benchmark.warm.train.item.tolist() == [1, 2]
    assert len(benchmark.warm.valid) == 0
    assert (benchmark.warm.test.user.tolist(), benchmark.warm.test.item.tolist()) == ([0], [0])
    assert {k: x.item.tolist() for k, x in benchmark.revealed.items()} == {1: [2], 3: [2], 5: [2]}
    assert benchmark.item_cold.test.item.tolist() == [1]
    assert benchmark.cold_items.tolist() == [1, 2]
    assert benchmark.cold_items.dtype == np.int32


def test_facts_join_items_and_entities(folder):
    snapshot = Benchmark(folder).snapshot
    triples = snapshot.triples
    schema = [(r.type, r.head, r.tail) for r in snapshot.schema.relations]
    assert schema == [
        ("R_12", "Item", "Item"),
        ("MADE_BY", "Entity", "Entity"),
        ("MADE_BY_2", "Item", "Entity"),
    ]
    # items 0..2, Ann 3, Bob 4
    assert list(zip(triples.head, triples.relation, triples.tail, strict=True)) == [
        *((0, 2, 3), (1, 2, 3), (2, 0, 0), (3, 1, 4)),
    ]


def test_what_may_be_missing(folder):
    for name in ("users.tsv", "items.tsv", "kg.tsv", "text.tsv"):
        (folder / name).unlink()
    (folder / "interactions.tsv").write_text("user\titem\n0\t0\n0\t10\n1\t2\n")
    benchmark = Benchmark(folder)
    assert benchmark.snapshot.items.ids == ("0", "10", "2")
    assert benchmark.item_numbers.tolist() == [0, 10, 2]
    assert benchmark.snapshot.names == ("0", "10", "2", "0", "1")
    assert benchmark.snapshot.texts == ("", "", "")
    assert len(benchmark.snapshot.triples) == 0
    assert benchmark.snapshot.interactions.time.tolist() == [NO_TIME] * 3


def test_what_is_ingested_is_what_is_compared(folder, fake_store):
    report = ingest_benchmark(folder, fake_store)
    assert read_snapshot(fake_store).fingerprint == Benchmark(folder).snapshot.fingerprint
    # 3 items, Ann and Bob, 2 users; 4 facts and 3 events
    assert (report.nodes, report.relations) == (3 + 2 + 2, 4 + 3)
    before = fake_store.state()
    ingest_benchmark(folder, fake_store)
    assert fake_store.state() == before


def test_parts_change_nothing(folder, fake_store, monkeypatch):
    monkeypatch.setattr(benchmark_graph, "CHUNK_ROWS", 2)
    ingest_benchmark(folder, fake_store)
    assert read_snapshot(fake_store).fingerprint == Benchmark(folder).snapshot.fingerprint


def test_an_event_met_twice_is_one_and_the_last_row_counts(folder):
    with (folder / "interactions.tsv").open("a") as file:
        file.write("0\t0\t99\n")
    assert Benchmark(folder).snapshot.interactions.time.tolist() == [99, 20, 30]


def test_what_is_wrong_is_named(folder):
    (folder / "warm" / "test.tsv").write_text("user\titem\n0\t7\n")
    with pytest.raises(DataError, match=r"warm.test\.tsv: item 7"):
        _ = Benchmark(folder).warm
    (folder / "warm" / "test.tsv").write_text("user\tmovie\n0\t7\n")
    with pytest.raises(DataError, match=r"warm.test\.tsv: has no column 'item'; it has user, movie"):
        _ = Benchmark(folder).warm


@pytest.mark.parametrize(
    ("part", "attributes"),
    [
        ("warm", ["warm"]),
        ("user_cold", ["user_cold", "revealed"]),
        ("item_cold", ["item_cold", "cold_items"]),
    ],
)
def test_a_part_is_missed_when_it_is_asked_for(folder, part, attributes):
    shutil.rmtree(folder / part)
    benchmark = Benchmark(folder)
    for name in ("warm", "user_cold", "revealed", "item_cold", "cold_items"):
        if name in attributes:
            with pytest.raises(MissingDataError, match=rf"{part}.*\.tsv: is missing"):
                getattr(benchmark, name)
        else:
            assert getattr(benchmark, name) is not None
