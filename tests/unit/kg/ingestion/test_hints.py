"""The reasons of rejected rows say what to add to the mapping."""

import json

import pytest

from kg.ingestion import ingest as ingesting
from kg.ingestion.ingest import IngestOptions, dry_run
from kg.ingestion.mapping_file import load_mapping

NUMBER = "is not a number; if that is how numbers are written there, add"


@pytest.fixture
def reasons(tmp_path, monkeypatch):
    """The reasons of the rows that are rejected for their property `x`, by value."""
    monkeypatch.setattr(ingesting.time, "time", lambda: 1_750_000_000)  # 2025-06-15

    def _reasons(values, wanted, source=""):
        (tmp_path / "mapping.yaml").write_text(
            f"sources: {{items: {{file: items.jsonl{source}}}, events: {{file: events.jsonl}}}}\n"
            "nodes:\n  User: {role: user}\n"
            f"  Item: {{role: item, source: items, properties: {{x: {wanted}}}}}\n"
            "interactions: {SAW: {source: events, user: user, item: id}}\n"
        )
        rows = [{"id": str(n), "x": value} for n, value in enumerate(values)]
        (tmp_path / "items.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (tmp_path / "events.jsonl").write_text("")
        rejects = tmp_path / "rejects.jsonl"
        dry_run(load_mapping(tmp_path / "mapping.yaml"), tmp_path, options=IngestOptions(rejects=rejects))
        return {x["value"]: x["reason"] for x in map(json.loads, rejects.read_text().splitlines())}

    return _reasons


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["1,5", "2,25", "3"], '`decimal: ","`'),
        (["1,234", "2,5"], '`decimal: ","`'),  # for 2,5 has no three digits after the comma
        (["1,234", "12"], '`decimal: ","` or `thousands: ","`'),  # it may be either
        (["1,234,567"], '`thousands: ","`'),
        (["1,234.5", "7.5"], '`thousands: ","`'),
        (["1.234,5", "1,5"], '`decimal: ","` and `thousands: "."`'),
        (["1.234.567"], '`thousands: "."`'),
        (["1 234,5"], '`decimal: ","` and `thousands: " "`'),
        (["1\u202f234"], '`thousands: " "`'),
        (["1\u2019234.5"], '`thousands: "\'"`'),
        (["1,5", "many"], '`decimal: ","`'),  # what is no number in any way does not count
    ],
)
def test_numbers_written_another_way(reasons, values, told):
    found = reasons(values, "number")
    assert found[values[0]] == f"{NUMBER} {told} to the source items"
    assert found.get("many") in (None, "is not a number")


@pytest.mark.parametrize("values", [["1,5", "1.5"], ["many"], ["1e400"], ["1,23,4"], ["1.5.2"]])
def test_numbers_that_no_option_makes_readable(reasons, values):
    assert set(reasons(values, "number").values()) == {"is not a number"}


@pytest.mark.parametrize("value", ["5%", "€5", "$1,234.50", "5 €", "5 EUR", "10kg"])
def test_numbers_with_a_unit(reasons, value):
    assert reasons([value], "number") == {value: "is not a number; write the number alone, without a unit"}


@pytest.mark.parametrize("wanted", ["number", "integer", "boolean", "date", "{type: datetime, unit: s}"])
@pytest.mark.parametrize("value", ["NULL", "N/A", "nan", r"\N"])
def test_words_for_a_missing_value(reasons, value, wanted):
    assert reasons([value], wanted)[value].endswith("; if it stands for a missing value, leave it empty")
    if ":" not in wanted:
        needed = reasons([value], f"{{type: {wanted}, required: true}}")
        assert needed[value].endswith("; if it stands for a missing value, remove the row")


@pytest.mark.parametrize("value", ["2024-02-30", "2024-13-01", "2023-02-29T10:00:00"])
def test_days_that_are_not_are_in_the_right_order(reasons, value):
    assert "in this order" not in reasons([value], "datetime")[value]


def test_a_time_in_one_of_two_units_gets_the_advice_for_its_own(reasons):
    found = reasons(["1717186500", "1717186500000", "1717186501000"], "datetime")
    assert found["1717186500000"].endswith("; these look like times in ms: write `unit: ms`")
    assert "unit" not in found["1717186500"]


