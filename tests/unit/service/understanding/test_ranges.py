"""Ranges of years in a text."""

import pytest

from service.understanding.ranges import find_ranges


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("from the eighties", 1980, 1989),
        ("80s action", 1980, 1989),
        ("the early seventies", 1970, 1973),
        ("late 90s", 1997, 1999),
        ("before 1990", None, 1989),
        ("after 2000", 2001, None),
        ("since 2000", 2000, None),
        ("until 1950", None, 1950),
        ("between 1970 and 1980", 1970, 1980),
        ("1985-1995", 1985, 1995),
        ("none older than 2005", 2005, None),
        ("before the fifties", None, 1949),
        ("just 1968", 1968, 1968),
        ("2010 or later", 2010, None),
    ],
)
def test_a_range_is_found(text: str, low: int | None, high: int | None) -> None:
    assert [(x.low, x.high) for x in find_ranges(text)] == [(low, high)]


@pytest.mark.parametrize("text", ["", "seven samurai", "120 minutes", "room 237"])
def test_other_numbers_are_none(text: str) -> None:
    assert find_ranges(text) == []


def test_a_year_in_a_title_is_none() -> None:
    assert find_ranges("like Blade Runner 2049", [(5, 22)]) == []
