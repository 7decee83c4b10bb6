"""Converts text columns to property values and times.

A converter marks unreadable values instead of raising, so that the caller decides how to handle their rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kg.ingestion.mapping import TimeMapping, TimeUnit, ValueType

_UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_LATEST = 253_402_300_800  # the year 10000; a later time was probably given in a smaller unit
_WHOLE = "a whole number of less than 2^53"
_DATE = "a date like 2024-05-31 or 2024-05-31T20:15:00Z"


@dataclass(frozen=True)
class Converted:
    """The values of one column, None if missing, and a mask of the values not readable as `expected`."""

    values: pd.Series  # of object
    bad: pd.Series  # of bool
    expected: str


def convert(column: pd.Series, kind: ValueType) -> Converted:
    """Convert text to property values: str, int, float or bool."""
    return _CONVERTERS[kind](column)


def _texts(column: pd.Series) -> Converted:
    return Converted(_or_none(column, column == ""), pd.Series(False, index=column.index), "a text")


def _integers(column: pd.Series) -> Converted:
    """Convert text to integers; accepts `1995.0`, because tools write it in integer columns with gaps."""
    numbers, empty = _numbers(column)
    bad = ~empty & ~(np.isfinite(numbers) & (numbers % 1 == 0) & (numbers.abs() < 2**53))
    return Converted(_or_none(numbers.where(~bad & ~empty, 0).astype("int64"), empty | bad), bad, _WHOLE)


def _decimals(column: pd.Series) -> Converted:
    numbers, empty = _numbers(column)
    bad = ~empty & ~np.isfinite(numbers)
    return Converted(_or_none(numbers, empty | bad), bad, "a number")


def _booleans(column: pd.Series) -> Converted:
    found = column.str.lower().map(
        {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    )
    empty = column == ""
    return Converted(_or_none(found, found.isna()), found.isna() & ~empty, "true or false")


_CONVERTERS: dict[ValueType, Callable[[pd.Series], Converted]] = {
    "text": _texts,
    "integer": _integers,
    "number": _decimals,
    "boolean": _booleans,
}


def convert_times(column: pd.Series, unit: TimeUnit) -> Converted:
    """Convert text to whole epoch seconds, UTC, from 1970 to 9999; fractions of seconds are truncated."""
    empty = column == ""
    if unit == "iso":
        seconds, expected = _written_dates(column.where(~empty)), f"{_DATE} from 1970 on"
    else:
        seconds = _numbers(column)[0] // _UNITS_A_SECOND[unit]
        expected = f"a time in {unit} since 1970"
    bad = ~empty & ~((seconds >= 0) & (seconds < _LATEST))
    whole = seconds.where(~bad & ~empty, 0).astype("int64")
    return Converted(_or_none(whole, empty | bad), bad, expected)


def time_limits(mapping: TimeMapping) -> tuple[float, float]:
    """The earliest and the latest accepted epoch second; infinite without a limit."""
    given = pd.Series([mapping.min or "", mapping.max or ""], dtype="str")
    low, high = _written_dates(given.where(given != "")).tolist()
    return (-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)


def _written_dates(column: pd.Series) -> pd.Series:
    """Convert ISO 8601 dates to epoch seconds, float64; NaN for text that is not a date."""
    known = column.where(~column.isin(["now", "today"]))  # pandas would parse these as the current time
    moments = pd.to_datetime(known, utc=True, format="ISO8601", errors="coerce")
    seconds = moments.fillna(pd.Timestamp(0, tz="UTC")).dt.as_unit("s").astype("int64")
    return seconds.astype("float64").where(moments.notna())


def _numbers(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    return pd.to_numeric(column, errors="coerce").astype("float64"), column == ""


def _or_none(values: pd.Series, absent: pd.Series) -> pd.Series:
    return values.astype(object).where(~absent, None)
