"""CSV and TSV files, in any encoding and with any delimiter."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import DataError
from kg.ingestion import chunks
from kg.ingestion.chunks import Chunk, Problem, no_rows, with_lists
from kg.ingestion.csv_lines import Lines, suggested_delimiter
from kg.ingestion.csv_rows import BadRow, CsvRows
from kg.ingestion.packing import ENCODING_ADVICE, MARK, decoded, file_format, visible
from kg.ingestion.source_mapping import SourceMapping

CHUNK_CHARACTERS = 64_000_000
"""A chunk ends after the row with which it reaches this length."""

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_SEPARATOR_LINE = re.compile(r'"?sep=(\t|[^\w\s"]{1,8})"?[\r\n]*', re.IGNORECASE)
"""The first line with which Excel is told the delimiter."""


def names(path: Path, source: SourceMapping) -> list[str]:
    """The names of the columns.

    Raises:
        DataError: there are none, or they are not text in the file's encoding.
    """
    with _opened(path, source) as (_, _, found):
        return found


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns; a row with too many or too few values or wrong quotes is unreadable."""

    @cache
    def usual_line_ends() -> frozenset[int]:
        with _opened(path, source) as (_, again, found):
            for _ in again.rows(len(found)):
                pass
            return again.usual_line_ends()

    with _opened(path, source) as (lines, rows, found):
        part, end = _Part(source, found, columns), CHUNK_CHARACTERS
        for some in rows.rows(len(found), usual_line_ends):
            left: list[list[str]] | BadRow = some
            while left:
                left = part.add(left)
                if part.is_full() or lines.characters > end:
                    yield part.chunk()
                    part, end = _Part(source, found, columns, part.last), lines.characters + CHUNK_CHARACTERS
        if part.last > part.before:
            yield part.chunk()


def delimiter_hint(path: Path, source: SourceMapping, wanted: str) -> str:
    """The end of a message about a missing column: the delimiter with which the first line would have it."""
    with _opened_lines(path, source) as (_, line, delimiter):
        better = suggested_delimiter(line, delimiter, wanted)
        return f"; its first line {better}" if better else ""


@contextmanager
def _opened(path: Path, source: SourceMapping) -> Iterator[tuple[Lines, CsvRows, list[str]]]:
    """The lines, the rows after the header, and the names of the columns."""
    with _opened_lines(path, source) as (lines, _, delimiter):
        rows = CsvRows(lines, delimiter, source.quote)
        found = list(source.columns) or rows.header()
        if not found:
            raise DataError(f"{path}: is empty; its first line must name the columns")
        if any(MARK in name for name in found):
            raise DataError(f"{path}: is not {source.encoding}; {ENCODING_ADVICE}")
        yield lines, rows, found


@contextmanager
def _opened_lines(path: Path, source: SourceMapping) -> Iterator[tuple[Lines, str, str]]:
    """The lines that hold rows, the first of them, and the delimiter."""
    delimiter = source.delimiter or _DELIMITERS[file_format(path, source).name]
    with decoded(path, source, newline="") as text:
        lines = Lines(text, str(path))
        first = lines.peek()
        if told := _SEPARATOR_LINE.fullmatch(first):
            next(lines)
            lines.start_row()
            delimiter, first = source.delimiter or told[1], lines.peek()
        yield lines, first, delimiter


class _Part:
    """Collects the rows of one chunk, column by column."""

    def __init__(self, source: SourceMapping, names: list[str], columns: list[str], before: int = 0) -> None:
        self.before = self.last = before
        self._source = source
        self._places = {column: names.index(column) for column in columns}
        self._values: dict[str, list[str]] = {column: [] for column in columns}
        self._numbers: list[int] = []
        self._problems: dict[int, Problem] = {}

    def is_full(self) -> bool:
        """Whether the chunk has as many rows as it may have."""
        return self.last - self.before >= chunks.CHUNK_ROWS

    def add(self, rows: list[list[str]] | BadRow) -> list[list[str]]:
        """Add rows; the result is the rows that have no room."""
        if isinstance(rows, BadRow):
            self.last += 1
            self._problems[self.last] = _problem(self.last, rows, self._source)
            return []
        room = chunks.CHUNK_ROWS - (self.last - self.before)
        some = rows[:room]
        for column, place in self._places.items():
            self._values[column].extend([row[place] for row in some])
        self._numbers.extend(range(self.last + 1, self.last + len(some) + 1))
        self.last += len(some)
        return rows[room:]

    def chunk(self) -> Chunk:
        """The chunk; rows with undecodable bytes become problems."""
        values: dict[str, Any] = {}
        for name, given in self._values.items():
            texts = pc.utf8_trim_whitespace(pa.array(given, pa.string()))
            values[name] = texts.to_pandas()
            for n in pc.indices_nonzero(pc.match_substring(texts, MARK)).to_pylist():
                row, shown = self._numbers[n], visible(texts[n].as_py())
                reason = f"is not {self._source.encoding}; {ENCODING_ADVICE}"
                self._problems.setdefault(row, Problem(row, name, shown, reason))
        frame = pd.DataFrame(values).set_axis(self._numbers) if self._numbers else no_rows(list(self._values))
        frame = with_lists(frame[~frame.index.isin(list(self._problems))], self._source)
        return Chunk(frame, tuple(self._problems[row] for row in sorted(self._problems)), self.last)


def _problem(number: int, bad: BadRow, source: SourceMapping) -> Problem:
    told = bad.line == number + (not source.columns) or f"line {bad.line}" in bad.reason
    reason = bad.reason if told else f"{bad.reason} (line {bad.line})"
    return Problem(number, None, visible(bad.text.rstrip("\r\n")), reason)
