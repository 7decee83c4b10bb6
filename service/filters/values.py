"""Which items have a property of some value, or one between two limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Protocol

import numpy as np
from typing_extensions import override

from kg.graph import BoolArray, Float64Array, IntArray, look
from kg.item_properties import BooleanColumn, NumberColumn, PropertyColumn, TextColumn
from kg.nearest_name import nearest_of_many
from kg.shown import shown
from kg.store.stored_values import number
from service.filters.dates import time_span

Scalar = str | float | bool
Limit = str | float | None

_NO_DATE = np.iinfo(np.int64).min


class IncomparableError(ValueError):
    """A value cannot be compared with a property; `key` is "from" or "to" for a limit."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class PropertyValues(Protocol):
    """Compares one property of all items; every mask is bool [n_items]."""

    def present(self) -> BoolArray:
        """The items that have any value."""

    def check(self, value: Scalar) -> None:
        """Check that the property can have such a value.

        Raises:
            IncomparableError: it is of a type that the property never has.
        """

    def equal(self, values: Sequence[Scalar]) -> BoolArray:
        """The items with one of some checked values, or with a list that has one of them."""

    def within(self, first: Limit, last: Limit) -> BoolArray:
        """The items with a value from the first to the last, both inclusive; None is no limit.

        Raises:
            IncomparableError: a limit is of a type that the property never has, or the first is the larger.
        """


def property_values(name: str, column: PropertyColumn) -> PropertyValues:
    """The comparisons of a property."""
    match column:
        case NumberColumn():
            return NumberValues(name, column)
        case BooleanColumn():
            return BooleanValues(name, column)
    return TextValues(name, column)


@dataclass(frozen=True, eq=False)
class NumberValues(PropertyValues):
    """A property of numbers; a text that is a number is compared as one."""

    name: str
    column: NumberColumn

    @override
    def present(self) -> BoolArray:
        return self.column.present

    @override
    def check(self, value: Scalar) -> None:
        self._number(value)

    @override
    def equal(self, values: Sequence[Scalar]) -> BoolArray:
        return np.isin(self.column.values, [self._number(value) for value in values])

    @override
    def within(self, first: Limit, last: Limit) -> BoolArray:
        limits = {key: self._number(limit, key) for key, limit in _given(first, last)}
        _check_order(limits.get("from"), limits.get("to"))
        values = self.column.values
        return np.asarray((values >= limits.get("from", -np.inf)) & (values <= limits.get("to", np.inf)))

    def _number(self, value: Scalar, key: str = "") -> float:
        found = None if isinstance(value, bool) else number(value)
        if found is None:
            raise IncomparableError(f"{self.name} is a number, and {_written(value)} is none", key)
        return found


@dataclass(frozen=True, eq=False)
class BooleanValues(PropertyValues):
    """A property that is true or false; the texts "true" and "false" are these values."""

    name: str
    column: BooleanColumn

    @override
    def present(self) -> BoolArray:
        return self.column.present

    @override
    def check(self, value: Scalar) -> None:
        if str(value).lower() not in ("true", "false"):
            raise IncomparableError(f"{self.name} is true or false, not {_written(value)}")

    @override
    def equal(self, values: Sequence[Scalar]) -> BoolArray:
        return np.isin(self.column.values, [str(value).lower() == "true" for value in values])

    @override
    def within(self, first: Limit, last: Limit) -> BoolArray:
        for key, _ in _given(first, last):
            raise IncomparableError(f"{self.name} is true or false, and has no order", key)
        return self.present()


