"""Any value of another program is converted or refused, and never ends in another error."""

from datetime import UTC, date, datetime, time, timedelta

import neo4j.time
import numpy as np
import pytest
from fake_store import FakeStore
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from neo4j.spatial import WGS84Point
from store_contract import fill

from kg.errors import DataError
from kg.exports.parquet import export_parquet
from kg.snapshot import read_snapshot
from kg.store.graph_hash import graph_content
from kg.store.stored_values import display_text, epoch_seconds, id_text, number, stored_ids

scalars = st.one_of(
    st.text(max_size=5),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.times(),
    st.just(neo4j.time.Duration(months=1, days=2, seconds=3)),
    st.just(neo4j.time.DateTime(2020, 1, 2, 3, 4, 5, 123456789)),
    st.just(WGS84Point((1.0, 2.0))),
    st.sampled_from(["2020-01-02", "1e400", "nan", "-0", "1_000", "12", "\u0663"]),
)
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.none())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(title="x", text="x", value=-1.7e308, time=None, external="b9")
@given(title=values, text=values, value=values, time=values, external=scalars)
def test_a_graph_with_any_values_is_read_or_refused(
    fake_store: FakeStore, title, text, value, time, external
):
    fake_store.clear()
    fill(fake_store)
    fake_store.nodes["Book"][external] = {"title": title, "text": text}
    fake_store.edges["SOLD"] = {("r2", "b1"): {"value": value, "time": time}}
    snapshot, problem = _tried(lambda: read_snapshot(fake_store))
    if snapshot is None:
        assert problem.startswith(("Book", "SOLD from 'r2' to 'b1': the property "))
    else:
        assert np.isfinite(snapshot.interactions.value).all()
        assert (snapshot.interactions.time >= -1).all()
        assert all(isinstance(x, str) for x in (*snapshot.names, *snapshot.texts, *snapshot.items.ids))
    found, problem = _tried(lambda: graph_content(fake_store))
    assert found or problem.startswith("Book: ")


def _tried(read):
    """The result, or None and the message of the DataError."""
    try:
        return read(), ""
    except DataError as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("7", ["7", 7]),
        ("-7", ["-7", -7]),
        ("0", ["0", 0]),
        ("007", ["007"]),
        ("-0", ["-0"]),
        ("+7", ["+7"]),
        ("7.0", ["7.0"]),
        (" 7", [" 7"]),
        ("\u0667", ["\u0667"]),
        (str(2**63), [str(2**63)]),
        (str(2**63 - 1), [str(2**63 - 1), 2**63 - 1]),
    ],
)
def test_the_ids_that_read_as_a_text(text, ids):
    assert stored_ids(text) == ids
    assert {id_text(x) for x in ids} == {text}


@pytest.mark.parametrize(
    ("value", "seconds"),  # a local time is taken as UTC
    [
        (0, 0),
        (253402300799, 253402300799),
        (253402300800, None),
        (-1, None),
        (1.9, 1),
        ("2020-01-02", 18263 * 86400),
        ("2020-01-02T01:00+01:00", 18263 * 86400),
        (date(2020, 1, 2), 18263 * 86400),
        (datetime(2020, 1, 2, 0, 0, 1), 18263 * 86400 + 1),
        (neo4j.time.DateTime(2020, 1, 2, 0, 0, 1, 999999999), 18263 * 86400 + 1),
        (neo4j.time.Date(2020, 1, 2), 18263 * 86400),
        (neo4j.time.Duration(seconds=5), None),
        (time(10), None),
        (timedelta(1), None),
        (True, None),
        ("", None),
        ([1], None),
    ],
)
def test_times(value, seconds):
    assert epoch_seconds(value) == seconds


def test_numbers_and_texts():
    assert [number(x) for x in (True, False, 2, "2.5", " 3 ", "1_0", "", float("inf"), [1])] == [
        *(1.0, 0.0, 2.0, 2.5, 3.0),
        *(None, None, None, None),
    ]
    assert [display_text(x) for x in (["a", 1, True], [], 1.0, b"a", [b"a"], WGS84Point((1.0, 2.0)))] == [
        *("a, 1, true", "", "1.0"),
        *(None, None, None),
    ]


def test_an_integer_id_is_exported_as_text(fake_store, tmp_path):
    fill(fake_store)
    fake_store.nodes["Book"][7] = {"title": "Seven"}
    assert export_parquet(fake_store, tmp_path / "out").nodes == 7
