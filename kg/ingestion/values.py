"""Converts text columns to property values.

A converter marks unreadable values instead of raising, so that the caller decides how to handle their rows.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kg.ingestion.source_mapping import SourceMapping

_WHOLE = "a whole number of less than 2^53"
_GROUP_MARKS = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
"""Marks between groups of digits that have more than one form."""


@dataclass(frozen=True)
class Converted:
    """The values of one column, None if missing, and a mask of the values not readable as `expected`."""

    values: pd.Series  # of object
    bad: pd.Series  # of bool
    expected: str


def convert_texts(column: pd.Series) -> Converted:
    """Convert text to text or None."""
    return Converted(or_none(column, column == ""), pd.Series(False, index=column.index), "a text")


def convert_integers(column: pd.Series, source: SourceMapping) -> Converted:
    """Convert text to integers; accepts `1995.0`, because tools write it in integer columns with gaps."""
    numbers, empty = _numbers(column, source), column == ""
    bad = ~empty & ~(np.isfinite(numbers) & (numbers % 1 == 0) & (numbers.abs() < 2**53))
    return Converted(or_none(numbers.where(~bad & ~empty, 0).astype("int64"), empty | bad), bad, _WHOLE)


def convert_numbers(column: pd.Series, source: SourceMapping) -> Converted:
    """Convert text to floats."""
    numbers, empty = _numbers(column, source), column == ""
    bad = ~empty & ~np.isfinite(numbers)
    marked = "" if source.decimal == "." else f' with the decimal mark "{source.decimal}"'
    return Converted(or_none(numbers, empty | bad), bad, f"a number{marked}")


def convert_booleans(column: pd.Series, source: SourceMapping) -> Converted:
    """Convert text to booleans: the texts that the source names, true, false, yes, no, 1 and 0."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    known |= {text.casefold(): True for text in source.true_values}
    known |= {text.casefold(): False for text in source.false_values}
    found = column.map(lambda text: known.get(text.casefold()))
    empty = column == ""
    return Converted(or_none(found, found.isna()), found.isna() & ~empty, "true or false")


def plain_numbers(column: pd.Series, source: SourceMapping) -> pd.Series:
    """Numbers as the source writes them, in usual notation ("1.234,5" as "1234.5"); "?" for other text."""
    if source.decimal == "." and source.thousands is None:
        return column
    fits = column.str.fullmatch(number_pattern(source.decimal, source.thousands))
    if source.thousands is not None:
        column = column.str.replace(_mark(source.thousands), "", regex=True)
    return column.str.replace(source.decimal, ".", regex=False).where(fits, "?")


def number_pattern(decimal: str, thousands: str | None) -> str:
    """A regular expression of numbers; groups of digits have two or three, the last one three."""
    whole, mark = "[0-9]+", re.escape(decimal)
    if thousands is not None:
        group = _mark(thousands)
        whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}})"
    return f"[+-]?(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


def _mark(thousands: str) -> str:
    return _GROUP_MARKS.get(" " if thousands.isspace() else thousands, re.escape(thousands))


def _numbers(column: pd.Series, source: SourceMapping) -> pd.Series:
    return as_floats(plain_numbers(column, source))


def as_floats(column: pd.Series) -> pd.Series:
    """Numbers in usual notation as float64; NaN for other text."""
    return pd.to_numeric(column, errors="coerce").astype("float64")


def or_none(values: pd.Series, absent: pd.Series) -> pd.Series:
    """The values as Python objects, None where `absent`."""
    return values.astype(object).where(~absent, None)
