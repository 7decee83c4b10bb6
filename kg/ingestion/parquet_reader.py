"""Parquet files, read batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from kg.ingestion import chunks
from kg.ingestion.chunks import Chunk, Problem, UnreadableRowError, with_lists
from kg.ingestion.packing import unpacked_file
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.typed_values import value_of


def names(path: Path, source: SourceMapping) -> list[str]:
    """The names of the columns."""
    with _parquet(path, source) as file:
        return list(file.schema_arrow.names)


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """All rows with these columns."""
    last = 0
    with _parquet(path, source) as file:
        for batch in file.iter_batches(chunks.CHUNK_ROWS, columns=columns, use_threads=False):
            numbers = np.arange(last + 1, last + batch.num_rows + 1)
            last += batch.num_rows
            yield _parquet_chunk(batch, numbers, last, source)


@contextmanager
def _parquet(path: Path, source: SourceMapping) -> Iterator[parquet.ParquetFile]:
    with unpacked_file(path, source) as plain, parquet.ParquetFile(plain) as file:
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
                values.append(value_of(number, name, value, source))
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
