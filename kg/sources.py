"""Tables on disk, read in chunks, and their text turned into ids, numbers and times.

A reader gives every column as text, "" where there is nothing. A converter marks what it could not read
instead of failing, so that its caller decides what becomes of bad rows.
"""

import csv
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.errors import EmptyDataError, ParserError, ParserWarning

from kg.errors import DataError
from kg.mapping import SourceMapping, TimeUnit, ValueType

CHUNK_ROWS = 10_000

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""The formats that can be read, by the ending of the file's name."""

_UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_LATEST = 253_402_300_800  # the year 10000; a time beyond it was given in another unit


@dataclass(frozen=True)
class Converted:
    """One column's values, None where there is nothing, and which rows could not be read as `expected`."""

    values: pd.Series  # of object
    bad: pd.Series  # of bool
    expected: str


@dataclass(frozen=True)
class Table:
    """One source: a file with a header line."""

    path: Path
    mapping: SourceMapping

    def columns(self) -> list[str]:
        """The names in the header.

        Raises:
            DataError: the file is missing, empty or not UTF-8.
        """
        return [str(name) for name in next(self._frames(rows=1)).columns]

    def chunks(self) -> Iterator[pd.DataFrame]:
        """All rows, `CHUNK_ROWS` at a time; the index counts rows from 0 through the whole file.

        Raises:
            DataError: the file is missing or empty, not UTF-8, or a row has too many values.
        """
        for frame in self._frames(rows=CHUNK_ROWS):
            yield frame.fillna("").apply(lambda column: column.str.strip())

    def split(self, column: pd.Series) -> pd.Series:
        """The values of a list column; of any other column, its one value as a list."""
        if column.name not in self.mapping.lists:
            return column.map(lambda text: [text] if text else [])
        return column.map(
            lambda text: [part.strip() for part in text.split(self.mapping.separator) if part.strip()]
        )

    def error(self, row: int, column: str, value: str, problem: str) -> DataError:
        """An error about one value, with the row's number as an editor shows it."""
        shown = value if len(value) <= 60 else f"{value[:57]}..."
        return DataError(f"{self.path}, line {self._line(row)}, column {column}: {shown!r} {problem}")

    def _frames(self, rows: int) -> Iterator[pd.DataFrame]:
        try:
            with (
                warnings.catch_warnings(action="error", category=ParserWarning),
                pd.read_csv(
                    self.path,
                    sep=DELIMITERS[self.path.suffix.lower()],
                    dtype=str,
                    keep_default_na=False,
                    encoding="utf-8-sig",
                    index_col=False,
                    chunksize=rows,
                ) as reader,
            ):
                yield from reader
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror or error}") from None
        except EmptyDataError:
            raise DataError(f"{self.path}: is empty; its first line must name the columns") from None
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: is not UTF-8 ({error.reason}); save it as UTF-8") from None
        except (ParserError, ParserWarning) as error:
            problem = re.sub(r"^Error tokenizing data\. C error: ", "", str(error).strip())
            raise DataError(f"{self.path}: a row does not fit the header: {problem}") from None

    def _line(self, row: int) -> int:
        """Where a row begins: quoted values may span lines, and blank lines count for an editor only."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=DELIMITERS[self.path.suffix.lower()])
            before, seen = 0, -1
            for record in reader:
                if record:
                    if seen == row:
                        return before + 1
                    seen += 1
                before = reader.line_num
        return before


def convert(column: pd.Series, kind: ValueType) -> Converted:
    """Text as values of a property: str, int, float or bool."""
    return _CONVERTERS[kind](column)


def _texts(column: pd.Series) -> Converted:
    return Converted(_or_none(column, column == ""), _nowhere(column), "a text")


def _integers(column: pd.Series) -> Converted:
    """`1995.0` counts: it is how tools write whole numbers beside empty cells."""
    numbers, empty = _numbers(column)
    bad = ~empty & ~(np.isfinite(numbers) & (numbers % 1 == 0) & (numbers.abs() < 2**53))
    return Converted(
        _or_none(numbers.where(~bad & ~empty, 0).astype("int64"), empty | bad), bad, "a whole number"
    )


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
    """Text as whole epoch seconds, UTC; what is finer is cut off."""
    empty = column == ""
    if unit == "iso":
        moments = pd.to_datetime(column.where(~empty), utc=True, format="ISO8601", errors="coerce")
        bad = moments.isna() & ~empty
        seconds = moments.fillna(pd.Timestamp(0, tz="UTC")).dt.as_unit("s").astype("int64")
        return Converted(
            _or_none(seconds, empty | bad), bad, "a date like 2024-05-31 or 2024-05-31T20:15:00Z"
        )
    numbers, _ = _numbers(column)
    seconds = numbers // _UNITS_A_SECOND[unit]
    bad = ~empty & ~((seconds >= 0) & (seconds < _LATEST))
    seconds = seconds.where(~bad & ~empty, 0).astype("int64")
    return Converted(_or_none(seconds, empty | bad), bad, f"a time in {unit} since 1970")


def _numbers(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    return pd.to_numeric(column, errors="coerce").astype("float64"), column == ""


def _or_none(values: pd.Series, absent: pd.Series) -> pd.Series:
    return values.astype(object).where(~absent, None)


def _nowhere(column: pd.Series) -> pd.Series:
    return pd.Series(False, index=column.index)
