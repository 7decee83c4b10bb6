"""What an ingestion warns of although it takes every row, and what it does not warn of."""

import pandas as pd
import pytest

from kg.ingestion import ingest as ingesting
from kg.ingestion.ingest import dry_run, ingest
from kg.ingestion.mapping_file import load_mapping
from kg.snapshot import read_snapshot

NOW = 1_750_000_000  # 2025-06-15
A_DAY = 86_400


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr(ingesting.time, "time", lambda: NOW)


@pytest.fixture
def warned(tmp_path):
    """Called with rows of user, item, value and time, and with the keys of the interaction."""

    def _warned(rows, keys="", source="{file: x.csv}"):
        write(tmp_path, rows, keys, source)
        report = dry_run(load_mapping(tmp_path / "mapping.yaml"), tmp_path)
        assert report.as_dict()["warnings"] == list(report.warnings)
        return [warning.removeprefix(f"{tmp_path}/mapping.yaml, ") for warning in report.warnings]

    return _warned


def write(folder, rows, keys="", source="{file: x.csv}"):
    (folder / "mapping.yaml").write_text(
        f"sources:\n  x: {source}\n"
        "nodes:\n  Reader: {role: user}\n  Book: {role: item}\n"
        f"interactions:\n  READ: {{source: x, user: user, item: item{keys}}}\n"
    )
    frame = pd.DataFrame(rows, columns=["user", "item", "value", "time"])
    frame.to_csv(folder / "x.csv", index=False)


def events(times=(NOW,), values=(1,)):
    several = max(len(times), len(values))
    pairs = zip(list(values) * several, list(times) * several, strict=False)
    return [(f"u{n}", f"i{n}", value, time) for n, (value, time) in zip(range(several), pairs, strict=False)]


def test_negative_values_without_a_threshold(warned):
    rows = events(values=[1, 1, -1])
    assert warned(rows, ", value: value") == [
        "line 7, interactions.READ: the values in the column 'value' are from -1 to 1, 1 of 3 are negative, "
        "and only those are no likes; add `liked_at_least: 1`, or another value from which an item is liked"
    ]
    assert warned(rows, ", value: value, liked_at_least: 1") == []
    assert warned(rows) == []


def test_grades_without_a_threshold(warned):
    [warning] = warned(events(values=[1, 2, 3, 4, 5] * 3), ", value: value")
    assert "from 1 to 5, as grades are, and every event counts as liked; add `liked_at_least: 4`" in warning


def test_only_accepted_rows_are_judged(warned):
    assert warned(events(values=[1, 1, -1]), ", value: {column: value, min: 0}") == []


def test_no_value_is_positive(warned):
    [warning] = warned(events(values=[-1, -2, 0]), ", value: value")
    assert "no value in the column 'value' is positive, so no event may count as liked" in warning


def test_negative_values_never_count_as_liked(tmp_path, fake_store):
    write(tmp_path, events(values=[-1, 0, 1, 2]), ", value: value")
    ingest(load_mapping(tmp_path / "mapping.yaml"), tmp_path, fake_store)
    assert read_snapshot(fake_store).interactions.liked.tolist() == [False, True, True, True]
    schema = fake_store.schema()
    negative = schema.interactions[0].model_copy(
        update={"liked_at_least": -1.0}
    )  # as an earlier version took
    fake_store._schema = schema.model_copy(update={"interactions": (negative,)})
    assert read_snapshot(fake_store).interactions.liked.tolist() == [False, True, True, True]


SECONDS = [NOW - n * A_DAY for n in range(40)]
COMPACT = [f"202501{n:02}" for n in range(1, 32)]


@pytest.mark.parametrize(
    ("times", "unit", "right"),
    [
        (SECONDS, "ms", "s"),
        (SECONDS, "us", "s"),
        (SECONDS, "ns", "s"),
        ([x * 1_000 for x in SECONDS], "us", "ms"),
        ([x * 1_000_000 for x in SECONDS], "ns", "us"),
        ([f"{x}.0" for x in SECONDS], "ms", "s"),
        (COMPACT, "s", "iso"),
        (COMPACT, "ms", "iso"),
        ([*SECONDS, NOW * 1_000], "ms", "s"),  # nearly all
        ([NOW], "ms", "s"),
    ],
)
def test_a_wrong_unit_is_named_with_the_right_one(warned, times, unit, right):
    [warning] = warned(events(times), f", time: {{column: time, unit: {unit}}}")
    assert warning.startswith("line 7, interactions.READ: ")
    assert (
        f"are in 1970 if they are in {unit}, but look like times in {right}; write `unit: {right}`" in warning
    )


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (list(range(20_000, 20_050)), "s"),  # days
        (list(range(1, 40)), "s"),  # an order
        (["1970-01-01"] * 9, "iso"),  # missing times
    ],
)
def test_times_that_no_unit_explains(warned, times, unit):
    [warning] = warned(events(times), f", time: {{column: time, unit: {unit}}}")
    assert f"{len(times)} of {len(times)} times in the column 'time' are in 1970; if" in warning


