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

from kg import chunks
from kg.chunks import BLOCK_BYTES, DELIMITERS, Chunk, Problem, file_format, no_rows, unpacked, with_lists
from kg.mapping import SourceMapping


def names(path: Path, source: SourceMapping) -> list[str]:
    """The names of the columns."""
    with _opened(path, source, None, []) as (reader, _):
        return list(reader.schema.names)


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns; a row with too many or too few values is unreadable."""
    invalid: list[csv.InvalidRow] = []
    numbers = _Numbers(invalid, header=0 if source.columns else 1)
    final = names(path, source)[-1]
    wanted = list(dict.fromkeys((*columns, final)))  # the one in which a quote that is never closed ends up
    with _opened(path, source, wanted, invalid) as (reader, tail):
        held, ending = None, b""
        for batch in reader:
            for start in range(0, batch.num_rows, chunks.CHUNK_ROWS):
                part = batch.slice(start, chunks.CHUNK_ROWS)
                chunk = _chunk(part, source, *numbers.take(part.num_rows))
                if held is not None:
                    yield _only(held, columns)
                held, ending = chunk, part.column(final)[-1].as_py()
        if held is not None:
            yield _only(_without_open_quote(held, final, source, ending, tail), columns)
    if rest := numbers.rest():
        yield Chunk(no_rows(columns), tuple(rest), rest[-1].row)


class _Tail:
    """A stream that remembers its last bytes."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(size)
        self.last = (self.last + found[-8:])[-8:]
        return found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


@contextmanager
def _opened(
    path: Path, source: SourceMapping, columns: list[str] | None, invalid: list[csv.InvalidRow]
) -> Iterator[tuple[Any, _Tail]]:
    def skip(row: csv.InvalidRow) -> str:
        invalid.append(row)
        return "skip"

    utf8 = codecs.lookup(source.encoding).name in ("utf-8", "utf-8-sig")
    reading = csv.ReadOptions(
        use_threads=False,  # only then the numbers of invalid rows are known
        block_size=BLOCK_BYTES,
        encoding="utf8" if utf8 else source.encoding,
        column_names=list(source.columns) or None,
    )
    parsing = csv.ParseOptions(
        delimiter=source.delimiter or DELIMITERS[file_format(path.name)[0]],
        quote_char=source.quote or False,
        newlines_in_values=bool(source.quote),
        invalid_row_handler=skip,
    )
    converting = csv.ConvertOptions(
        check_utf8=False,  # one wrong byte is one wrong row
        column_types={name: pa.binary() for name in columns or ()},
        strings_can_be_null=False,
        include_columns=columns,
    )
    with unpacked(path) as stream:
        tail = _Tail(stream)
        with csv.open_csv(pa.PythonFile(tail, "r"), reading, parsing, converting) as reader:
            yield reader, tail


class _Numbers:
    """The numbers of the rows, which pyarrow tells of the invalid ones only."""

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
        return Problem(self._last, None, row.text[:60], reason)


def _chunk(part: Any, source: SourceMapping, numbers: Any, invalid: list[Problem]) -> Chunk:
    """Text of bytes; a row with bytes that are no UTF-8 is unreadable."""
    texts, problems = {}, {problem.row: problem for problem in invalid}
    for name, column in zip(part.schema.names, part.columns, strict=True):
        try:
            texts[name] = column.cast(pa.string())
        except pa.ArrowInvalid:
            values = column.to_pylist()
            decoded = [value.decode("utf-8", "replace") for value in values]
            for number, value, text in zip(numbers.tolist(), values, decoded, strict=True):
                if text.encode() != value:
                    reason = f"is not {source.encoding}; name the file's `encoding` in the mapping"
                    problems.setdefault(number, Problem(number, name, text[:60], reason))
            texts[name] = pa.array(decoded, pa.string())
    values = {name: pc.utf8_trim_whitespace(text).to_pandas() for name, text in texts.items()}
    frame = pd.DataFrame(values).set_axis(numbers)
    frame = with_lists(frame[~frame.index.isin(list(problems))], source)
    found = [problems[row] for row in sorted(problems)]
    return Chunk(frame, tuple(found), max([*numbers[-1:].tolist(), *problems]))


def _without_open_quote(chunk: Chunk, final: str, source: SourceMapping, ending: bytes, tail: _Tail) -> Chunk:
    """The file's last chunk, less a last row whose quote is never closed and so holds all lines after it.

    `ending` is that row's last value as it was read, with its lines' ends.
    """
    if not source.quote or chunk.frame.empty or tail.last.rstrip(b"\r\n\0").endswith(source.quote.encode()):
        return chunk
    row = int(chunk.frame.index[-1])
    if row != chunk.last or b"\n" not in ending:
        return chunk
    problem = Problem(
        row, final, ending[:60].decode("utf-8", "replace"), "begins with a quote that is never closed"
    )
    return Chunk(chunk.frame.iloc[:-1], (*chunk.unreadable, problem), chunk.last)


def _only(chunk: Chunk, columns: list[str]) -> Chunk:
    return Chunk(chunk.frame[columns], chunk.unreadable, chunk.last)
