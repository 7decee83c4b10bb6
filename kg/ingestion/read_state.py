"""What validation keeps of the rows that it read, and its result.

Rows are numbered through all files of a source.
"""

from dataclasses import dataclass, field

import numpy as np

from kg.graph import IntArray
from kg.ingestion.hashes import Growing
from kg.ingestion.rows import Edges, SourceUse
from kg.ingestion.sources import Table


@dataclass
class FileCounts:
    """One file of a source, as far as it was checked; `before` is how many rows the files before it have."""

    table: Table
    before: int
    read: int = 0
    rejected: int = 0
    seconds: float = 0.0


@dataclass
class ValidationResult:
    """Which rows of one source are to be written."""

    use: SourceUse
    files: list[FileCounts] = field(default_factory=list)
    rejected: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """The numbers of the rejected rows, sorted."""
    repeated: dict[str, IntArray] = field(default_factory=dict)
    """By label, rows whose node an earlier row brings; by type, rows whose event a later row replaces."""


@dataclass(frozen=True)
class Validation:
    """The result of each source, in the order in which they are to be written."""

    sources: dict[str, ValidationResult]
    stopped: bool
    """Whether there were more errors than allowed; then only what was read was checked."""


@dataclass
class Reference:
    """One end of a relation whose nodes come from a source that is not resolved yet."""

    edges: Edges
    end: int
    ids: Growing = field(default_factory=Growing)
    rows: Growing = field(default_factory=lambda: Growing("q"))


@dataclass
class ReadState:
    """What is kept of the rows of one source."""

    name: str
    result: ValidationResult
    rejected: Growing = field(default_factory=lambda: Growing("q"))
    nodes: dict[str, tuple[Growing, Growing, Growing]] = field(default_factory=dict)
    """By label: hashes of ids, hashes of what the nodes hold, row numbers."""
    references: list[Reference] = field(default_factory=list)
    events: dict[str, tuple[Growing, Growing]] = field(default_factory=dict)
    """By type: hashes of pairs, row numbers."""

    def reject(self, rows: IntArray) -> None:
        """Note rows as rejected; `collect_rejected` puts them into the result."""
        self.rejected.add(rows.astype(np.int64))

    def collect_rejected(self) -> IntArray:
        """The rejected rows so far, sorted."""
        self.result.rejected = np.unique(self.rejected.all()).astype(np.int64)
        return self.result.rejected
