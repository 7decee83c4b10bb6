"""The properties of items as columns: one array for each property, of numbers, booleans or texts.

A value that is none of these, such as a point, and a text of more than `LONGEST_VALUE` characters, such as a
plot, are kept as a value that is there and equals nothing; so columns stay small, and a comparison with
texts of at most that length stays exact.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

LONGEST_VALUE = 200
"""The most characters of a text that is kept."""

PropertyItem = str | float | int | bool
Shown = PropertyItem | list[str | None] | None


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers as 64-bit floats; whole ones are exact up to 2^53."""

    values: npt.NDArray[np.float64]
    """float64 [n_items], NaN without a value."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which items have a value, bool [n_items]."""
        return np.asarray(~np.isnan(self.values))

    def value(self, item: int) -> float | int | None:
        """The number of an item; a whole one is an integer."""
        number = float(self.values[item])
        if np.isnan(number):
            return None
        return int(number) if number.is_integer() else number

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The content."""
        return {"numbers": self.values}


@dataclass(frozen=True, eq=False)
class BooleanColumn:
    """Truth values."""

    values: npt.NDArray[np.int8]
    """int8 [n_items]: 1 is true, 0 is false, -1 stands for no value."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which items have a value, bool [n_items]."""
        return np.asarray(self.values >= 0)

    def value(self, item: int) -> bool | None:
        """The value of an item."""
        return None if self.values[item] < 0 else bool(self.values[item])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The content."""
        return {"booleans": self.values}


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Texts, or lists of texts; dates and times are texts in ISO 8601.

    A property with values of several types is a column of texts: 7 is "7", true is "true".
    """

    starts: npt.NDArray[np.int64]
    """int64 [n_items + 1]: the values of item i are `codes[starts[i]:starts[i + 1]]`."""
    codes: npt.NDArray[np.int32]
    """Indices into `texts`, int32."""
    texts: tuple[str | None, ...]
    """The different values; None stands for all that cannot be compared."""
    lists: bool = False
    """Whether any item has a list."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which items have a value, bool [n_items]; an empty list is none."""
        return np.asarray(np.diff(self.starts) > 0)

    def value(self, item: int) -> str | list[str | None] | None:
        """The text of an item, or its list; None where it is not kept."""
        found = [self.texts[code] for code in self.codes[self.starts[item] : self.starts[item + 1]]]
        if self.lists:
            return found or None
        return found[0] if found else None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The content but for the texts."""
        return {"starts": self.starts, "codes": self.codes}

    def sorted(self) -> "TextColumn":
        """The same values with `texts` in order, each of them used."""
        used, codes = np.unique(self.codes, return_inverse=True)
        texts = [self.texts[code] for code in used]
        order = sorted(range(len(texts)), key=lambda n: (texts[n] is not None, texts[n] or ""))
        place = np.empty(len(texts), np.int32)
        place[order] = np.arange(len(texts))
        return TextColumn(self.starts, place[codes], tuple(texts[n] for n in order), self.lists)


PropertyColumn = NumberColumn | BooleanColumn | TextColumn


@dataclass(frozen=True, eq=False)
class ItemProperties:
    """The columns by the name of the property, in the order of the names; each has one place for an item."""

    columns: Mapping[str, PropertyColumn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = dict(sorted(self.columns.items()))
        object.__setattr__(self, "columns", MappingProxyType(ordered))
        for column in ordered.values():
            for array in column.arrays().values():
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.columns)

    def of(self, item: int) -> dict[str, Shown]:
        """The properties of one item that have a value which is kept."""
        found = {name: column.value(item) for name, column in self.columns.items()}
        return {name: value for name, value in found.items() if value is not None}

    def digest(self) -> bytes:
        """A hash of the content; equal content has the same hash."""
        digest = hashlib.sha256()
        for name, own in self.columns.items():
            column = own.sorted() if isinstance(own, TextColumn) else own
            digest.update(f"{name}\x00{type(column).__name__}\x00".encode())
            for array in column.arrays().values():
                digest.update(np.ascontiguousarray(array).tobytes())
            if isinstance(column, TextColumn):
                digest.update(repr((column.lists, column.texts)).encode())
        return digest.digest()
