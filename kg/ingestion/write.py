"""Writes the rows that passed validation, file by file, in batches of one transaction each."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from kg.errors import DataError
from kg.ingestion.hashes import HashSet, hashes, in_sorted
from kg.ingestion.mapping import Mapping
from kg.ingestion.read_state import FileCounts, Validation, ValidationResult
from kg.ingestion.report import SourceReport
from kg.ingestion.rows import Edges, ends, event_properties, implied_properties, node_ids, node_properties
from kg.ingestion.runs import Batch, RunWriter
from kg.progress import Report
from kg.store.records import NodeRow, RelationRow

BATCH_EDGES = 10_000
"""The maximum number of relations per batch; a row with more relations is a batch of its own."""


class GraphWriter:
    """The second phase of an ingestion: writes the rows that passed validation to the graph."""

    def __init__(
        self, mapping: Mapping, validation: Validation, writer: RunWriter, folder: Path, report: Report
    ) -> None:
        self._mapping = mapping
        self._results = validation.sources
        self._writer = writer
        self._folder = folder
        self._report = report
        self._written: dict[str, HashSet] = {}
        """The hashes of written ids, for labels whose nodes a relation may name before their own row."""

    def write(self, name: str) -> Iterator[SourceReport]:
        """Write one source, file by file."""
        for counts in self._results[name].files:
            began = time.perf_counter()
            place = f"{name} {_relative(counts.table.path, self._folder)}"
            self._report(f"write {place}", 0, counts.read)
            self._write_file(self._results[name], counts, place)
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

    def _write_file(self, result: ValidationResult, counts: FileCounts, place: str) -> None:
        start = self._writer.checkpoint(place).rows
        for chunk in counts.table.chunks(list(result.use.columns)):
            frame = chunk.frame[chunk.frame.index > start]
            rejected = in_sorted(_numbers(frame, counts), result.rejected)
            for part, last in _parts(frame[~rejected], result, chunk.last):
                self._writer.write(self._batch(part, result, counts), place, last, len(part))
                if last < counts.read:  # the stage ends when all is written, rejected rows included
                    self._report(f"write {place}", last, counts.read)

    def _batch(self, frame: pd.DataFrame, result: ValidationResult, counts: FileCounts) -> Batch:
        batch = Batch()
        for label, node in result.use.nodes:
            some = _not_repeated(frame, result, counts, label)
            ids = node_ids(some, node, result.use.source)
            self._note(label, ids)
            batch.nodes[label] = [
                (int(row), NodeRow(id=external, properties=properties))
                for row, external, properties in zip(
                    some.index, ids.tolist(), node_properties(some, node, result.use.source), strict=True
                )
            ]
        for edges in result.use.edges:
            some = _not_repeated(frame, result, counts, edges.kind)
            pairs = ends(some, edges)
            for label, end in zip(edges.labels, ("head", "tail"), strict=True):
                self._imply(batch, label, pairs[end])
            batch.relations[edges.kind] = _relation_rows(some, pairs, edges)
        return batch

    def _note(self, label: str, ids: pd.Series) -> None:
        """Record the ids of written nodes, if a relation may name nodes of the label before their own row."""
        if self._may_be_missing(label):
            self._written.setdefault(label, HashSet()).add(hashes(ids))

    def _imply(self, batch: Batch, label: str, ids: pd.Series) -> None:
        """Add the named nodes that have no source, or whose own row comes later."""
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
        """Whether a relation may name a node of this label before the node is written."""
        source = self._mapping.nodes[label].source
        if source is None:
            return True
        order = list(self._results)
        return any(
            order.index(name) <= order.index(source)
            for name, result in self._results.items()
            for edges in result.use.edges
            for end, column in zip(edges.labels, edges.columns, strict=True)
            if end == label and not result.use.own_end(label, column)
        )


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _numbers(frame: pd.DataFrame, counts: FileCounts) -> Any:
    return frame.index.to_numpy("int64") + counts.before


def _not_repeated(
    frame: pd.DataFrame, result: ValidationResult, counts: FileCounts, name: str
) -> pd.DataFrame:
    """The rows that no other row repeats or replaces, for one label or type."""
    repeated = result.repeated.get(name)
    return frame if repeated is None else frame[~in_sorted(_numbers(frame, counts), repeated)]


def _relation_rows(frame: pd.DataFrame, pairs: pd.DataFrame, edges: Edges) -> list[tuple[int, RelationRow]]:
    if edges.interaction is not None:
        about = event_properties(frame, edges.interaction, edges.source)
    else:
        pairs = pairs[~pairs.duplicated()]
        about = [{} for _ in range(len(pairs))]
    return [
        (int(row), RelationRow(head=head, tail=tail, properties=properties))
        for row, head, tail, properties in zip(
            pairs.index, pairs["head"].tolist(), pairs["tail"].tolist(), about, strict=True
        )
    ]


def _parts(frame: pd.DataFrame, result: ValidationResult, last: int) -> Iterator[tuple[pd.DataFrame, int]]:
    """Split rows into parts of at most `BATCH_EDGES` relations; yields each part and its last row number."""
    if frame.empty:
        return
    weights = pd.Series(0, index=frame.index)
    for edges in result.use.edges:
        weights = weights.add(ends(frame, edges).index.value_counts(), fill_value=0)
    part = (weights.reindex(frame.index).cumsum() - 1).clip(lower=0) // BATCH_EDGES
    if part.iloc[-1] == part.iloc[0]:
        yield frame, last
        return
    for number in part.unique():
        rows = frame[part == number]
        yield rows, last if number == part.iloc[-1] else int(rows.index[-1])
