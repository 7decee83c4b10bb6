"""Excel workbooks (.xlsx), read row by row; the first row of the sheet names the columns."""

import json
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from kg.errors import DataError, UsageError
from kg.ingestion import chunks
from kg.ingestion.chunks import Chunk, Problem, UnreadableRowError, no_rows, with_lists
from kg.ingestion.packing import unpacked_file
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.typed_values import as_text
from kg.nearest_name import nearest_name

_Row = tuple[Any, ...]
_ERRORS = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!"})
"""What a cell has in place of a value that Excel could not compute."""
_MALFORMED = (
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    SyntaxError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What openpyxl raises for parts that are missing, damaged or not as they should be."""


def names(path: Path, source: SourceMapping) -> list[str]:
    """The names of the columns."""
    with _rows(path, source) as (found, _):
        return found


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns; blank rows are skipped, rows with an error of Excel are unreadable."""
    last = 0
    with _rows(path, source) as (found, rows):
        places = {name: found.index(name) for name in columns}
        while batch := list(islice(rows, chunks.CHUNK_ROWS)):
            yield _chunk(batch, last, places, len(found), source)
            last += len(batch)


def _chunk(
    batch: list[_Row], before: int, places: dict[str, int], width: int, source: SourceMapping
) -> Chunk:
    good: dict[int, list[str]] = {}
    problems: list[Problem] = []
    for number, row in enumerate(batch, before + 1):
        try:
            good[number] = _texts(number, row, places, width)
        except UnreadableRowError as unreadable:
            problems.append(unreadable.problem)
    frame = no_rows(list(places))
    if good:
        values = zip(places, zip(*good.values(), strict=True), strict=True)
        frame = pd.DataFrame({name: pd.Series(x, dtype="str") for name, x in values}).set_axis(list(good))
    return Chunk(with_lists(frame, source), tuple(problems), before + len(batch))


def _texts(number: int, row: _Row, places: dict[str, int], width: int) -> list[str]:
    """The values of the columns at these places.

    Raises:
        UnreadableRowError: there is a value beyond the named columns, or an error of Excel.
    """
    if len(row) > width:
        beyond = next((x for x in row[width:] if x is not None), None)
        if beyond is not None:
            raise UnreadableRowError(
                Problem(number, None, as_text(beyond)[:60], "is in a column without a name")
            )
    texts = []
    for name, place in places.items():
        text = as_text(row[place]) if place < len(row) else ""
        if text in _ERRORS:
            raise UnreadableRowError(
                Problem(number, name, text, "is an error of Excel; mend the cell's formula")
            )
        texts.append(text)
    return texts


@contextmanager
def _rows(path: Path, source: SourceMapping) -> Iterator[tuple[list[str], Iterator[_Row]]]:
    """The names of the columns, and the rows after them that are not blank."""
    with unpacked_file(path, source) as plain, plain.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that concern no values
        with _readable(path):
            book = _openpyxl(path).load_workbook(file, read_only=True, data_only=True)
        try:
            rows = _sheet(path, source, book)
            header = next(rows, ())
            while header and header[-1] is None:
                header = header[:-1]
            if not header:
                raise DataError(f"{path}: is empty; its first row must name the columns")
            yield [as_text(name) for name in header], rows
        finally:
            book.close()


def _sheet(path: Path, source: SourceMapping, book: Any) -> Iterator[_Row]:
    """The rows of the sheet that the mapping names, or of the only one that is not empty."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if source.sheet is not None:
        if source.sheet not in sheets:
            raise DataError(f"{path}: has no sheet {source.sheet!r}{nearest_name(source.sheet, sheets)}")
        return _filled_rows(path, sheets[source.sheet])
    filled = [title for title, sheet in sheets.items() if next(_filled_rows(path, sheet), None)]
    if len(filled) > 1:
        raise DataError(
            f"{path}: has the sheets {', '.join(map(repr, filled))}; "
            f"name the one to read: add `sheet: {json.dumps(filled[0], ensure_ascii=False)}` to the source"
        )
    return _filled_rows(path, sheets[filled[0]]) if filled else iter(())


def _filled_rows(path: Path, sheet: Any) -> Iterator[_Row]:
    with _readable(path):
        sheet.reset_dimensions()  # some programs write wrong ones
        for row in sheet.iter_rows(values_only=True):
            if any(value is not None and value != "" for value in row):
                yield row


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _MALFORMED as error:
        raise DataError(
            f"{path}: cannot be read as an Excel workbook: {error}; save it in Excel again, or as CSV"
        ) from None


def _openpyxl(path: Path) -> Any:
    try:
        return import_module("openpyxl")
    except ImportError:
        raise UsageError(
            f"{path}: to read Excel workbooks, pip install 'trailmix[excel]'; or save it as CSV"
        ) from None
