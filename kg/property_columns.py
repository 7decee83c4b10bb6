"""From the values that a store returned to the columns of `ItemProperties`, and these with some replaced."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.item_properties import (
    LONGEST_VALUE,
    BooleanColumn,
    ItemProperties,
    NumberColumn,
    PropertyColumn,
    TextColumn,
)
from kg.schema import GROUP_PROPERTY, RUN_PROPERTY, LabelSchema
from kg.store.stored_values import display_text

TEXT = "text"
"""The property with an item's text."""


def other_properties(label: LabelSchema) -> frozenset[str]:
    """The properties of items that are no columns, because a snapshot has them otherwise or not at all."""
    return frozenset({"id", label.name_property, TEXT, GROUP_PROPERTY, RUN_PROPERTY})


def item_properties(label: LabelSchema, values: Mapping[str, Sequence[Any]]) -> ItemProperties:
    """The columns of the properties of items, each with one value for an item, None for none.

    Those that a snapshot has otherwise, such as the name, are left out.
    """
    names = values.keys() - other_properties(label)
    columns = {name: property_column(values[name]) for name in names}
    return ItemProperties({name: column for name, column in columns.items() if column is not None})


def property_column(values: Sequence[Any]) -> PropertyColumn | None:
    """The column of some values of any types; None if there is no value."""
    kinds = set(map(type, values)) - {type(None)}
    column: PropertyColumn
    if kinds <= {int, float}:
        column = NumberColumn(_numbers(values))
    elif kinds == {bool}:
        column = BooleanColumn(_booleans(values))
    else:
        column = _text_column(values)
    return column if column.present.any() else None


def with_values(
    properties: ItemProperties,
    label: LabelSchema,
    n_items: int,
    changes: Mapping[int, Mapping[str, Any]],
    replaced: Collection[int] = (),
) -> ItemProperties:
    """The properties with those of some items changed: item -> name -> value, None for no value.

    `n_items` is the number of items from now on; new ones stand at the end. The `replaced` items have the
    given properties and no other; items without a change may be among them. Costs time for each property that
    changes, not for each item and property.
    """
    left_out = other_properties(label)
    by_name: dict[str, dict[int, Any]] = {
        name: {item: None for item in replaced if item < len(column)}
        for name, column in properties.columns.items()
    }
    for item, given in changes.items():
        for name in given.keys() - left_out:
            by_name.setdefault(name, {})[item] = given[name]
    columns: dict[str, PropertyColumn] = {}
    for name, own in by_name.items():
        column = _changed(properties.columns.get(name), n_items, own)
        if column is not None and (not own or column.present.any()):
            columns[name] = column
    return ItemProperties(columns)


def _changed(column: PropertyColumn | None, n_items: int, new: Mapping[int, Any]) -> PropertyColumn | None:
    if column is None:
        values = [None] * n_items
        for item, value in new.items():
            values[item] = value
        return property_column(values)
    if not new and n_items == len(column):
        return column
    kinds = set(map(type, new.values())) - {type(None)}
    items = np.fromiter(new, np.int64, len(new))
    match column:
        case NumberColumn() if kinds <= {int, float}:
            numbers = np.full(n_items, np.nan)
            numbers[: len(column)] = column.values
            numbers[items] = _numbers([*new.values()])
            return NumberColumn(numbers)
        case BooleanColumn() if kinds <= {bool}:
            booleans = np.full(n_items, -1, np.int8)
            booleans[: len(column)] = column.values
            booleans[items] = _booleans([*new.values()])
            return BooleanColumn(booleans)
        case TextColumn():
            return _changed_texts(column, n_items, new)
    return _changed_texts(_text_column([column.value(n) for n in range(len(column))]), n_items, new)


def _changed_texts(column: TextColumn, n_items: int, new: Mapping[int, Any]) -> TextColumn:
    index: dict[str | None, int] = {text: n for n, text in enumerate(column.texts)}
    counts = np.zeros(n_items, np.int64)
    counts[: len(column)] = np.diff(column.starts)
    owner = np.repeat(np.arange(n_items), counts)
    stays = ~np.isin(owner, np.fromiter(new, np.int64, len(new)))
    added = [(item, index.setdefault(x, len(index))) for item, value in new.items() for x in _texts(value)]
    pairs = np.array(added, np.int64).reshape(-1, 2)
    owner = np.concatenate([owner[stays], pairs[:, 0]])
    codes = np.concatenate([column.codes[stays], pairs[:, 1]]).astype(np.int32)
    starts = np.zeros(n_items + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=n_items), out=starts[1:])
    lists = column.lists or any(isinstance(x, list) for x in new.values())
    return TextColumn(starts, codes[np.argsort(owner, kind="stable")], tuple(index), lists)


def _text_column(values: Sequence[Any]) -> TextColumn:
    none = TextColumn(np.zeros(1, np.int64), np.zeros(0, np.int32), ())
    given = {n: value for n, value in enumerate(values) if value is not None}
    return _changed_texts(none, len(values), given).sorted()


def _texts(value: Any) -> Iterable[str | None]:
    """A value, or the values of a list, as texts; None for one that cannot be compared."""
    if value is None:
        return []
    several = value if isinstance(value, list) else [value]
    found = (display_text(x) for x in several if x is not None)
    return [text if text is not None and len(text) <= LONGEST_VALUE else None for text in found]


def _numbers(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if x is None else x for x in values], np.float64)


def _booleans(values: Sequence[Any]) -> npt.NDArray[np.int8]:
    return np.array([-1 if x is None else x for x in values], np.int8)
