import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kg.errors import DataError, GraphSchemaError, MappingError, UsageError
from kg.ingestion import chunks
from kg.ingestion.dates import convert_times
from kg.ingestion.ingest import IngestOptions, dry_run, ingest
from kg.ingestion.mapping_file import load_mapping
from kg.ingestion.rejects import Rejects
from kg.ingestion.source_mapping import SourceMapping

SOURCE = SourceMapping(file="any.csv")


@pytest.fixture
def shop(bookshop, tmp_path):
    """A copy of the bookshop that a test may spoil."""
    return shutil.copytree(bookshop, tmp_path / "shop")


def load(folder, store, **options):
    return ingest(load_mapping(folder / "mapping.yaml"), folder, store, options=IngestOptions(**options))


def rows(report):
    """By source: read, written, unchanged, rejected; which add up."""
    assert all(x.read == x.written + x.unchanged + x.rejected for x in report.sources)
    return {x.name: (x.read, x.written, x.unchanged, x.rejected) for x in report.sources}


def test_each_stage_ends_once(shop, fake_store):
    reported = []
    ingest(load_mapping(shop / "mapping.yaml"), shop, fake_store, lambda *of: reported.append(of))
    ended = [stage for stage, done, total in reported if done == total]
    assert "write orders orders.csv" in ended
    assert len(ended) == len(set(ended))


def test_a_bookshop_arrives(shop, fake_store):
    report = load(shop, fake_store)
    assert fake_store.nodes["Book"]["b1"] == {
        "title": "Good Omens",
        "pages": 288,
        "in_print": True,
        "text": "Good Omens by Terry Pratchett. An angel and a demon.\nThey would rather keep the world.",
    }
    assert fake_store.nodes["Book"]["b10"] == {
        "title": "Stardust",
        "in_print": True,
        "text": "Stardust by Neil Gaiman. A fallen star.",
    }
    assert fake_store.nodes["Book"]["b9"] == {"title": "Beowulf", "pages": 240, "in_print": True, "text": ""}
    assert fake_store.nodes["Reader"] == {"r1": {"name": "Ada Lovelace"}, "r2": {"name": "Alan Turing"}}
    assert fake_store.nodes["Author"] == {x: {"name": x} for x in ("Neil Gaiman", "Terry Pratchett")}
    assert sorted(fake_store.edges["AUTHORED_BY"]) == [
        ("b1", "Neil Gaiman"),
        ("b1", "Terry Pratchett"),
        ("b10", "Neil Gaiman"),
        ("b2", "Terry Pratchett"),
    ]
    # r1 bought b1 twice: the last row counts. 2024-01-01 is 1704067200 s; 01:00+01:00 is midnight, UTC.
    assert fake_store.edges["BOUGHT"] == {
        ("r1", "b1"): {"value": 4.0, "time": 1704067200 + 2 * 86400},
        ("r1", "b2"): {"value": 2.0, "time": 1704067200 + 86400 + 10},
        ("r2", "b2"): {"value": 3.0},
    }
    # the first order is replaced by the last
    assert rows(report) == {"books": (4, 4, 0, 0), "readers": (2, 2, 0, 0), "orders": (4, 3, 1, 0)}
    assert (report.nodes, report.relations) == (4 + 2 + 2 + 2, 4 + 3 + 3)
    assert report.warnings == ()


def test_chunks_change_nothing(shop, fake_store, other_store, monkeypatch):
    load(shop, fake_store)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 1)
    load(shop, other_store)
    assert (other_store.nodes, other_store.edges) == (fake_store.nodes, fake_store.edges)
    assert other_store.writes > fake_store.writes


def test_twice_is_once(shop, fake_store):
    load(shop, fake_store)
    before = fake_store.state()
    report = load(shop, fake_store)
    assert fake_store.state() == before
    assert rows(report) == {"books": (4, 0, 4, 0), "readers": (2, 0, 2, 0), "orders": (4, 0, 4, 0)}
    assert (report.nodes, report.relations) == (0, 0)


def test_only_what_changed_is_written(shop, fake_store):
    load(shop, fake_store)
    edit(shop / "orders.csv", "r2,b2,3", "r2,b2,1")
    edit(shop / "books.csv", "272", "273")
    report = load(shop, fake_store)
    assert rows(report) == {"books": (4, 1, 3, 0), "readers": (2, 0, 2, 0), "orders": (4, 1, 3, 0)}
    assert (report.nodes, report.relations) == (1, 1)
    assert fake_store.nodes["Book"]["b2"]["pages"] == 273


