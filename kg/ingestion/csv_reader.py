"""CSV and TSV files, read by pyarrow, block by block."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from kg.errors import DataError
from kg.ingestion import chunks
from kg.ingestion.chunks import (
    BLOCK_BYTES,
    DELIMITERS,
    Chunk,
    Problem,
    file_format,
    no_rows,
    unpacked,
    with_lists,
)
from kg.ingestion.source_mapping import SourceMapping


def names(path: Path, source: SourceMapping) -> list[str]:
    """The names of the columns.

    Raises:
        DataError: the names are not text in the file's encoding.
    """
    with _opened(path, source, None, []) as (reader, _):
        found = list(reader.schema.names)
    if any(_MARK in name for name in found):
        raise DataError(f"{path}: is not {source.encoding}; name its `encoding` in the mapping")
    return found


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns; a row with too many or too few values is unreadable."""
    invalid: list[csv.InvalidRow] = []
    numbers = _Numbers(invalid, header=0 if source.columns else 1)
    final = names(path, source)[-1]
    wanted = list(dict.fromkeys((*columns, final)))  # `final` shows an unclosed quote
    with _opened(path, source, wanted, invalid) as (reader, text):
        held, ending = None, ""
        for batch in reader:
            for start in range(0, batch.num_rows, chunks.CHUNK_ROWS):
                part = batch.slice(start, chunks.CHUNK_ROWS)
                chunk = _chunk(part, source, *numbers.take(part.num_rows))
                if held is not None:
                    yield _only(held, columns)
                held, ending = chunk, part.column(final)[-1].as_py()
        if held is not None:
            yield _only(_without_open_quote(held, final, source, ending, text), columns)
    if rest := numbers.rest():
        yield Chunk(no_rows(columns), tuple(rest), rest[-1].row)


class _Decoded:
    """A stream that re-encodes a file as UTF-8, marks undecodable bytes and keeps the end of the text.

    pyarrow can decode as well, but one invalid byte makes it reject the whole file.
    """

    closed = False

    def __init__(self, stream: Any, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_MARKING)
        self._pending = b""
        self._ended = False
        self._ahead = stream.read(BLOCK_BYTES)
        self.last = b""

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """At most `size` bytes, b"" at the end."""
        while not self._pending and not self._ended:
            found, self._ahead = self._ahead, self._stream.read(BLOCK_BYTES)
            self._ended = not self._ahead
            self._pending = self._decoder.decode(found, final=self._ended).encode("utf-8", _MARKING)
            if self._ended and not self.last and not any(x in self._pending for x in (b"\r", b"\n")):
                self._pending += b"\n"  # without a line end, pyarrow finds no header in a file of one line
        given, self._pending = self._pending[:size], self._pending[size:]
        self.last = (self.last + given[-8:])[-8:]
        return given

    def readable(self) -> bool:
        """True: part of the file interface that pyarrow requires."""
        return True

    def seekable(self) -> bool:
        """False: part of the file interface that pyarrow requires."""
        return False

    def close(self) -> None:
        """Part of the file interface that pyarrow requires."""
        self.closed = True


_MARK = "\ufdd0"
"""Replaces an undecodable byte; a Unicode noncharacter, which valid text does not contain."""
_MARKING = "trailmix-mark"


def _marked(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError | UnicodeEncodeError)
    return _MARK, error.end


codecs.register_error(_MARKING, _marked)