@pytest.mark.parametrize(
    ("times", "unit", "problem"),
    [
        (
            [*SECONDS[:20], *(x * 1_000 for x in SECONDS[20:])],
            "ms",
            "20 of 40 times in the column 'time' are in 1970, and look like times in s, not ms",
        ),
        ([SECONDS[0], *(x * 1_000 for x in SECONDS)], "ms", "1 of 41 times"),
        ([*SECONDS[:4], *(x * 1_000 for x in SECONDS)], "ms", "4 of 44 times"),
        (
            [*SECONDS, *[0] * 10],
            "s",
            "10 of 50 times in the column 'time' are in 1970, and the others after 1989; ",
        ),
        ([*SECONDS, *[0] * 10, 400 * A_DAY], "s", None),  # one in 1971: the data are as old
    ],
)
def test_times_of_which_some_are_in_1970(warned, times, unit, problem):
    found = warned(events(times), f", time: {{column: time, unit: {unit}}}")
    assert len(found) == (problem is not None)
    assert (problem or "") in "".join(found)


def test_times_in_the_future(warned):
    [warning] = warned(events(["2204-05-01"] * 8), ", time: {column: time, unit: iso}")
    assert "8 of 8 times in the column 'time' are in the future, up to 2204-05-01" in warning
    assert "`max: 2025-06-15` rejects them" in warning
    [warning] = warned(events([*SECONDS, NOW + 400 * A_DAY]), ", time: {column: time, unit: s}")
    assert "1 of 41 times" in warning
    [warning] = warned(events([NOW + 5 * A_DAY] * 9), ", time: {column: time, unit: s}")
    assert "9 of 9 times" in warning


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (SECONDS, "s"),
        (["1998-03-02"] * 9, "iso"),
        ([890_000_000] * 9, "s"),  # 1998
        (["1971-02-03"] * 9, "iso"),
        ([0, 1], "s"),  # a first test
        ([*SECONDS, 0, 0, 0], "s"),  # some missing
        ([*SECONDS, NOW + 30 * A_DAY], "s"),  # a stay that is booked
        ([NOW + 3_600] * 9, "s"),  # another clock
        ([""] * 9, "iso"),
    ],
)
def test_healthy_times(warned, times, unit):
    assert warned(events(times), f", time: {{column: time, unit: {unit}}}") == []


@pytest.mark.parametrize(
    ("ids", "count", "pair"),
    [
        (["Jos\u00e9", "Jose\u0301", "Jose"], 1, r"'Jos\xe9' and 'Jose\u0301'"),
        (["b1", "b1\u200b", "\ufeffb1"], 2, r"'b1' and 'b1\u200b'"),
        (["a b", "a\u00a0b"], 1, r"'a b' and 'a\xa0b'"),
        (["x\u200b", "x\u00ad"], 1, r"'x\u200b' and 'x\xad'"),  # and no x
        (["\x1b[0mb1", "[0mb1"], 1, r"'[0mb1' and '\x1b[0mb1'"),
    ],
)
def test_ids_that_look_alike_are_counted(warned, ids, count, pair):
    [warning] = warned([("u", external, 1, 0) for external in ids])
    assert warning == (
        f"line 5, nodes.Book: {count} ids of Book differ from another one only in invisible characters or in "
        f"how letters are composed (NFC, NFD), such as {pair}; each is a node: write them alike"
    )


@pytest.mark.parametrize("ids", [["12", "12.0", "13.0"], ["12.0", "12"], ["12.00", "12.0"]])
def test_ids_with_and_without_a_point(warned, ids):
    [warning] = warned([("u", external, 1, 0) for external in ids])
    assert "1 ids of Book are another one with a decimal point, such as '12" in warning
    assert warning.endswith("add `id: {type: integer}` to read both alike")


@pytest.mark.parametrize(
    "ids",
    [
        ["Jos\u00e9", "Jose"],
        ["Jose\u0301", "Zoe\u0308"],
        ["12.0", "13.0"],
        ["1.5", "15"],
        ["v1.0", "v1"],
        ["👩\u200d🚀"],
    ],
)
def test_healthy_ids(warned, ids):
    assert warned([("u", external, 1, 0) for external in ids]) == []


def test_ids_of_several_chunks_and_sources_are_compared(tmp_path):
    (tmp_path / "mapping.yaml").write_text(
        "sources: {books: {file: books.csv}, orders: {file: orders.csv}}\n"
        "nodes: {Reader: {role: user}, Book: {role: item, source: books}, Author: }\n"
        "relations: {BY: {from: Book, to: Author, source: books, head: id, tail: author}}\n"
        "interactions: {READ: {source: orders, user: user, item: id}}\n"
    )
    (tmp_path / "books.csv").write_text(
        "id,author\nb1,Jos\u00e9\nb2,Jose\u0301\nb2\u200b,\n", encoding="utf-8"
    )
    (tmp_path / "orders.csv").write_text("user,id\nu1,b1\nu1.0,b1\n7,b2\n7.0,b2\n")
    found = dry_run(load_mapping(tmp_path / "mapping.yaml"), tmp_path).warnings
    assert [warning.split(": ", 1)[1].split(",")[0][:16] for warning in found] == [
        "1 ids of Reader ",
        "1 ids of Book di",
        "1 ids of Author ",
    ]
