"""Ingests files into the graph: validates all rows first, then writes batches of one transaction each.

A row is rejected as a whole, written as a whole, or found unchanged. The graph stores the provenance and the
checkpoints of each run, so an interrupted run can be resumed and every run can be undone.
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
    """Options of an ingestion."""

    rejects: Path | None = None
    """The JSON Lines file to which the rejected rows are written."""
    max_errors: int | None = None
    """Stop before anything is written if more than this many rows are rejected."""
    resume: bool = False
    """Resume the last run if it is unfinished and has the same mapping and files."""
    report: Path | None = None
    """The file to which the caller will write the report; it must not be an input file."""


def ingest(
    mapping: Mapping,
    folder: Path,
    store: RunStore,
    report: Report = silent,
    options: IngestOptions = IngestOptions(),
) -> IngestReport:
    """Load the files that `mapping` describes into `store`; their paths are relative to `folder`.

    Raises:
        MappingError: the mapping names a file of an unknown format, or a column that the file does not have.
        UsageError: rejects or report would overwrite an input file.
        DataError: a file cannot be read to its end, or changed since the run that would be resumed.
        GraphSchemaError: the stored schema conflicts with the mapping.
    """
    began = time.perf_counter()
    tables = _open_tables(mapping, folder, options)
    _check_fits(store, mapping)
    record = _record(mapping, tables)
    with Rejects(options.rejects) as rejects:
        validation = validate(mapping, tables, rejects.add, options.max_errors, report, time.time())
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
        warnings=validation.warnings,
    )


def dry_run(
    mapping: Mapping,
    folder: Path,
    report: Report = silent,
    options: IngestOptions = IngestOptions(),
) -> IngestReport:
    """Validate all rows without writing; no graph store is needed.

    Raises:
        MappingError: as `ingest`.
        DataError: as `ingest`.
    """
    began = time.perf_counter()
    tables = _open_tables(mapping, folder, options)
    with Rejects(options.rejects) as rejects:
        found = validate(mapping, tables, rejects.add, options.max_errors, report, time.time())
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
        warnings=validation.warnings,
    )


def _check_fits(store: RunStore, mapping: Mapping) -> None:
    """Raise GraphSchemaError for a mapping that conflicts with the graph, before the long validation."""
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
    """The record of a run that begins now; `content` and `described` are the hashes of its inputs."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    return RunRecord(run_id, content, described, int(now.timestamp()))


def _unfinished(store: RunStore, ours: RunRecord) -> RunRecord | None:
    """The last run of the same mapping and files if it is unfinished, else None.

    Raises:
        DataError: the files changed since that run.
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
