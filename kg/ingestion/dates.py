"""Converts text columns to dates and times.

Times of interactions are epoch seconds. Properties with a date hold ISO 8601 text, which both graph engines
store and which sorts by time.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from kg.ingestion.mapping_parts import TimeMapping, TimeUnit, moment
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.values import Converted, as_floats, or_none, plain_numbers

UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_LATEST = 253_402_300_800  # the year 10000; a later time was probably given in a smaller unit
_DATE = "a date like 2024-05-31"
_MOMENT = "a date like 2024-05-31 or 2024-05-31T20:15:00Z"
_WHOLE_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d")
"""The dates with a day that ISO 8601 knows; without one, a day would be invented."""


def convert_times(column: pd.Series, unit: TimeUnit, source: SourceMapping) -> Converted:
    """Convert text to whole epoch seconds, UTC, from 1970 to 9999; fractions of seconds are truncated."""
    empty = column == ""
    if unit == "iso":
        seconds, expected = _written_dates(column.where(~empty)), f"{_MOMENT} from 1970 on"
    else:
        seconds = as_floats(plain_numbers(column, source)) // UNITS_A_SECOND[unit]
        expected = f"a time in {unit} since 1970"
    bad = ~empty & ~((seconds >= 0) & (seconds < _LATEST))
    whole = seconds.where(~bad & ~empty, 0).astype("int64")
    return Converted(or_none(whole, empty | bad), bad, expected)


def time_limits(mapping: TimeMapping) -> tuple[float, float]:
    """The earliest and the latest accepted epoch second; infinite without a limit."""
    low, high = (text and moment(text).timestamp() for text in (mapping.min, mapping.max))
    return (-np.inf if low is None else float(low), np.inf if high is None else float(high))


def convert_dates(column: pd.Series, unit: TimeUnit, source: SourceMapping) -> Converted:
    """Convert text to dates like "2024-05-31"; in ISO 8601 text, the time may only be midnight."""
    return _converted(column, unit, source, _date if unit == "iso" else _day, _DATE)


def convert_datetimes(column: pd.Series, unit: TimeUnit, source: SourceMapping) -> Converted:
    """Convert text to times like "2024-05-31T20:15:00Z"; without a zone, UTC is meant."""
    return _converted(column, unit, source, _datetime, _MOMENT)


def _converted(
    column: pd.Series,
    unit: TimeUnit,
    source: SourceMapping,
    read: Callable[[datetime], str | None],
    expected: str,
) -> Converted:
    empty = column == ""
    if unit == "iso":
        moments = {text: _iso(text) for text in column.unique()}
    else:
        expected = f"a time in {unit} since 1970"
        numbers = as_floats(plain_numbers(column, source)) / UNITS_A_SECOND[unit]
        moments = {text: _since_1970(n) for text, n in zip(column, numbers, strict=True)}
    known = {text: None if found is None else read(found) for text, found in moments.items()}
    values = pd.Series([known[text] for text in column], index=column.index, dtype=object)
    return Converted(values, values.isna() & ~empty, expected)


def _iso(text: str) -> datetime | None:
    """The moment of an ISO 8601 date with a day; None for other text."""
    if not _WHOLE_DATE.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _since_1970(seconds: float) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):  # not a number, or a year that is not from 1 to 9999
        return None


def _date(found: datetime) -> str | None:
    return None if found.time() != datetime.min.time() else _day(found)


def _day(found: datetime) -> str:
    return found.date().isoformat()


def _datetime(found: datetime) -> str | None:
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return zoned.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
    except OverflowError:
        return None


def _written_dates(column: pd.Series) -> pd.Series:
    """Convert ISO 8601 dates to epoch seconds, float64; NaN for text that is not a date."""
    known = column.where(~column.isin(["now", "today"]))  # pandas would parse these as the current time
    moments = pd.to_datetime(known, utc=True, format="ISO8601", errors="coerce")
    seconds = moments.fillna(pd.Timestamp(0, tz="UTC")).dt.as_unit("s").astype("int64")
    found = seconds.astype("float64").where(moments.notna())
    unread = known[moments.isna() & known.notna()]  # pandas ends in the year 2262
    found[unread.index] = epoch_seconds(unread) // 1
    return found


def epoch_seconds(dates: pd.Series) -> pd.Series:
    """The epoch seconds of ISO 8601 dates; NaN for None and for other text."""
    return pd.Series([_epoch_second(text or "") for text in dates], index=dates.index, dtype="float64")


def _epoch_second(text: str) -> float:
    return np.nan if _iso(text) is None else moment(text).timestamp()
