"""Values that other programs may have stored in the graph, converted to those that Trailmix reads.

Dates and times of the driver and of Python are recognized by their methods, so this module does not import
the driver.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kg.errors import DataError

LAST_SECOND = 253_402_300_799
"""The end of the year 9999 in epoch seconds; a larger time is probably in milliseconds."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")


def id_text(value: Any) -> str | None:
    """An id as text; an integer becomes its decimal digits."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else None


def stored_ids(text: str) -> list[str | int]:
    """The ids that read as this text: the text itself, and the integer of these digits."""
    whole = int(text) if _INTEGER.fullmatch(text) else None
    return [text] if whole is None or abs(whole) >= 2**63 else [text, whole]


def texts_of_ids(label: str, ids: Sequence[Any]) -> list[str]:
    """The ids of a label's nodes as text.

    Raises:
        DataError: an id is neither text nor integer.
    """
    if set(map(type, ids)) <= {str}:
        return list(ids)
    texts = []
    for value in ids:
        text = id_text(value)
        if text is None:
            raise DataError(
                f"{label}: the property id of a node is {described(value)}, neither text nor integer; "
                "set its id to a text, or delete the node"
            )
        texts.append(text)
    return texts


def check_ids(label: str, ids: Sequence[Any]) -> None:
    """Check that the ids of a label's nodes can be read, and that each belongs to one node.

    Raises:
        DataError: an id is neither text nor integer, or two ids read as the same text.
    """
    texts = texts_of_ids(label, ids)
    if len(set(texts)) == len(texts):
        return
    seen: dict[str, Any] = {}
    for text, value in zip(texts, ids, strict=True):
        if text in seen:
            kinds = f"{type_name(seen[text])} and {type_name(value)}"
            raise DataError(
                f"{label}: two nodes have the id {text!r}, as {kinds}; give one another id, or delete it"
            )
        seen[text] = value


def display_text(value: Any, between: str = ", ") -> str | None:
    """A name or text; the elements of a list are joined by `between`, and dates are in ISO 8601."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list():
            parts = [display_text(x, between) for x in value]
            return None if None in parts else between.join(x for x in parts if x)
    return _iso(value)


def number(value: Any) -> float | None:
    """A finite number; text is parsed, and true is 1."""
    if isinstance(value, str) and "_" not in value:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def epoch_seconds(value: Any) -> int | None:
    """A time from 1970 to 9999 in epoch seconds: a number, a date, or text with one of them."""
    if isinstance(value, bool):
        return None
    if (seconds := number(value)) is None:
        text = value if isinstance(value, str) else _iso(value)
        try:
            moment = datetime.fromisoformat(text or "")
        except ValueError:
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return math.floor(seconds) if 0 <= seconds <= LAST_SECOND else None


def event_value(kind: str, head: str, tail: str, value: Any) -> float:
    """The value of an interaction as a number.

    Raises:
        DataError: the value is no number.
    """
    found = number(value)
    if found is None:
        raise DataError(
            f"{kind} from {head!r} to {tail!r}: the property value is {described(value)}, not a finite "
            "number; set a number, or remove the property"
        )
    return found


def event_time(kind: str, head: str, tail: str, time: Any) -> int | None:
    """The time of an interaction in epoch seconds; None stays None.

    Raises:
        DataError: the time is not one from 1970 to 9999.
    """
    found = None if time is None else epoch_seconds(time)
    if found is None and time is not None:
        raise DataError(
            f"{kind} from {head!r} to {tail!r}: the property time is {described(time)}, not a time from 1970 "
            "to 9999 in seconds or ISO 8601; set a time (divide milliseconds by 1000), or remove the property"
        )
    return found


def type_name(value: Any) -> str:
    """The word for the type of a value, such as integer."""
    names = {str: "text", bool: "boolean", int: "integer", float: "float", type(None): "nothing"}
    return names.get(type(value), type(value).__name__.lower())


def described(value: Any) -> str:
    """A value with its type, shortened for a message."""
    shown = _iso(value) or repr(value)
    return f"{shown if len(shown) <= 80 else shown[:77] + '...'} ({type_name(value)})"


def _iso(value: Any) -> str | None:
    write = getattr(value, "iso_format", None) or getattr(value, "isoformat", None)
    return str(write()) if write else None
