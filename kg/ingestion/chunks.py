"""What every reader of files shares: chunks of rows as text, the rows that cannot be read, unpacking."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from kg.ingestion.mapping import SourceMapping

CHUNK_ROWS = 10_000
BLOCK_BYTES = 4 * 2**20
"""How much of a file is taken at a time; a row of CSV must fit into it."""

DELIMITERS = {".csv": ",", ".tsv": "\t"}
FORMATS = (*DELIMITERS, ".jsonl", ".ndjson", ".parquet")
"""What can be read, by the ending of the file's name."""
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""An ending that may follow the format's."""


@dataclass(frozen=True)
class Problem:
    """Why one row was rejected; `row` counts a file's rows from 1, the header apart."""

    row: int
    column: str | None
    value: str
    reason: str


@dataclass(frozen=True)
class Chunk:
    """Some rows: those that could be read, indexed by their numbers, and those that could not.

    A column holds text, "" where there is nothing; a list column holds lists of texts.
    """

    frame: pd.DataFrame
    unreadable: tuple[Problem, ...]
    last: int
    """The number of the last row of either."""


class UnreadableRowError(Exception):
    """One row that its reader leaves out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def file_format(name: str) -> tuple[str, str | None]:
    """The ending that names the format, and the compression: "orders.csv.gz" is (".csv", "gzip")."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    return (suffixes[-1] if suffixes else ""), compression


@contextmanager
def unpacked(path: Path) -> Iterator[Any]:
    """The file's bytes as a stream."""
    with pa.input_stream(str(path), compression=file_format(path.name)[1]) as stream:
        yield stream


def no_rows(columns: list[str]) -> pd.DataFrame:
    """A frame of no row."""
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in columns}, index=pd.Index([], dtype=int))


def with_lists(frame: pd.DataFrame, source: SourceMapping) -> pd.DataFrame:
    """List columns that hold text, taken apart into lists."""
    for name in set(source.lists).intersection(frame.columns):
        values = [x if isinstance(x, list) else _parts(x, source.separator) for x in frame[name]]
        frame[name] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def _parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]
