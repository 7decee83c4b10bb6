"""From files to the graph: everything is checked first, then written in batches, each one transaction.

A row is rejected as a whole, written as a whole, or found unchanged. What a run wrote and how far it came is
in the graph itself, so a run that was killed goes on where it was, and a run can be undone.
"""

import hashlib
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kg.errors import DataError, GraphSchemaError
from kg.ingestion.mapping import Mapping
from kg.ingestion.read_state import Validation
from kg.ingestion.rejects import Rejects, refuse_overwriting
from kg.ingestion.report import IngestReport, SourceReport
from kg.ingestion.runs import RunWriter
from kg.ingestion.sources import Table, open_tables
from kg.ingestion.validate import validate
from kg.ingestion.write import GraphWriter
from kg.progress import Report, silent
from kg.store.records import RunRecord
from kg.store.store import RunStore


@dataclass(frozen=True)
class IngestOptions:
    """How to ingest."""

    rejects: Path | None = None
    """The file that rejected rows are written to, as JSON Lines."""
    max_errors: int | None = None
    """Stop, with nothing written, when more rows than that are rejected."""
    resume: bool = False
    """Go on with the last run of the same mapping and files, if it did not end."""
    report: Path | None = None
    """Where the caller will write the report: refused if it is a file that is read."""


def ingest(
    mapping: Mapping,
    folder: Path,
    store: RunStore,
    report: Report = silent,
    options: IngestOptions = IngestOptions(),
) -> IngestReport:
    """Load what `mapping` describes into `store`; its files are relative to `folder`.

    Raises:
        MappingError: it names a file of an unknown format, or a column that the file does not have.
        UsageError: rejects or report would overwrite what is read.
        DataError: a file cannot be read to its end, or changed since the run that is to go on.
        GraphSchemaError: the graph already holds something that disagrees with the mapping.
    """
    began = time.perf_counter()
    tables = _open_tables(mapping, folder, options)
    _check_fits(store, mapping)
    record = _record(mapping, tables)
    with Rejects(options.rejects) as rejects:
        validation = validate(mapping, tables, rejects.add, options.max_errors, report)
    if validation.stopped:
        return _unwritten(validation, began, rejects)
    store.prepare(mapping.graph_schema())
    unfinished = _unfinished(store, record) if options.resume else None
    if unfinished is None:
        store.begin_run(record)
    writer = RunWriter(store, (unfinished or record).id, resumed=unfinished is not None)
    work = GraphWriter(mapping, validation, writer, folder, report)
    sources = tuple(found for name in validation.sources for found in work.write(name))
    store.end_run(writer.run_id)
    return IngestReport(
        writer.run_id,
        sources,
        time.perf_counter() - began,
        writer.nodes,
        writer.relations,
        examples=tuple(rejects.examples),
    )


def dry_run(
    mapping: Mapping,
    folder: Path,
    report: Report = silent,
    options: IngestOptions = IngestOptions(),
) -> IngestReport:
    """Check everything and write nothing; no graph is needed.

    Raises:
        MappingError: as `ingest`.
        DataError: as `ingest`.
    """
    began = time.perf_counter()
    tables = _open_tables(mapping, folder, options)
    with Rejects(options.rejects) as rejects:
        found = validate(mapping, tables, rejects.add, options.max_errors, report)
    return _unwritten(found, began, rejects)


def _open_tables(mapping: Mapping, folder: Path, options: IngestOptions) -> dict[str, list[Table]]:
    tables = open_tables(mapping, folder)
    read = [table.path for some in tables.values() for table in some]
    refuse_overwriting((options.rejects, options.report), read)
    return tables


def _unwritten(validation: Validation, began: float, rejects: Rejects) -> IngestReport:
    sources = tuple(
        SourceReport(name, str(x.table.path), x.read, 0, x.read - x.rejected, x.rejected, x.seconds)
        for name, result in validation.sources.items()
        for x in result.files
    )
    return IngestReport(
        None,
        sources,
        time.perf_counter() - began,
        stopped=validation.stopped,
        examples=tuple(rejects.examples),
    )


def _check_fits(store: RunStore, mapping: Mapping) -> None:
    """Refuse a mapping that disagrees with the graph before hours of checking."""
    try:
        stored = store.schema()
    except GraphSchemaError:
        return
    stored.merged(mapping.graph_schema())


def _record(mapping: Mapping, tables: dict[str, list[Table]]) -> RunRecord:
    described = hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()
    every = hashlib.sha256(described.encode())
    for name in sorted(tables):
        for table in tables[name]:
            every.update(f"{name} {table.path.name} {table.digest()}\n".encode())
    return new_run(every.hexdigest(), described)


def new_run(content: str, described: str) -> RunRecord:
    """A run that begins now, of inputs with these hashes."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    return RunRecord(run_id, content, described, int(now.timestamp()))


def _unfinished(store: RunStore, ours: RunRecord) -> RunRecord | None:
    """The last run of the same mapping, if it is under way still, and of the same files.

    Raises:
        DataError: the files changed since.
    """
    of_mapping = [run for run in store.runs() if run.mapping == ours.mapping]
    last = of_mapping[-1] if of_mapping else None
    if last is None or last.state == "finished":
        return None
    if last.input != ours.input:
        raise DataError(
            f"the files changed since the run {last.id} began, so it cannot go on; run it without --resume"
        )
    return last
