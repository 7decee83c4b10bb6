"""The state that validation keeps per source while it reads, and the result of validation.

Row numbers run on through all files of a source.
"""

from dataclasses import dataclass, field

import numpy as np

from kg.graph import IntArray
from kg.ingestion.hashes import Growing
from kg.ingestion.rows import Edges, SourceUse
from kg.ingestion.sources import Table


@dataclass
class FileCounts:
    """The row counts of one file; `before` is the number of rows in the preceding files of the source."""

    table: Table
    before: int
    read: int = 0
    rejected: int = 0
    seconds: float = 0.0


@dataclass
class ValidationResult:
    """The validation result of one source: its rejected and its repeated rows."""

    use: SourceUse
    files: list[FileCounts] = field(default_factory=list)
    rejected: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """The numbers of the rejected rows, sorted."""
    repeated: dict[str, IntArray] = field(default_factory=dict)
    """By label, rows whose node an earlier row defines; by type, rows whose event a later row replaces."""


@dataclass(frozen=True)
class Validation:
    """The result of each source, in writing order, and warnings."""

    sources: dict[str, ValidationResult]
    warnings: tuple[str, ...]
    stopped: bool
    """Whether validation stopped at too many errors; the rows after that were not read."""


@dataclass(frozen=True)
class FoundLater:
    """Why a row is rejected after it was read: by `conflict`, or since `column` names no accepted node."""

    column: str
    label: str
    conflict: str | None = None


@dataclass
class Reference:
    """One end of a relation whose node comes from a source with unresolved references."""

    edges: Edges
    end: int
    ids: Growing = field(default_factory=Growing)
    rows: Growing = field(default_factory=lambda: Growing("q"))


@dataclass
class ReadState:
    """The state of one source: hashes and row numbers instead of the rows themselves."""

    name: str
    result: ValidationResult
    rejected: Growing = field(default_factory=lambda: Growing("q"))
    nodes: dict[str, tuple[Growing, Growing, Growing]] = field(default_factory=dict)
    """By label: hashes of ids, hashes of node contents, row numbers."""
    references: list[Reference] = field(default_factory=list)
    events: dict[str, tuple[Growing, Growing]] = field(default_factory=dict)
    """By interaction type: hashes of (user, item) pairs, row numbers."""

    def reject(self, rows: IntArray) -> None:
        """Mark rows as rejected; `collect_rejected` copies them into the result."""
        self.rejected.add(rows.astype(np.int64))

    def collect_rejected(self) -> IntArray:
        """The rejected rows so far, sorted."""
        self.result.rejected = np.unique(self.rejected.all()).astype(np.int64)
        return self.result.rejected