@contextmanager
def _opened(
    path: Path, source: SourceMapping, columns: list[str] | None, invalid: list[csv.InvalidRow]
) -> Iterator[tuple[Any, _Decoded]]:
    def skip(row: csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    reading = csv.ReadOptions(
        use_threads=False,  # pyarrow reports the numbers of invalid rows only without threads
        block_size=BLOCK_BYTES,
        column_names=list(source.columns) or None,
    )
    parsing = csv.ParseOptions(
        delimiter=source.delimiter or DELIMITERS[file_format(path.name)[0]],
        quote_char=source.quote or False,
        newlines_in_values=bool(source.quote),
        invalid_row_handler=skip,
    )
    converting = csv.ConvertOptions(
        column_types={name: pa.string() for name in columns or ()},
        strings_can_be_null=False,
        include_columns=columns,
    )
    with unpacked(path) as stream:
        text = _Decoded(stream, source.encoding)
        with csv.open_csv(pa.PythonFile(text, "r"), reading, parsing, converting) as reader:
            yield reader, text


class _Numbers:
    """Numbers the valid rows; pyarrow reports row numbers for invalid rows only."""

    def __init__(self, invalid: list[csv.InvalidRow], header: int) -> None:
        self._invalid = invalid
        self._header = header
        self._last = 0
        self._passed = 0

    def take(self, count: int) -> tuple[Any, list[Problem]]:
        """The numbers of the next `count` valid rows, and the invalid rows before the last of them."""
        pieces, passed = [], []
        while count:
            row = self._invalid[self._passed] if self._passed < len(self._invalid) else None
            ahead = count if row is None else min(count, row.number - self._header - self._last - 1)
            pieces.append(np.arange(self._last + 1, self._last + ahead + 1))
            self._last += ahead
            count -= ahead
            if count and row is not None:
                passed.append(self._pass(row))
        return np.concatenate(pieces), passed

    def rest(self) -> list[Problem]:
        """The invalid rows after the last valid one."""
        return [self._pass(row) for row in self._invalid[self._passed :]]

    def _pass(self, row: csv.InvalidRow) -> Problem:
        self._passed += 1
        self._last += 1
        reason = f"has {row.actual_columns} values where there are {row.expected_columns} columns"
        if "\n" in row.text:
            reason += "; it goes over several lines: is a quote not closed?"
        return Problem(self._last, None, _shown(row.text), reason)


def _chunk(part: Any, source: SourceMapping, numbers: Any, invalid: list[Problem]) -> Chunk:
    """A chunk of the valid rows; rows with undecodable bytes become problems."""
    problems = {problem.row: problem for problem in invalid}
    values = {}
    for name, column in zip(part.schema.names, part.columns, strict=True):
        values[name] = pc.utf8_trim_whitespace(column).to_pandas()
        marked = pc.match_substring(column, _MARK)
        if pc.any(marked).as_py():
            for n in pc.indices_nonzero(marked).to_pylist():
                reason = f"is not {source.encoding}; name the file's `encoding` in the mapping"
                problems.setdefault(
                    int(numbers[n]), Problem(int(numbers[n]), name, _shown(values[name][n]), reason)
                )
    frame = pd.DataFrame(values).set_axis(numbers)
    frame = with_lists(frame[~frame.index.isin(list(problems))], source)
    found = [problems[row] for row in sorted(problems)]
    return Chunk(frame, tuple(found), max([*numbers[-1:].tolist(), *problems]))


def _shown(text: str) -> str:
    """The beginning of a text for a message, with undecodable bytes shown as replacement characters."""
    return text[:60].replace(_MARK, "\ufffd")


def _without_open_quote(
    chunk: Chunk, final: str, source: SourceMapping, ending: str, text: _Decoded
) -> Chunk:
    """The last chunk of the file without a last row whose unclosed quote swallows the remaining lines.

    `ending` is the last value of that row as read, including line ends.
    """
    if not source.quote or chunk.frame.empty or text.last.rstrip(b"\r\n\0").endswith(source.quote.encode()):
        return chunk
    row = int(chunk.frame.index[-1])
    if row != chunk.last or "\n" not in ending:
        return chunk
    problem = Problem(row, final, _shown(ending), "begins with a quote that is never closed")
    return Chunk(chunk.frame.iloc[:-1], (*chunk.unreadable, problem), chunk.last)


def _only(chunk: Chunk, columns: list[str]) -> Chunk:
    return Chunk(chunk.frame[columns], chunk.unreadable, chunk.last)