@dataclass(frozen=True, eq=False)
class TextValues(PropertyValues):
    """A property of texts, lists, dates, or values of several types; each different text is compared once.

    Case, white space and the Unicode form of letters do not count. A text that is a number equals that
    number. A limit that is a number is compared with numbers and with the years of dates.
    """

    name: str
    column: TextColumn

    @override
    def present(self) -> BoolArray:
        return self.column.present

    @override
    def check(self, value: Scalar) -> None:
        pass  # a text may be anything

    @override
    def equal(self, values: Sequence[Scalar]) -> BoolArray:
        return self._items(reduce(np.logical_or, map(self._equal, values)))

    @override
    def within(self, first: Limit, last: Limit) -> BoolArray:
        hits = np.ones(len(self.column.texts), bool)
        limits: dict[str, tuple[str, float, float]] = {}
        for key, limit in _given(first, last):
            kind, begin, end = limits[key] = self._limit(limit, key)
            known = self._sizes if kind == "number" else self._moments
            comparable = ~np.isnan(known) if kind == "number" else known != _NO_DATE
            if not comparable.any():
                raise IncomparableError(f"no {self.name} is a {kind}, as {_written(limit)} is", key)
            hits &= comparable & (known >= begin if key == "from" else known <= end)
        if len({kind for kind, _, _ in limits.values()}) == 1:
            _check_order(limits.get("from", (0, None))[1], limits.get("to", (0, 0, None))[2])
        return self._items(hits)

    def unknown(self, value: Scalar, *, suggest: bool) -> str:
        """What to say of a text that no item has, if `suggest` with the nearest one; "" for nothing."""
        if not isinstance(value, str) or self._equal(value).any():
            return ""
        known = [text for text in self.column.texts if text is not None] if suggest else []
        return f"no item has the {self.name} {shown(value)}{nearest_of_many(value, known)}"

    def _limit(self, limit: str | float, key: str) -> tuple[str, float, float]:
        """What a limit is, a number or a date, and the least and the greatest that it means."""
        if (size := number(limit)) is not None:
            return "number", size, size
        if (span := time_span(str(limit))) is not None:
            return "date", *span
        raise IncomparableError(f"{_written(limit)} is neither a number nor a date in ISO 8601", key)

    def _equal(self, value: Scalar) -> BoolArray:
        """Which texts equal a value: they look the same, or are the same number; bool [texts]."""
        found = np.zeros(len(self.column.texts), bool)
        if isinstance(value, bool | str):
            text = str(value).lower() if isinstance(value, bool) else value
            found[self._by_look.get(look(text), [])] = True
        size = None if isinstance(value, bool) else number(value)
        return found if size is None else found | (self._numbers == size)

    def _items(self, texts: BoolArray) -> BoolArray:
        """The items that have one of some texts."""
        found = np.zeros(len(self.column), bool)
        found[self._owners[texts[self.column.codes]]] = True
        return found

    @cached_property
    def _owners(self) -> IntArray:
        """The item of each entry of `codes`."""
        return np.repeat(np.arange(len(self.column)), np.diff(self.column.starts))

    @cached_property
    def _by_look(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for code, text in enumerate(self.column.texts):
            if text is not None:
                found.setdefault(look(text), []).append(code)
        return found

    @cached_property
    def _numbers(self) -> Float64Array:
        """The numbers that texts are; NaN for others."""
        found = (None if text is None else number(text) for text in self.column.texts)
        return np.array([np.nan if x is None else x for x in found], np.float64)

    @cached_property
    def _moments(self) -> IntArray:
        """The first microsecond of the texts that are dates."""
        spans = (None if text is None else time_span(text) for text in self.column.texts)
        return np.array([_NO_DATE if span is None else span[0] for span in spans], np.int64)

    @cached_property
    def _sizes(self) -> Float64Array:
        """The numbers that texts are, and the years of the dates among the others."""
        years = self._moments.astype("datetime64[us]").astype("datetime64[Y]").astype(np.float64) + 1970
        dates = np.isnan(self._numbers) & (self._moments != _NO_DATE)
        return np.where(dates, years, self._numbers)


def _given(first: Limit, last: Limit) -> Iterator[tuple[str, str | float]]:
    for key, limit in (("from", first), ("to", last)):
        if limit is not None:
            yield key, limit


def _check_order(first: float | None, last: float | None) -> None:
    if first is not None and last is not None and first > last:
        raise IncomparableError("it is after `to`, so nothing is between them", "from")


def _written(value: Scalar) -> str:
    """A value as JSON has it."""
    return (
        shown(value)
        if isinstance(value, str)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value).lower()
    )
