import shutil

import pandas as pd
import pytest

from kg import sources
from kg.errors import DataError, GraphSchemaError, MappingError
from kg.ingest import ingest
from kg.mapping import load_mapping
from kg.sources import convert_times


@pytest.fixture
def shop(bookshop, tmp_path):
    """A copy of the bookshop that a test may spoil."""
    return shutil.copytree(bookshop, tmp_path / "shop")


def load(folder, store):
    return ingest(load_mapping(folder / "mapping.yaml"), folder, store)


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
    assert [(x.name, x.rows, x.written) for x in report.steps] == [
        ("Book", 4, 4),
        ("Reader", 2, 2),
        ("Author", 4, 2),
        ("Publisher", 4, 2),
        ("AUTHORED_BY", 4, 4),
        ("PUBLISHED_BY", 4, 3),
        ("BOUGHT", 4, 3),
    ]
    assert (report.nodes, report.relations) == (4 + 2 + 2 + 2, 4 + 3 + 3)


def test_chunks_change_nothing(shop, fake_store, other_store, monkeypatch):
    load(shop, fake_store)
    monkeypatch.setattr(sources, "CHUNK_ROWS", 1)
    load(shop, other_store)
    assert (other_store.nodes, other_store.edges) == (fake_store.nodes, fake_store.edges)
    assert other_store.writes > fake_store.writes


def test_twice_is_once(shop, fake_store):
    load(shop, fake_store)
    before = fake_store.state()
    load(shop, fake_store)
    assert fake_store.state() == before


def test_killed_anywhere_and_run_again_completes(shop, fake_store, other_store):
    load(shop, fake_store)
    for moment in range(fake_store.writes):
        other_store.clear()
        other_store.fail_at_write = moment
        with pytest.raises(ConnectionError):
            load(shop, other_store)
        other_store.fail_at_write = None
        load(shop, other_store)
        assert other_store.state() == fake_store.state()


@pytest.mark.parametrize(
    ("file", "good", "bad", "where"),
    [
        ("orders.csv", "r2,b2,3", "r2,b2,many", r"orders\.csv, line 4, column stars: 'many' is not a number"),
        ("orders.csv", "r2,b2,3", "r2,b2,inf", r"line 4, column stars: 'inf' is not a number"),
        ("orders.csv", "r2,b2,3", "r2,b2,", r"line 4, column stars: '' is empty"),
        (
            "orders.csv",
            "r2,b2,3",
            "r2,b3,3",
            r"line 4, column book: 'b3' is the id of no Book; add it to books",
        ),
        ("orders.csv", "r2,b2,3", ",b2,3", r"line 4, column reader: '' is empty"),
        (
            "orders.csv",
            "2024-01-01",
            "1st of May",
            r"line 2, column day: '1st of May' is not a date like 2024",
        ),
        ("orders.csv", "r2,b2,3,", "r2,b2,3,,,", r"orders\.csv: a row does not fit the header.*line 4"),
        # b1's blurb goes on in line 3
        (
            "books.csv",
            "b2,Mort,Terry Pratchett,Gollancz,272",
            "b2,Mort,,,long",
            r"line 4, column pages: 'long'",
        ),
        ("books.csv", "b10,", ",", r"line 5, column isbn: '' is empty"),
        ("books.csv", "Avon,,yes", "Avon,,maybe", r"line 5, column available: 'maybe' is not true or false"),
        ("books.csv", "240.0", "240.5", r"line 6, column pages: '240\.5' is not a whole number"),
    ],
)
def test_a_wrong_value_is_named_as_an_editor_shows_it(shop, fake_store, file, good, bad, where):
    text = (shop / file).read_text()
    assert good in text
    (shop / file).write_text(text.replace(good, bad, 1))
    with pytest.raises(DataError, match=where):
        load(shop, fake_store)
    kind = {"orders.csv": "BOUGHT", "books.csv": "Book"}[file]
    assert kind not in fake_store.edges | fake_store.nodes


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
    [(None, "cannot be read"), (b"", "is empty"), (b"code,\xff\n\xff,\xff\n", "is not UTF-8")],
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
    mapping.write_text(mapping.read_text().replace("readers.tsv", "readers.xlsx"))
    with pytest.raises(
        MappingError, match=r"line 3, sources\.readers\.file: cannot read 'readers\.xlsx'.*\.csv"
    ):
        load(shop, fake_store)


@pytest.mark.parametrize(
    ("unit", "text", "seconds"),
    [
        ("s", "1704067200", 1704067200),
        ("ms", "1704067200999", 1704067200),
        ("us", "1704067200999999", 1704067200),
    ],
)
def test_time_units(unit, text, seconds):
    done = convert_times(pd.Series([text, "", "-1", "soon"]), unit)
    assert done.values.tolist() == [seconds, None, None, None]
    assert done.bad.tolist() == [False, False, True, True]


def test_milliseconds_given_as_seconds_are_noticed():
    assert convert_times(pd.Series(["1704067200999"]), "s").bad.tolist() == [True]
