"""Readers of JSON Lines and Parquet files; they convert typed values to text.

Whole numbers have no decimal point in the text, even if their type is float, so that an id that another tool
converted to float keeps its text. Timestamps become ISO 8601.
"""

import codecs
import io
import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from kg.errors import DataError
from kg.ingestion import chunks
from kg.ingestion.chunks import (
    BLOCK_BYTES,
    Chunk,
    Problem,
    UnreadableRowError,
    file_format,
    no_rows,
    unpacked,
    with_lists,
)
from kg.ingestion.source_mapping import SourceMapping

LINE_BYTES = 64 * 2**20
_PEEKED_LINES = 10_000


def json_names(path: Path, source: SourceMapping) -> list[str] | None:
    """The keys in the first 10,000 lines and in `source.columns`; None if no line is an object."""
    found: dict[str, None] = {}
    for number, (_, row) in enumerate(_json_rows(path, source)):
        found |= dict.fromkeys(row if isinstance(row, dict) else ())
        if number == _PEEKED_LINES:
            break
    return [*dict.fromkeys((*found, *source.columns))] if found else None


def read_json(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """The values of these keys in all lines; lines other than objects are unreadable, blank ones skipped."""
    rows: list[list[str | list[str]]] = []
    numbers: list[int] = []
    problems: list[Problem] = []
    number = 0
    for number, (line, row) in enumerate(_json_rows(path, source), 1):
        try:
            rows.append(_json_values(number, columns, line, row, source))
            numbers.append(number)
        except UnreadableRowError as unreadable:
            problems.append(unreadable.problem)
        if number % chunks.CHUNK_ROWS == 0:
            yield _json_chunk(columns, rows, numbers, problems, number, source)
            rows, numbers, problems = [], [], []
    if rows or problems:
        yield _json_chunk(columns, rows, numbers, problems, number, source)


def _json_rows(path: Path, source: SourceMapping) -> Iterator[tuple[bytes, Any]]:
    encoding = "utf-8-sig" if codecs.lookup(source.encoding).name == "utf-8" else source.encoding
    with unpacked(path) as stream, io.BufferedReader(stream, BLOCK_BYTES) as lines:
        for line in iter(lambda: lines.readline(LINE_BYTES), b""):
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                raise DataError(f"{path}: has a line of more than 64 MB; it is no JSON Lines file")
            if line.strip():
                yield line, _parsed(line, encoding)


def _parsed(line: bytes, encoding: str) -> Any:
    try:
        return json.loads(line.decode(encoding))
    except (ValueError, RecursionError):
        return None


def _json_values(
    number: int, columns: list[str], line: bytes, row: Any, source: SourceMapping
) -> list[str | list[str]]:
    if not isinstance(row, dict):
        shown = line[:60].decode("utf-8", "replace").strip()
        raise UnreadableRowError(Problem(number, None, shown, f"is not a JSON object in {source.encoding}"))
    return [_value(number, name, row.get(name), source) for name in columns]


def _json_chunk(
    columns: list[str],
    rows: list[list[Any]],
    numbers: list[int],
    problems: list[Problem],
    last: int,
    source: SourceMapping,
) -> Chunk:
    if not rows:
        return Chunk(no_rows(columns), tuple(problems), last)
    values = zip(columns, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame(
        {name: pd.Series(list(x), dtype=object if name in source.lists else "str") for name, x in values}
    ).set_axis(numbers)
    return Chunk(with_lists(frame, source), tuple(problems), last)


def parquet_names(path: Path) -> list[str]:
    """The names of the columns."""
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


def read_parquet(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns."""
    last = 0
    with _parquet(path) as file:
        for batch in file.iter_batches(chunks.CHUNK_ROWS, columns=columns):
            numbers = np.arange(last + 1, last + batch.num_rows + 1)
            last += batch.num_rows
            yield _parquet_chunk(batch, numbers, last, source)


@contextmanager
def _parquet(path: Path) -> Iterator[parquet.ParquetFile]:
    """Open the file; a compressed file is unpacked to a temporary one, since Parquet needs random access."""
    if file_format(path.name)[1] is None:
        with parquet.ParquetFile(path) as file:
            yield file
        return
    with tempfile.TemporaryFile() as plain:
        with unpacked(path) as stream:
            shutil.copyfileobj(stream, plain, BLOCK_BYTES)
        plain.seek(0)
        with parquet.ParquetFile(plain) as file:
            yield file


def _parquet_chunk(batch: Any, numbers: Any, last: int, source: SourceMapping) -> Chunk:
    columns: dict[str, pd.Series] = {}
    problems: dict[int, Problem] = {}
    for name in batch.schema.names:
        texts = _texts(batch.column(name))
        if texts is not None:
            columns[name] = pc.utf8_trim_whitespace(texts).to_pandas().set_axis(numbers)
            continue
        values: list[str | list[str]] = []
        for number, value in zip(numbers.tolist(), _listed(batch.column(name)), strict=True):
            try:
                values.append(_value(number, name, value, source))
            except UnreadableRowError as unreadable:
                problems.setdefault(number, unreadable.problem)
                values.append("")
        columns[name] = pd.Series(values, index=numbers, dtype=object if name in source.lists else "str")
    frame = pd.DataFrame(columns, index=numbers)
    frame = with_lists(frame[~frame.index.isin(list(problems))], source)
    return Chunk(frame, tuple(problems[row] for row in sorted(problems)), last)


def _texts(column: Any) -> Any:
    """A whole column converted to text at once, or None if its values must be converted one by one."""
    kind = column.type
    simple = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_date, pa.types.is_timestamp)
    if pa.types.is_dictionary(kind):
        return _texts(column.dictionary_decode())
    if any(is_a(kind) for is_a in simple):
        return pc.fill_null(column.cast(pa.string()), "")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.fill_null(column.cast(pa.string()), "") if _is_text(column) else None
    return None


def _is_text(column: Any) -> bool:
    """Whether all values of a text column are valid UTF-8; some Parquet writers do not ensure it."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _listed(column: Any) -> list[Any]:
    """The values of a column as a list; invalid UTF-8 text as bytes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _listed(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return list(column.cast(pa.large_binary()).to_pylist())
    return list(column.to_pylist())


def _value(number: int, name: str, value: Any, source: SourceMapping) -> str | list[str]:
    if not isinstance(value, list):
        try:
            return as_text(value)
        except UnicodeDecodeError:
            shown = value[:60].decode("utf-8", "replace")
            raise UnreadableRowError(Problem(number, name, shown, "is not utf-8")) from None
    if name not in source.lists:
        shown = json.dumps(value, ensure_ascii=False, default=str)[:60]
        reason = "is a list; name the column among the source's `lists`"
        raise UnreadableRowError(Problem(number, name, shown, reason))
    return [text for text in map(as_text, value) if text]


def as_text(value: Any) -> str:
    """One value as text, "" for a missing value: 4.0 is "4", true is "true", an object is its JSON.

    Raises:
        UnicodeDecodeError: bytes that are not UTF-8.
    """
    match value:
        case None:
            return ""
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case float():
            if math.isnan(value):
                return ""
            text = str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
        case bytes():
            text = value.decode("utf-8")
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return text.encode("utf-8", "replace").decode().strip()  # JSON can hold an unpaired surrogate
