"""An ingestion in small batches, in a process that may be killed."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from kg.ingestion import write
from kg.ingestion.ingest import IngestOptions, ingest
from kg.ingestion.mapping_file import load_mapping
from kg.ingestion.report import IngestReport
from kg.progress import Report, silent
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection

BATCH = 200


def load_here(
    path: Path, server: Connection, report: Report = silent, *, resume: bool = False
) -> IngestReport:
    """Ingest in batches of 200 relations."""
    usual, write.BATCH_EDGES = write.BATCH_EDGES, BATCH
    try:
        with BoltGraphStore(server) as store:
            return ingest(load_mapping(path), path.parent, store, report, IngestOptions(resume=resume))
    finally:
        write.BATCH_EDGES = usual


def load_step_by_step(path: str, server: tuple[str, str, str, str], steps: Any) -> None:
    """The same in a child process, which tells by `steps`: its begin, that of writing, each batch."""
    uri, username, password, database = server

    def report(stage: str, _done: int, _total: int | None) -> None:
        if stage.startswith("write"):
            steps.release()

    steps.release()
    load_here(Path(path), Connection(uri, username, SecretStr(password), database), report)