@pytest.mark.parametrize("resume", [False, True])
def test_killed_anywhere_and_run_again_completes(shop, fake_store, other_store, resume, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    undisturbed = load(shop, fake_store)
    for moment in range(fake_store.writes):
        other_store.clear()
        other_store.fail_at_write = moment
        with pytest.raises(ConnectionError):
            load(shop, other_store)
        other_store.fail_at_write = None
        before = other_store.writes
        report = load(shop, other_store, resume=resume)
        assert other_store.content() == fake_store.content()
        if resume:
            assert rows(report) == rows(undisturbed)
            assert other_store.writes - before == fake_store.writes - moment
            assert set(other_store.provenance.values()) == {report.run_id}
            assert list(other_store.records) == [report.run_id]


def test_a_run_whose_files_changed_does_not_go_on(shop, fake_store):
    fake_store.fail_at_write = 1
    with pytest.raises(ConnectionError):
        load(shop, fake_store)
    fake_store.fail_at_write = None
    edit(shop / "orders.csv", "r2,b2,3", "r2,b2,1")
    with pytest.raises(DataError, match="the files changed since the run"):
        load(shop, fake_store, resume=True)
    assert rows(load(shop, fake_store))["orders"] == (4, 3, 1, 0)


def test_what_several_runs_bring_carries_them_all_up_to_three(shop, fake_store):
    ids = [load(shop, fake_store).run_id for _ in range(3)]
    assert set(fake_store.provenance.values()) == {" ".join(ids)}
    for _ in range(2):
        load(shop, fake_store)
        assert set(fake_store.provenance.values()) == {" ".join([*ids, "+"])}


def test_what_no_run_brought_stays_nobodys(shop, fake_store):
    load(shop, fake_store)
    fake_store.provenance["Reader", "r1"] = None  # as after an upsert
    load(shop, fake_store)
    assert fake_store.provenance["Reader", "r1"] is None


def edit(path, good, bad):
    text = path.read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))


@pytest.mark.parametrize(
    ("file", "good", "bad", "row", "column", "value", "reason"),
    [
        ("orders.csv", "r2,b2,3", "r2,b2,many", 3, "stars", "many", "is not a number"),
        ("orders.csv", "r2,b2,3", "r2,b2,inf", 3, "stars", "inf", "is not a number"),
        ("orders.csv", "r2,b2,3", "r2,b2,", 3, "stars", "", "is empty"),
        ("orders.csv", "r2,b2,3", "r2,b3,3", 3, "book", "b3", "is the id of no Book; add it to books"),
        ("orders.csv", "r2,b2,3", ",b2,3", 3, "reader", "", "is empty"),
        ("orders.csv", "2024-01-01", "1st of May", 1, "day", "1st of May", "is not a date like 2024"),
        ("orders.csv", "2024-01-01", "now", 1, "day", "now", "is not a date like 2024"),
        ("orders.csv", "r2,b2,3", f"{'r' * 2001},b2,3", 3, "reader", "r" * 197 + "...", "too long for an id"),
        (
            "books.csv",
            "b2,Mort,Terry",
            f"b2,Mort,{'T' * 2001}",
            2,
            "authors",
            "T" * 197 + "...",
            "too long for an id",
        ),
        ("orders.csv", "2024-01-01", "1066-10-14", 1, "day", "1066-10-14", "from 1970 on"),
        ("orders.csv", "r2,b2,3,", "r2,b2,3,,,", 3, None, "r2,b2,3,,,", "has 6 values where there are 4"),
        ("orders.csv", "r2,b2,3,", "r2,b2,3", 3, None, "r2,b2,3", "has 3 values where there are 4"),
        (
            "orders.csv",
            "r1,b1,4,2",
            'r1,b1,4,"2',
            4,
            None,
            'r1,b1,4,"2024-01-03T01:00:00+01:00',
            "never closed",
        ),
        ("books.csv", "b2,Mort,Terry Pratchett,Gollancz,272", "b2,Mort,,,long", 2, "pages", "long", "whole"),
        ("books.csv", "b10,", ",", 3, "isbn", "", "is empty"),
        ("books.csv", "Avon,,yes", "Avon,,maybe", 3, "available", "maybe", "is not true or false"),
        ("books.csv", "240.0", "240.5", 4, "pages", "240.5", "is not a whole number"),
        ("books.csv", "b9,", "b1,", 4, "isbn", "b1", "row 1 of books.csv says otherwise of this Book"),
    ],
)
def test_a_wrong_row_is_told_and_the_others_arrive(
    shop, fake_store, file, good, bad, row, column, value, reason
):
    edit(shop / file, good, bad)
    report = load(shop, fake_store, rejects=shop / "rejects.jsonl")
    told = [json.loads(line) for line in (shop / "rejects.jsonl").read_text().splitlines()]
    assert report.rejected == len(told)
    [first] = [x for x in told if x["file"] == str(shop / file)]
    assert (first["row"], first["column"], first["value"].strip()) == (row, column, value.strip())
    assert reason in first["reason"]
    assert rows(report)[file.partition(".")[0]][3] == 1
    # the rest is what arrives without that row
    arrived = (fake_store.nodes, fake_store.edges)
    fake_store.clear()
    load(without(shop, file, row), fake_store)
    assert arrived == (fake_store.nodes, fake_store.edges)


