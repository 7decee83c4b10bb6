"""Shared by all file readers: chunks of rows as text, and unreadable rows."""

from dataclasses import dataclass

import pandas as pd

from kg.ingestion.source_mapping import SourceMapping

CHUNK_ROWS = 10_000


@dataclass(frozen=True)
class Problem:
    """Why one row was rejected; `row` is the row number within the file, from 1, not counting the header."""

    row: int
    column: str | None
    value: str
    reason: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a file: the readable rows, indexed by row number, and the unreadable rows.

    A column holds strings, "" for a missing value; a list column holds lists of strings.
    """

    frame: pd.DataFrame
    unreadable: tuple[Problem, ...]
    last: int
    """The number of the chunk's last row, readable or not."""


class UnreadableRowError(Exception):
    """The reader cannot read one row and skips it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def no_rows(columns: list[str]) -> pd.DataFrame:
    """A frame with these columns and no rows."""
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in columns}, index=pd.Index([], dtype=int))


def with_lists(frame: pd.DataFrame, source: SourceMapping) -> pd.DataFrame:
    """Split the list columns that hold strings at the separator of the source."""
    for name in set(source.lists).intersection(frame.columns):
        values = [x if isinstance(x, list) else _parts(x, source.separator) for x in frame[name]]
        frame[name] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def _parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]
