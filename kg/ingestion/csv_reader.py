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
from kg.ingestion.packing import MARK, decoded, file_format, visible
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
        before = 0
        for batch in _batches(lines, rows.rows(len(found), usual_line_ends)):
            chunk = _chunk(batch, before, found, columns, source)
            before = chunk.last
            yield chunk


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
            raise DataError(f"{path}: is not {source.encoding}; name its `encoding` in the mapping")
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


def _batches(lines: Lines, rows: Iterator[list[str] | BadRow]) -> Iterator[list[list[str] | BadRow]]:
    batch: list[list[str] | BadRow] = []
    end = lines.characters + CHUNK_CHARACTERS
    for row in rows:
        batch.append(row)
        if len(batch) >= chunks.CHUNK_ROWS or lines.characters > end:
            yield batch
            batch = []
            end = lines.characters + CHUNK_CHARACTERS
    if batch:
        yield batch


def _chunk(
    batch: list[list[str] | BadRow], before: int, names: list[str], columns: list[str], source: SourceMapping
) -> Chunk:
    """A chunk of the rows that follow row number `before`."""
    problems = {
        n: _problem(n, row, source) for n, row in enumerate(batch, before + 1) if isinstance(row, BadRow)
    }
    rows = [row for row in batch if not isinstance(row, BadRow)] if problems else batch
    numbers = [n for n in range(before + 1, before + len(batch) + 1) if n not in problems]
    by_column = list(zip(*rows, strict=True)) or [()] * len(names)
    values: dict[str, Any] = {}
    for name in columns:
        texts = pc.utf8_trim_whitespace(pa.array(by_column[names.index(name)], pa.string()))
        values[name] = texts.to_pandas()
        for n in pc.indices_nonzero(pc.match_substring(texts, MARK)).to_pylist():
            reason = f"is not {source.encoding}; name the file's `encoding` in the mapping"
            problems.setdefault(numbers[n], Problem(numbers[n], name, visible(values[name][n]), reason))
    frame = pd.DataFrame(values).set_axis(numbers) if rows else no_rows(columns)
    frame = with_lists(frame[~frame.index.isin(list(problems))], source)
    return Chunk(frame, tuple(problems[n] for n in sorted(problems)), before + len(batch))


def _problem(number: int, bad: BadRow, source: SourceMapping) -> Problem:
    told = bad.line == number + (not source.columns) or f"line {bad.line}" in bad.reason
    reason = bad.reason if told else f"{bad.reason} (line {bad.line})"
    return Problem(number, None, visible(bad.text.rstrip("\r\n")), reason)