def without(shop, file, row):
    """The same shop, one row removed."""
    lines = re.findall(r'(?:"[^"]*"|[^\n"])*\n|.+$', (shop / file).read_text())
    (shop / file).write_text("".join(lines[:row] + lines[row + 1 :]))
    return shop


def test_a_rejected_node_takes_what_refers_to_it_along(tmp_path, fake_store):
    """e3's boss e9 does not exist; so e3 goes, then e2, whose boss it is, and the order of e2."""
    (tmp_path / "mapping.yaml").write_text(
        "sources: {staff: {file: staff.csv}, orders: {file: orders.csv}}\n"
        "nodes: {Employee: {role: user, source: staff}, Book: {role: item}}\n"
        "relations: {REPORTS_TO: {from: Employee, to: Employee, source: staff, head: id, tail: boss}}\n"
        "interactions: {BOUGHT: {source: orders, user: who, item: book}}\n"
    )
    (tmp_path / "staff.csv").write_text("id,boss\ne1,e4\ne2,e3\ne3,e9\ne4,\n")
    (tmp_path / "orders.csv").write_text("who,book\ne1,b1\ne2,b2\n")
    report = load(tmp_path, fake_store, rejects=tmp_path / "rejects.jsonl")
    told = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(x["file"][-10:], x["row"], x["value"]) for x in told] == [
        (f"{tmp_path / 'staff.csv'}"[-10:], 2, "e3"),
        (f"{tmp_path / 'staff.csv'}"[-10:], 3, "e9"),
        ("orders.csv", 2, "e2"),
    ]
    assert rows(report) == {"staff": (4, 2, 0, 2), "orders": (2, 1, 0, 1)}
    assert fake_store.nodes == {
        "Employee": {"e1": {"name": "e1"}, "e4": {"name": "e4"}},
        "Book": {"b1": {"name": "b1"}},
    }
    assert list(fake_store.edges["REPORTS_TO"]) == [("e1", "e4")]


def test_editions_of_one_work_are_a_group(shop, fake_store):
    edit(shop / "mapping.yaml", "name: title", "name: title\n    same_as: work")
    (shop / "books.csv").write_text(
        "isbn,title,authors,publisher,pages,available,blurb,work\n"
        "b1,Mort,,,1,yes,,w7\nb10,Mort,,,1,yes,,\nb2,Mort (large print),,,1,yes,,w7\nb1,Mort,,,1,yes,,w8\n"
    )
    report = load(shop, fake_store)
    assert rows(report)["books"] == (4, 3, 0, 1)  # the last row says otherwise of b1
    held = [fake_store.nodes["Book"][x].get("same_as") for x in ("b1", "b10", "b2")]
    assert held == ["w7", None, "w7"]


