"""From files to the graph: everything is checked first, then written in batches, each one transaction.

A row is rejected as a whole, written as a whole, or found unchanged. What a run wrote and how far it came is
in the graph itself, so a run that was killed goes on where it was, and a run can be undone.
"""

import hashlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kg.errors import DataError, GraphSchemaError
from kg.ingestion.hashes import HashSet, hashes, in_sorted
from kg.ingestion.mapping import Mapping
from kg.ingestion.rejects import Rejects, refuse_overwriting
from kg.ingestion.rows import Edges, ends, event_properties, flat, implied_properties, node_properties
from kg.ingestion.runs import Batch, RunWriter
from kg.ingestion.sources import Table, open_tables
from kg.ingestion.validate import FileCounts, Validation, Verdict, validate
from kg.progress import Report, silent
from kg.store.records import NodeRow, RelationRow, RunRecord
from kg.store.store import RunStore

BATCH_EDGES = 10_000
"""How many relations a batch has at most; a row that has more is a batch of its own."""


@dataclass(frozen=True)
class IngestOptions:
    """How to ingest."""

    rejects: Path | None = None
    """Where rejected rows are told, as JSON Lines."""
    max_errors: int | None = None
    """Stop, with nothing written, when more rows than that are rejected."""
    resume: bool = False
    """Go on with the last run of the same mapping and files, if it did not end."""
    report: Path | None = None
    """Where the caller will write the report: refused if it is a file that is read."""


@dataclass(frozen=True)
class SourceReport:
    """What became of the rows of one file."""

    name: str
    file: str
    read: int
    written: int
    """Those that brought something new, or something else than was there."""
    unchanged: int
    """Those that say what the graph says already or what another row replaces; all if nothing is written."""
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
    work = _Writing(mapping, validation, writer, folder, report)
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
        for name, verdict in validation.sources.items()
        for x in verdict.files
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


class _Writing:
    """The second half of an ingestion: what was found good goes to the graph."""

    def __init__(
        self, mapping: Mapping, validation: Validation, writer: RunWriter, folder: Path, report: Report
    ) -> None:
        self._mapping = mapping
        self._verdicts = validation.sources
        self._writer = writer
        self._folder = folder
        self._report = report
        self._written: dict[str, HashSet] = {}
        """Of labels whose nodes may be named before they are brought, those that were written."""

    def write(self, name: str) -> Iterator[SourceReport]:
        """Write one source, file by file."""
        for counts in self._verdicts[name].files:
            began = time.perf_counter()
            place = f"{name} {_relative(counts.table.path, self._folder)}"
            self._report(f"write {place}", 0, counts.read)
            self._write_file(self._verdicts[name], counts, place)
            self._report(f"write {place}", counts.read, counts.read)
            done = self._writer.checkpoint(place)
            good = counts.read - counts.rejected
            if done.written > good:
                raise DataError(f"{counts.table.path}: changed while it was read; run the ingestion again")
            yield SourceReport(
                name,
                str(counts.table.path),
                counts.read,
                done.written,
                good - done.written,
                counts.rejected,
                counts.seconds + time.perf_counter() - began,
            )

    def _write_file(self, verdict: Verdict, counts: FileCounts, place: str) -> None:
        start = self._writer.checkpoint(place).rows
        for chunk in counts.table.chunks(list(verdict.use.columns)):
            frame = chunk.frame[chunk.frame.index > start]
            rejected = in_sorted(_numbers(frame, counts), verdict.rejected)
            for part, last in _parts(frame[~rejected], verdict, chunk.last):
                self._writer.write(self._batch(part, verdict, counts), place, last, len(part))
                self._report(f"write {place}", last, counts.read)

    def _batch(self, frame: pd.DataFrame, verdict: Verdict, counts: FileCounts) -> Batch:
        batch = Batch()
        for label, node in verdict.use.nodes:
            some = _first_said(frame, verdict, counts, label)
            ids = flat(some[node.id])
            self._note(label, ids)
            batch.nodes[label] = [
                (int(row), NodeRow(id=external, properties=properties))
                for row, external, properties in zip(
                    some.index, ids.tolist(), node_properties(some, node), strict=True
                )
            ]
        for edges in verdict.use.edges:
            some = _first_said(frame, verdict, counts, edges.kind)
            pairs = ends(some, edges)
            for label, end in zip(edges.labels, ("head", "tail"), strict=True):
                self._imply(batch, label, pairs[end])
            batch.relations[edges.kind] = _relation_rows(some, pairs, edges)
        return batch

    def _note(self, label: str, ids: pd.Series) -> None:
        """Remember that nodes are written, if anyone will ask."""
        if self._may_be_missing(label):
            self._written.setdefault(label, HashSet()).add(hashes(ids))

    def _imply(self, batch: Batch, label: str, ids: pd.Series) -> None:
        """Bring along the nodes that have no source, or whose row comes later."""
        if not self._may_be_missing(label):
            return
        node = self._mapping.nodes[label]
        new = ids[self._written.setdefault(label, HashSet()).add(hashes(ids))]
        batch.nodes.setdefault(label, []).extend(
            (
                int(row),
                NodeRow(id=external, properties={} if node.source else implied_properties(external, node)),
            )
            for row, external in zip(new.index, new, strict=True)
        )

    def _may_be_missing(self, label: str) -> bool:
        """Whether a relation may name a node of this label that is not written yet."""
        source = self._mapping.nodes[label].source
        if source is None:
            return True
        order = list(self._verdicts)
        return any(
            order.index(name) <= order.index(source)
            for name, verdict in self._verdicts.items()
            for edges in verdict.use.edges
            for end, column in zip(edges.labels, edges.columns, strict=True)
            if end == label and not verdict.use.own_end(label, column)
        )


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _numbers(frame: pd.DataFrame, counts: FileCounts) -> Any:
    return frame.index.to_numpy("int64") + counts.before


def _first_said(frame: pd.DataFrame, verdict: Verdict, counts: FileCounts, name: str) -> pd.DataFrame:
    """The rows that no other row repeats or replaces, as far as a label or type goes."""
    repeated = verdict.repeated.get(name)
    return frame if repeated is None else frame[~in_sorted(_numbers(frame, counts), repeated)]


def _relation_rows(frame: pd.DataFrame, pairs: pd.DataFrame, edges: Edges) -> list[tuple[int, RelationRow]]:
    if edges.interaction is not None:
        about = event_properties(frame, edges.interaction)
    else:
        pairs = pairs[~pairs.duplicated()]
        about = [{} for _ in range(len(pairs))]
    return [
        (int(row), RelationRow(head=head, tail=tail, properties=properties))
        for row, head, tail, properties in zip(
            pairs.index, pairs["head"].tolist(), pairs["tail"].tolist(), about, strict=True
        )
    ]


def _parts(frame: pd.DataFrame, verdict: Verdict, last: int) -> Iterator[tuple[pd.DataFrame, int]]:
    """Rows in parts with at most `BATCH_EDGES` relations each, and the number up to which each part goes."""
    if frame.empty:
        return
    weights = pd.Series(0, index=frame.index)
    for edges in verdict.use.edges:
        weights = weights.add(ends(frame, edges).index.value_counts(), fill_value=0)
    part = (weights.reindex(frame.index).cumsum() - 1).clip(lower=0) // BATCH_EDGES
    if part.iloc[-1] == part.iloc[0]:
        yield frame, last
        return
    for number in part.unique():
        rows = frame[part == number]
        yield rows, last if number == part.iloc[-1] else int(rows.index[-1])
