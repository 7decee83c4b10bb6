"""What became of the rows of an ingestion."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SourceReport:
    """What became of the rows of one file."""

    name: str
    file: str
    read: int
    written: int
    """Those that created something, or changed what was there."""
    unchanged: int
    """Those whose content the graph has already, or that another row replaces; all if nothing is written."""
    rejected: int
    seconds: float


@dataclass(frozen=True)
class IngestReport:
    """What became of all rows: read = written + unchanged + rejected."""

    run_id: str | None
    """None where nothing was to be written."""
    sources: tuple[SourceReport, ...]
    seconds: float
    nodes: int = 0
    """How many nodes were created or changed."""
    relations: int = 0
    """How many relations and interactions were."""
    stopped: bool = False
    """Whether there were more errors than allowed."""
    examples: tuple[str, ...] = ()
    """The first rejected rows, for people."""

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return sum(source.rejected for source in self.sources)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
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
        }
