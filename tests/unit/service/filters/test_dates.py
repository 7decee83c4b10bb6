from datetime import UTC, datetime

import pytest

from service.filters.dates import time_span

DAY = 86_400_000_000
"""Microseconds."""


def at(*parts: int) -> int:
    return int((datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1970", 0, 365 * DAY - 1),
        ("1972-02", at(1972, 2, 1), at(1972, 3, 1) - 1),
        ("1999-12", at(1999, 12, 1), at(2000, 1, 1) - 1),
        ("1970-01-01", 0, DAY - 1),
        ("1969-12-31", -DAY, -1),
        ("19700102", DAY, 2 * DAY - 1),
        ("1970-W01-4", 0, DAY - 1),
        ("1970-01-01T00:00:01Z", 1_000_000, 1_000_000),
        ("1970-01-01T01:00:00+01:00", 0, 0),
        ("1970-01-01 00:00:00.000007", 7, 7),
        ("1970-01-01T00:00:00.000007999", 7, 7),
        ("0001-01-01", at(1, 1, 1), at(1, 1, 2) - 1),
        ("9999", at(9999, 1, 1), at(9999, 12, 31) + DAY - 1),
    ],
)
def test_what_a_date_means(text: str, first: int, last: int) -> None:
    assert time_span(text) == (first, last)


@pytest.mark.parametrize("text", ["", "x", "0000", "1999-13", "1999-02-30", "12:30", "10000", "१९९९", "-5"])
def test_what_is_no_date(text: str) -> None:
    assert time_span(text) is None