def test_limits_and_lists_of_values(shop, fake_store):
    edit(shop / "mapping.yaml", "pages: integer", "pages: {type: integer, min: 250, required: true}")
    edit(shop / "mapping.yaml", "value: stars", "value: {column: stars, one_of: [3, 4, 5]}")
    edit(shop / "mapping.yaml", "unit: iso}", "unit: iso, min: 2024-01-02, max: 2024-12-31}")
    with_rejects = shop / "rejects.jsonl"
    load(shop, fake_store, rejects=with_rejects)
    told = [json.loads(line) for line in with_rejects.read_text().splitlines()]
    assert [(x["row"], x["column"], x["value"], x["reason"]) for x in told] == [
        (3, "pages", "", "is empty; fill it in or remove the row"),
        (4, "pages", "240.0", "is less than 250"),
        (1, "day", "2024-01-01", "is not a time from 2024-01-02 to 2024-12-31"),
        (2, "stars", "2", "is none of 3, 4, 5"),
    ]


def test_too_many_errors_stop_before_anything_is_written(shop, fake_store):
    edit(shop / "orders.csv", "r2,b2,3", "r2,b2,many")
    assert not load(shop, fake_store, max_errors=1).stopped
    fake_store.clear()
    report = load(shop, fake_store, max_errors=0)
    assert report.stopped
    assert rows(report)["orders"] == (4, 0, 3, 1)
    assert fake_store.nodes == {}


def test_a_dry_run_judges_the_same_without_a_graph(shop, fake_store):
    edit(shop / "orders.csv", "r2,b2,3", "r2,b2,many")
    report = dry_run(load_mapping(shop / "mapping.yaml"), shop)
    assert rows(report) == {"books": (4, 0, 4, 0), "readers": (2, 0, 2, 0), "orders": (4, 0, 3, 1)}
    assert report.run_id is None
    assert report.as_dict()["totals"]["rejected"] == 1
    assert report.examples[0].endswith("orders.csv, row 3, column stars: 'many' is not a number")


def test_a_file_for_rejects_that_cannot_be_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be written"), Rejects(tmp_path / "no" / "folder"):
        pass


@pytest.mark.parametrize("option", ["rejects", "report"])
def test_no_input_is_overwritten(shop, fake_store, option):
    before = (shop / "orders.csv").read_text()
    with pytest.raises(UsageError, match=r"orders\.csv: would be overwritten"):
        load(shop, fake_store, **{option: shop / "." / "orders.csv"})
    assert (shop / "orders.csv").read_text() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_for_rejects_is_named_and_nothing_written(shop, fake_store):
    edit(shop / "orders.csv", "r2,b2,3", "r2,b2,many")
    with pytest.raises(DataError, match="/dev/full: cannot be written: No space left on device; the graph"):
        load(shop, fake_store, rejects=Path("/dev/full"))
    assert fake_store.nodes == {}


def test_a_missing_column_names_mapping_key_file_and_nearest_column(shop, fake_store):
    (shop / "orders.csv").write_text((shop / "orders.csv").read_text().replace("stars", "star", 1))
    with pytest.raises(MappingError) as error:
        load(shop, fake_store)
    for part in (
        "mapping.yaml, line 36, interactions.BOUGHT.value",
        "orders.csv has no column 'stars'",
        "'star'?",
    ):
        assert part in str(error.value)
    with pytest.raises(GraphSchemaError):
        fake_store.schema()  # nothing was prepared, let alone written


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), (b"", "is empty"), (b"code,\xff\n\xff,\xff\n", "is not utf-8")],
)
def test_an_unreadable_file_is_named(shop, fake_store, content, problem):
    path = shop / "readers.tsv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"readers\.tsv: {problem}"):
        load(shop, fake_store)


def test_an_unknown_format_is_named(shop, fake_store):
    mapping = shop / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("readers.tsv", "readers.xls"))
    with pytest.raises(
        MappingError,
        match=r"line 3, sources\.readers\.file: cannot read 'readers\.xls'; save .* as \.xlsx or CSV",
    ):
        load(shop, fake_store)


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("s", "1704067200", 1704067200),
        ("ms", "1704067200999", 1704067200),
        ("us", "1704067200999999", 1704067200),
        ("ns", "1704067200999999000", 1704067200),
    ],
)
def test_time_units(unit, text, seconds):
    done = convert_times(pd.Series([text, "", "-1", "soon"], dtype="str"), unit, SOURCE)
    assert done.values.tolist() == [seconds, None, None, None]
    assert done.bad.tolist() == [False, False, True, True]


def test_milliseconds_given_as_seconds_are_noticed():
    assert convert_times(pd.Series(["1704067200999"], dtype="str"), "s", SOURCE).bad.tolist() == [True]
