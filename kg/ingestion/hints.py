"""What to add to the mapping where values are unreadable only because they are written another way."""

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from kg.ingestion.dates import UNITS_A_SECOND
from kg.ingestion.mapping_parts import PropertyMapping, TimeUnit
from kg.ingestion.values import as_floats, number_pattern

Hints = Iterator[tuple[pd.Series, str]]
"""Masks of values, each with what to do; the first that holds for a value counts."""

_FORMATS: tuple[Mapping[str, str], ...] = (
    {"decimal": ","},
    {"thousands": ","},
    {"thousands": "."},
    {"thousands": " "},
    {"thousands": "'"},
    {"decimal": ",", "thousands": "."},
    {"decimal": ",", "thousands": " "},
    {"decimal": ",", "thousands": "'"},
)
"""The usual ways to write numbers besides 1234.5, the simplest first."""

_TRUE = frozenset(re.findall(r"\S+", "y t j x on ja oui si sí sim da tak wahr vrai vero verdadero да 是 ✓ ✔"))
_FALSE = frozenset(re.findall(r"\S+", "n f off nein non não nao nie net falsch faux falso нет 否 ✗"))

_EARLIEST = 631_152_000
"""1990: the events of a recommender are not older, so an earlier time has another unit."""
_A_YEAR = 366 * 86_400
_DAY_FIRST = "(?![0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]))[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T].*)?"
_WITH_UNIT = r"[$€£¥] ?[+-]?[0-9][0-9.,]*|[+-]?[0-9][0-9.,]* ?(?:[$€£¥%]|[A-Za-z]{1,4})"
_ABSENT = frozenset(("null", "na", "n/a", "nan", "none", "nil", "-", "?", r"\n"))
"""Words that other programs write for a missing value, in lower case."""


def number_hints(column: pd.Series, bad: pd.Series, name: str) -> Hints:
    """Unreadable numbers that another decimal mark or mark of thousands makes readable, or with a unit."""
    yield column.str.fullmatch(_WITH_UNIT), "write the number alone, without a unit"
    fits = [column.str.fullmatch(_pattern(form)) for form in _FORMATS]
    plain = column.str.fullmatch(number_pattern(".", None))
    numeric = bad & ~plain & np.logical_or.reduce(fits)
    if not numeric.any():
        return
    judged = numeric | (~bad & (column != ""))
    all_fit = [form for form, fit in zip(_FORMATS, fits, strict=True) if fit[judged].all()]
    best = [form for form in all_fit if len(form) == min(map(len, all_fit))]
    if best:
        choices = " or ".join(" and ".join(f'`{key}: "{x}"`' for key, x in form.items()) for form in best)
        yield numeric, f"if that is how numbers are written there, add {choices} to the source {name}"


def _pattern(form: Mapping[str, str]) -> str:
    return number_pattern(form.get("decimal", "."), form.get("thousands"))


def absent_hint(column: pd.Series, required: bool) -> tuple[pd.Series, str]:
    """Values that other programs write where there is none; a required value must not be missing."""
    advice = "remove the row" if required else "leave it empty"
    return column.str.lower().isin(_ABSENT), f"if it stands for a missing value, {advice}"


def boolean_hints(column: pd.Series, bad: pd.Series, name: str) -> Hints:
    """Unreadable booleans; usual words of other languages get the lines that name them."""
    words = column[bad].unique()
    true, false = ([x for x in words if x.casefold() in known] for known in (_TRUE, _FALSE))
    lines = {"true_values": true, "false_values": false}
    named = " and ".join(f"`{key}: [{', '.join(x)}]`" for key, x in lines.items() if x)
    if named:
        yield column.isin([*true, *false]), f"add {named} to the source {name}"
    yield bad, f"`true_values` and `false_values` of the source {name} name other words for them"


def time_hints(column: pd.Series, bad: pd.Series, unit: TimeUnit, now: float) -> Hints:
    """Unreadable times that another unit makes readable, and dates without a clear order."""
    texts = column[bad]
    found = likely_unit(texts, now)
    if found is not None and found != unit:
        yield _fits_unit(column, found, now), f"these look like times in {found}: write `unit: {found}`"
    if unit != "iso" and texts.str.match("[0-9]{4}-[0-9]{2}-[0-9]{2}").any():
        yield column.str.match("[0-9]{4}-[0-9]{2}-[0-9]{2}"), "for dates write `unit: iso`"
    yield column.str.fullmatch(_DAY_FIRST), "write year, month and day in this order, with hyphens"


def _fits_unit(column: pd.Series, unit: TimeUnit, now: float) -> pd.Series:
    """Which values are times from 1971 to a year after `now` in this unit."""
    if unit == "iso":
        return column.str.fullmatch("[0-9]{8}")
    return (as_floats(column) / UNITS_A_SECOND[unit]).between(_A_YEAR, now + _A_YEAR)


def date_hints(column: pd.Series, bad: pd.Series, wanted: PropertyMapping, now: float) -> Hints:
    """Unreadable dates that have another unit or type, and dates without a clear order."""
    if wanted.unit == "iso":
        yield column.str.fullmatch("[0-9]{4}"), "a year alone is an `integer`"
    if wanted.type == "date":
        yield (
            column.str.match("[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]"),
            "it has a time of day: write `type: datetime`",
        )
    yield from time_hints(column, bad, wanted.unit, now)


def likely_unit(texts: Iterable[str], now: float) -> TimeUnit | None:
    """The unit in which numbers are times from 1990 to a year after `now` (in epoch seconds), if any."""
    column = pd.Series(list(texts), dtype="str")
    numbers = as_floats(column).dropna()
    if numbers.empty:
        return None
    middle, latest = float(numbers.median()), now + _A_YEAR
    for unit, a_second in UNITS_A_SECOND.items():
        if _EARLIEST <= middle / a_second <= latest:
            return unit  # type: ignore[return-value]
    days = pd.to_datetime(column, format="%Y%m%d", errors="coerce", utc=True)
    seconds = days.dropna().dt.as_unit("s").astype("int64")
    plausible = len(seconds) == len(column) and seconds.between(_EARLIEST, latest).all()
    return "iso" if plausible and column.str.fullmatch("[0-9]{8}").all() else None
