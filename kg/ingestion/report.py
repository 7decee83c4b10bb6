"""The report of an ingestion: counts of read, written, unchanged and rejected rows."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SourceReport:
    """The row counts of one file."""

    name: str
    file: str
    read: int
    written: int
    """Rows that created or changed a node or relation."""
    unchanged: int
    """Rows that the graph already has or another row replaces; all valid rows if nothing is written."""
    rejected: int
    seconds: float


@dataclass(frozen=True)
class IngestReport:
    """The counts of a whole ingestion; read = written + unchanged + rejected."""

    run_id: str | None
    """The id of the run; None if nothing was to be written."""
    sources: tuple[SourceReport, ...]
    seconds: float
    nodes: int = 0
    """The number of nodes that were created or changed."""
    relations: int = 0
    """The number of relations and interactions that were created or changed."""
    stopped: bool = False
    """Whether the ingestion stopped because more rows were rejected than `max_errors` allows."""
    examples: tuple[str, ...] = ()
    """Readable descriptions of the first rejected rows."""
    warnings: tuple[str, ...] = ()
    """What is probably wrong with accepted rows, each with its place and the line to add to the mapping."""

    @property
    def rejected(self) -> int:
        """The number of rejected rows."""
        return sum(source.rejected for source in self.sources)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-serializable values."""
        rows = [{**vars(source), "seconds": round(source.seconds, 3)} for source in self.sources]
        counted = ("read", "written", "unchanged", "rejected", "seconds")
        totals = {name: sum(row[name] for row in rows) for name in counted}
        return {
            "run_id": self.run_id,
            "sources": rows,
            "totals": {**totals, "seconds": round(self.seconds, 3)},
            "nodes": self.nodes,
            "relations": self.relations,
            "stopped": self.stopped,
            "warnings": list(self.warnings),
        }
