"""Validates all rows before the first is written: values, references, duplicate ids.

Sources that define nodes are read first; their references are resolved after all of them are read, because
rejecting a row removes its node, so the rows that refer to this node are rejected too, and so on. The other
sources are checked while they are read. Validation keeps 16 to 40 bytes of hashes and numbers per row.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from kg.graph import HashArray
from kg.ingestion.checks import LONGEST_VALUE, RowChecks
from kg.ingestion.chunks import Problem
from kg.ingestion.dangling import dangling_reasons
from kg.ingestion.hashes import Growing, combined, hashes, in_sorted, repeats, starts
from kg.ingestion.mapping import Mapping
from kg.ingestion.read_state import FileCounts, FoundLater, ReadState, Reference, Validation, ValidationResult
from kg.ingestion.rows import Edges, SourceUse, ends, node_contents, node_ids, use_of
from kg.ingestion.sources import Table
from kg.ingestion.suspicions import Suspicions
from kg.progress import Report, silent
from kg.shown import shortened

Sink = Callable[[Table, Problem], None]
"""Called once for every rejected row."""


def validate(
    mapping: Mapping,
    tables: dict[str, list[Table]],
    sink: Sink,
    max_errors: int | None = None,
    report: Report = silent,
    now: float = 0.0,
) -> Validation:
    """Read all files and call `sink` for each rejected row; stop after more than `max_errors` of them.

    Times later than `now` (epoch seconds) are in the future.

    Raises:
        DataError: a file cannot be read to its end.
    """
    uses = {name: use_of(mapping, name) for name in writing_order(mapping)}
    validator = Validator(mapping, sink, max_errors, report, now)
    try:
        for bringing_nodes in (True, False):
            for name, use in uses.items():
                if bool(use.nodes) == bringing_nodes:
                    validator.read(name, use, tables[name], resolved=not bringing_nodes)
            if bringing_nodes:
                validator.resolve()
        validator.find_repeated()
    except _TooManyRejectedError:
        return Validation(validator.results(uses), validator.warnings(), stopped=True)
    return Validation(validator.results(uses), validator.warnings(), stopped=False)


def writing_order(mapping: Mapping) -> list[str]:
    """The sources; those that define nodes precede those that refer to them, except in cycles."""
    left = list(mapping.sources)
    uses = {name: use_of(mapping, name) for name in left}
    order: list[str] = []
    while left:
        free = (name for name in left if not _needs(mapping, uses[name], left) - {name})
        order.append(next(free, left[0]))
        left.remove(order[-1])
    return order


def _needs(mapping: Mapping, use: SourceUse, among: list[str]) -> set[str]:
    """The sources whose nodes a source refers to."""
    sources = {mapping.nodes[label].source for edges in use.edges for label in edges.labels}
    return {name for name in among if name in sources}


class _TooManyRejectedError(Exception):
    pass


class Validator:
    """Reads the sources of one mapping, then resolves their references."""

    def __init__(
        self, mapping: Mapping, sink: Sink, max_errors: int | None, report: Report, now: float
    ) -> None:
        self._mapping = mapping
        self._sink = sink
        self._max_errors = max_errors
        self._report = report
        self._now = now
        self._suspicions = Suspicions(mapping, now)
        self._errors = 0
        self._read: dict[str, ReadState] = {}
        self._ids: dict[str, HashArray] = {}
        """By label with a source, the sorted hashes of the accepted ids; set after the label is resolved."""

    def results(self, uses: dict[str, SourceUse]) -> dict[str, ValidationResult]:
        """The results in writing order; a source that was not read has no files."""
        return {
            name: self._read[name].result if name in self._read else ValidationResult(u)
            for name, u in uses.items()
        }

    def warnings(self) -> tuple[str, ...]:
        """Warnings about what was read so far."""
        return tuple(self._suspicions.warnings())

    def read(self, name: str, use: SourceUse, tables: list[Table], resolved: bool) -> None:
        """Read one source; if `resolved`, all nodes are known and its references are checked at once."""
        source = self._read[name] = ReadState(name, ValidationResult(use))
        source.nodes = {label: (Growing(), Growing(), Growing("q")) for label, _ in use.nodes}
        source.events = {e.kind: (Growing(), Growing("q")) for e in use.edges if e.interaction}
        source.references = [Reference(edges, end) for edges, end in self._foreign_ends(use)]
        stage, before = f"check {name}", 0
        self._report(stage, 0, None)
        for table in tables:
            counts = FileCounts(table, before)
            source.result.files.append(counts)
            began = time.perf_counter()
            for chunk in table.chunks(list(use.columns)):
                checks = RowChecks(chunk.frame, use, self._now)
                refused = checks.run()
                counts.read += len(chunk.frame) + len(chunk.unreadable)
                self._report_rejected(source, counts, [*chunk.unreadable, *refused.problems])
                frame = chunk.frame[~refused.bad]
                if resolved:
                    frame = self._check_references(source, counts, frame)
                self._keep_hashes(source, frame, before)
                for kind, events in checks.events.items():
                    self._suspicions.see_events(kind, frame, events)
                counts.seconds += time.perf_counter() - began
                self._report(stage, before + counts.read, None)
                self._stop_if_too_many()
                began = time.perf_counter()
            before += counts.read
        self._report(stage, before, before)
        source.collect_rejected()

    def _foreign_ends(self, use: SourceUse) -> Iterator[tuple[Edges, int]]:
        """The ends of relations whose nodes other rows must define."""
        for edges in use.edges:
            for end, (label, column) in enumerate(zip(edges.labels, edges.columns, strict=True)):
                if self._mapping.nodes[label].source is not None and not use.own_end(label, column):
                    yield edges, end

    def _check_references(self, source: ReadState, counts: FileCounts, frame: pd.DataFrame) -> pd.DataFrame:
        for reference in source.references:
            edges, end = reference.edges, reference.end
            ids = ends(frame, edges)["head" if end == 0 else "tail"]
            unknown = ids[~in_sorted(hashes(ids), self._ids[edges.labels[end]])]
            unknown = unknown[~unknown.index.duplicated()]
            problems = [
                Problem(int(row), edges.columns[end], shortened(x, LONGEST_VALUE), reason)
                for row, x, reason in zip(
                    unknown.index, unknown, self._dangling(edges.labels[end], unknown), strict=True
                )
            ]
            self._report_rejected(source, counts, problems)
            frame = frame[~frame.index.isin(unknown.index)]
        return frame

    def _keep_hashes(self, source: ReadState, frame: pd.DataFrame, before: int) -> None:
        rows = frame.index.to_numpy(np.int64) + before
        for label, node in source.result.use.nodes:
            ids, contents, numbers = source.nodes[label]
            given = node_ids(frame, node, source.result.use.source)
            hashed = hashes(given)
            ids.add(hashed)
            self._suspicions.see_ids(label, given, hashed)
            every = node_contents(frame, node, source.result.use.source)
            contents.add(combined((hashes(x) for x in every), len(frame)))
            numbers.add(rows)
        for edges in source.result.use.edges:
            kept = [r for r in source.references if r.edges is edges] if source.nodes else []
            pairs = ends(frame, edges)
            both = [hashes(pairs[end]) for end in ("head", "tail")]
            for label, end, hashed in zip(edges.labels, pairs, both, strict=True):
                if self._mapping.nodes[label].source is None:
                    self._suspicions.see_ids(label, pairs[end], hashed)
            numbered = pairs.index.to_numpy(np.int64) + before
            for reference in kept:
                reference.ids.add(both[reference.end])
                reference.rows.add(numbered)
            if edges.interaction is not None:
                events, numbers = source.events[edges.kind]
                events.add(combined(both, len(pairs)))
                numbers.add(numbered)

    def resolve(self) -> None:
        """Reject rows that contradict other rows or refer to rejected ones, until no more are found."""
        found_later: dict[str, dict[int, FoundLater]] = {name: {} for name in self._read}
        for source in self._read.values():
            for label, node in source.result.use.nodes:
                for row, first in self._conflicts(source, label):
                    reason = f"{first} says otherwise of this {label}; make both alike or remove one"
                    found_later[source.name].setdefault(row, FoundLater(node.id.column, label, reason))
            source.reject(np.array(list(found_later[source.name]), np.int64))
            self._resolve_ids(source)
        while any(self._drop_dangling(source, found_later[source.name]) for source in self._read.values()):
            pass
        for source in self._read.values():
            self._report_found_later(source, found_later[source.name])
            source.references = []

    def _conflicts(self, source: ReadState, label: str) -> Iterator[tuple[int, str]]:
        """Rows whose properties for an id differ from those of its first row, and the place of that row."""
        ids, contents, rows = (numbers.all() for numbers in source.nodes[label])
        order = np.argsort(ids, kind="stable")
        first = starts(ids[order])
        group = np.cumsum(first) - 1
        firsts = order[first]
        differs = contents[order] != contents[firsts][group]
        for place, first in zip(order[differs], firsts[group[differs]], strict=True):
            counts = _file_of(source, int(rows[first]))
            yield int(rows[place]), f"row {int(rows[first]) - counts.before} of {counts.table.path.name}"

    def _resolve_ids(self, source: ReadState) -> None:
        rejected = source.collect_rejected()
        for label, (ids, _, rows) in source.nodes.items():
            self._ids[label] = np.unique(ids.all()[~in_sorted(rows.all(), rejected)]).astype(np.uint64)

    def _drop_dangling(self, source: ReadState, found_later: dict[int, FoundLater]) -> bool:
        """Reject the rows that refer to no accepted node; return whether any was rejected."""
        newly_rejected: dict[int, FoundLater] = {}
        for reference in source.references:
            label, column = reference.edges.labels[reference.end], reference.edges.columns[reference.end]
            rows = reference.rows.all()
            accepted = ~in_sorted(rows, source.result.rejected)
            dangling = rows[accepted & ~in_sorted(reference.ids.all(), self._ids[label])]
            newly_rejected |= {
                int(row): FoundLater(column, label) for row in dangling if int(row) not in newly_rejected
            }
        if newly_rejected:
            found_later |= newly_rejected
            source.reject(np.array(list(newly_rejected), np.int64))
            self._resolve_ids(source)
        return bool(newly_rejected)

    def _dangling(self, label: str, ids: pd.Series) -> list[str]:
        return dangling_reasons(label, self._mapping.nodes[label], self._ids[label], ids)

    def _report_found_later(self, source: ReadState, found_later: dict[int, FoundLater]) -> None:
        """Report the rows rejected after they were read; the files are read again for their values."""
        if not found_later:
            return
        columns = list({later.column for later in found_later.values()})
        rows = np.array(sorted(found_later), np.int64)
        for counts in source.result.files:
            for chunk in counts.table.chunks(columns):
                numbers = chunk.frame.index.to_numpy(np.int64) + counts.before
                frame = chunk.frame[in_sorted(numbers, rows)]
                laters = [found_later[int(row) + counts.before] for row in frame.index]
                self._report_rejected(source, counts, self._later_problems(frame, laters), refused=True)
                self._stop_if_too_many()

    def _later_problems(self, frame: pd.DataFrame, laters: list[FoundLater]) -> list[Problem]:
        """The problems of these rows, each with the value of its column."""
        found = pd.DataFrame(
            {
                "column": [later.column for later in laters],
                "label": [later.label for later in laters],
                "reason": [later.conflict or "" for later in laters],
                "value": [
                    _shown(frame.at[row, x.column]) for row, x in zip(frame.index, laters, strict=True)
                ],
            },
            index=frame.index,
        )
        for label, some in found[found["reason"] == ""].groupby("label"):
            found.loc[some.index, "reason"] = self._dangling(str(label), some["value"])
        return [
            Problem(int(row), x["column"], shortened(x["value"], LONGEST_VALUE), x["reason"])
            for row, x in zip(found.index, found.to_dict("records"), strict=True)
        ]

    def find_repeated(self) -> None:
        """Record rows not to write: an earlier row defines the node, or a later one replaces the event."""
        for source in self._read.values():
            rejected, repeated = source.result.rejected, source.result.repeated
            for label, (ids, _, rows) in source.nodes.items():
                repeated[label] = repeats(ids, rows, rejected, keep_first=True)
            for kind, (pairs, rows) in source.events.items():
                repeated[kind] = repeats(pairs, rows, rejected, keep_first=False)
            source.nodes, source.events = {}, {}

    def _report_rejected(
        self, source: ReadState, counts: FileCounts, problems: list[Problem], refused: bool = False
    ) -> None:
        for problem in sorted(problems, key=lambda x: x.row):
            self._sink(counts.table, problem)
        counts.rejected += len(problems)
        self._errors += len(problems)
        if problems and not refused:
            source.reject(np.array([x.row for x in problems], np.int64) + counts.before)

    def _stop_if_too_many(self) -> None:
        if self._max_errors is not None and self._errors > self._max_errors:
            raise _TooManyRejectedError


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _file_of(source: ReadState, row: int) -> FileCounts:
    return next(counts for counts in reversed(source.result.files) if counts.before < row)
