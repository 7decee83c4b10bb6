"""Converts values of typed formats (JSON, Parquet, Excel) to text.

Whole numbers have no decimal point in the text, even if their type is float, so that an id that another tool
converted to float keeps its text. Timestamps become ISO 8601.
"""

import datetime
import json
import math
from decimal import Decimal
from typing import Any

from kg.ingestion.chunks import Problem, UnreadableRowError
from kg.ingestion.source_mapping import SourceMapping


def value_of(number: int, name: str, value: Any, source: SourceMapping) -> str | list[str]:
    """A value of a row as text, or as a list of texts.

    Raises:
        UnreadableRowError: the value is a list in a column without lists, or bytes that are not UTF-8.
    """
    if not isinstance(value, list):
        try:
            return as_text(value)
        except UnicodeDecodeError:
            shown = value[:60].decode("utf-8", "replace")
            raise UnreadableRowError(Problem(number, name, shown, "is not utf-8")) from None
    if name not in source.lists:
        shown = json.dumps(value, ensure_ascii=False, default=str)[:60]
        reason = "is a list; name the column among the source's `lists`"
        raise UnreadableRowError(Problem(number, name, shown, reason))
    return [text for text in map(as_text, value) if text]


def as_text(value: Any) -> str:
    """One value as text, "" for a missing value: 4.0 is "4", true is "true", an object is its JSON.

    A moment at midnight without a time zone is its date.

    Raises:
        UnicodeDecodeError: bytes that are not UTF-8.
    """
    match value:
        case None:
            return ""
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case float():
            if math.isnan(value):
                return ""
            text = str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        case Decimal() if value == value.to_integral_value():
            text = str(int(value))
        case datetime.datetime() if value.time() == datetime.time.min and value.tzinfo is None:
            text = str(value.date())
        case bytes():
            text = value.decode("utf-8")
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return text.encode("utf-8", "replace").decode().strip()  # JSON can hold an unpaired surrogate