def test_an_option_makes_the_numbers_readable(reasons):
    assert reasons(["1,5", "2"], "number", ', decimal: ","') == {}
    found = reasons(["1.234,5"], "number", ', decimal: ","')
    marked = NUMBER.replace("number;", 'number with the decimal mark ",";')
    assert found == {"1.234,5": f'{marked} `decimal: ","` and `thousands: "."` to the source items'}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["ja", "nein", "ja"], "add `true_values: [ja]` and `false_values: [nein]` to the source items"),
        (["Y", "N"], "add `true_values: [Y]` and `false_values: [N]` to the source items"),
        (["t"], "add `true_values: [t]` to the source items"),
        (["in stock"], "`true_values` and `false_values` of the source items name other words for them"),
    ],
)
def test_booleans_in_other_words(reasons, values, told):
    assert set(reasons([*values, "yes"], "boolean").values()) == {f"is not true or false; {told}"}


@pytest.mark.parametrize(
    ("value", "wanted", "told"),
    [
        (
            "05/06/2024",
            "date",
            "a date like 2024-05-31; write year, month and day in this order, with hyphens",
        ),
        ("31.5.24", "datetime", "write year, month and day in this order"),
        ("2024/05/31", "date", "with hyphens"),
        ("1999", "date", "a year alone is an `integer`"),
        ("2024-05-31T20:15:00Z", "date", "it has a time of day: write `type: datetime`"),
        ("1704067200", "datetime", "these look like times in s: write `unit: s`"),
        ("1e30", "{type: datetime, unit: s}", "is not a time in s since 1970"),
        ("2024-05-31", "{type: datetime, unit: s}", "a time in s since 1970; for dates write `unit: iso`"),
        ("2024-05-32", "date", "a date like 2024-05-31"),
    ],
)
def test_dates_written_another_way(reasons, value, wanted, told):
    assert told in reasons([value], wanted)[value]


def test_limits_of_dates(reasons):
    wanted = "{type: date, min: 2000-01-01, max: 2024-12-31}"
    assert reasons(["1999-12-31", "2000-01-01", "2024-12-31", "2025-01-01", ""], wanted) == {
        "1999-12-31": "is earlier than 2000-01-01",
        "2025-01-01": "is later than 2024-12-31",
    }
    until = "{type: datetime, max: '2024-05-31T12:00:00+02:00'}"
    assert reasons(["2024-05-31T10:00:00Z", "2024-05-31T10:00:00.5Z"], until) == {
        "2024-05-31T10:00:00.5Z": "is later than 2024-05-31T12:00:00+02:00"
    }


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (
            "1704067200000",
            "s",
            "is not a time in s since 1970; these look like times in ms: write `unit: ms`",
        ),
        ("1704067200000000", "ms", "these look like times in us: write `unit: us`"),
        ("1704067200000000000", "us", "these look like times in ns: write `unit: ns`"),
        ("1704067200", "iso", "these look like times in s: write `unit: s`"),
        ("1704067200000.0", "iso", "these look like times in ms: write `unit: ms`"),
        ("2024-01-01", "s", "for dates write `unit: iso`"),
        ("05/06/2024", "iso", "write year, month and day in this order, with hyphens"),
        ("soon", "s", "is not a time in s since 1970"),
    ],
)
def test_times_of_events_written_another_way(tmp_path, monkeypatch, value, unit, told):
    monkeypatch.setattr(ingesting.time, "time", lambda: 1_750_000_000)
    (tmp_path / "mapping.yaml").write_text(
        "sources: {x: {file: x.csv}}\nnodes: {User: {role: user}, Item: {role: item}}\n"
        f"interactions: {{SAW: {{source: x, user: u, item: i, time: {{column: t, unit: {unit}}}}}}}\n"
    )
    (tmp_path / "x.csv").write_text(f"u,i,t\n1,2,{value}\n")
    [example] = dry_run(load_mapping(tmp_path / "mapping.yaml"), tmp_path).examples
    assert example.endswith(told)
