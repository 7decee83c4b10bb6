"""Columns that a store returned, as texts and arrays; other programs may have stored values of any type."""

from typing import Any

import numpy as np

from kg.errors import DataError
from kg.graph import NO_TIME, IntArray
from kg.store.records import NodeColumns, RelationColumns
from kg.store.stored_values import LAST_SECOND, described, display_text, event_time, event_value


def text_column(label: str, columns: NodeColumns, name: str, between: str) -> list[str | None]:
    """A property of nodes as text; the elements of a list are joined by `between`.

    Raises:
        DataError: a value has no text; the message names the node.
    """
    values = columns.properties[name]
    if set(map(type, values)) <= {str, type(None)}:
        return values
    texts = [None if value is None else display_text(value, between) for value in values]
    for id_, value, text in zip(columns.ids, values, texts, strict=True):
        if text is None and value is not None:
            raise DataError(
                f"{label} {id_!r}: the property {name} is {described(value)}, which has no text; "
                "set a text, or remove the property"
            )
    return texts


def value_array(kind: str, events: RelationColumns) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The values of interactions; 1 where there is none.

    Raises:
        DataError: a value is no finite number; the message names the interaction.
    """
    values = [1.0 if v is None else v for v in events.properties["value"]]
    if set(map(type, values)) <= {int, float}:
        found = np.array(values, np.float64)
        if np.isfinite(found).all():
            return found
    rows = zip(events.heads, events.tails, values, strict=True)
    return np.array([event_value(kind, *row) for row in rows], np.float64)


def time_array(kind: str, events: RelationColumns) -> IntArray:
    """The times of interactions in epoch seconds; NO_TIME where there is none.

    Raises:
        DataError: a time is not one from 1970 to 9999; the message names the interaction.
    """
    times = events.properties["time"]
    if set(map(type, times)) <= {int, type(None)}:
        found = np.array([0 if t is None else t for t in times], np.int64)
        if ((found >= 0) & (found <= LAST_SECOND)).all():
            return np.where([t is None for t in times], NO_TIME, found).astype(np.int64)
    rows = zip(events.heads, events.tails, times, strict=True)
    read = (event_time(kind, *row) for row in rows)
    return np.array([NO_TIME if time is None else time for time in read], np.int64)
