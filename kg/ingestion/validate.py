"""All rows checked before the first is written: values, references, ids given twice.

Sources that bring nodes are read first and judged at the end, because a row that is rejected takes its node
along, and so may leave others dangling; the rest is judged while it is read. What is kept of a row is 16 to
40 bytes of hashes and numbers. Rows are numbered through all files of a source.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from kg.graph import BoolArray, HashArray, IntArray
from kg.ingestion.chunks import Problem
from kg.ingestion.hashes import Growing, combined, hashes, in_sorted
from kg.ingestion.mapping import Mapping
from kg.ingestion.rows import Edges, SourceUse, check, ends, flat, said_of, shortened, use_of
from kg.ingestion.sources import Table
from kg.progress import Report, silent

Sink = Callable[[Table, Problem], None]
"""Told of every rejected row, once."""


@dataclass
class FileCounts:
    """One file of a source, as far as it was checked; `before` is how many rows the files before it have."""

    table: Table
    before: int
    read: int = 0
    rejected: int = 0
    seconds: float = 0.0


@dataclass
class Verdict:
    """What is to be written of one source."""

    use: SourceUse
    files: list[FileCounts] = field(default_factory=list)
    rejected: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """The numbers of the rejected rows, sorted."""
    repeated: dict[str, IntArray] = field(default_factory=dict)
    """By label, rows whose node an earlier row brings; by type, rows whose event a later row replaces."""


@dataclass(frozen=True)
class Validation:
    """The verdict on each source, in the order in which they are to be written."""

    sources: dict[str, Verdict]
    stopped: bool
    """Whether there were more errors than allowed; then what was read is all that was judged."""


def validate(
    mapping: Mapping,
    tables: dict[str, list[Table]],
    sink: Sink,
    max_errors: int | None = None,
    report: Report = silent,
) -> Validation:
    """Read everything and tell `sink` of each row that is rejected; stops after more than `max_errors`.

    Raises:
        DataError: a file cannot be read to its end.
    """
    uses = {name: use_of(mapping, name) for name in writing_order(mapping)}
    work = _Work(mapping, sink, max_errors, report)
    try:
        for bringing_nodes in (True, False):
            for name, use in uses.items():
                if bool(use.nodes) == bringing_nodes:
                    work.read(name, use, tables[name], settled=not bringing_nodes)
            if bringing_nodes:
                work.settle()
        work.find_repeated()
    except _TooManyRejectedError:
        return Validation(work.verdicts(uses), stopped=True)
    return Validation(work.verdicts(uses), stopped=False)


def writing_order(mapping: Mapping) -> list[str]:
    """The sources, those that bring nodes before those that refer to them, as far as that can be."""
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


@dataclass
class _Reference:
    """One end of a relation, as far as its nodes come from a source that is not settled."""

    edges: Edges
    end: int
    ids: Growing = field(default_factory=Growing)
    rows: Growing = field(default_factory=lambda: Growing("q"))


@dataclass
class _Read:
    """What is kept of the rows of one source."""

    name: str
    verdict: Verdict
    rejected: Growing = field(default_factory=lambda: Growing("q"))
    nodes: dict[str, tuple[Growing, Growing, Growing]] = field(default_factory=dict)
    """By label: id, what is said, row."""
    references: list[_Reference] = field(default_factory=list)
    events: dict[str, tuple[Growing, Growing]] = field(default_factory=dict)
    """By type: the pair, row."""

    def refuse(self, rows: IntArray) -> None:
        self.rejected.add(rows.astype(np.int64))

    def settle_rows(self) -> IntArray:
        """The rejected rows so far, sorted."""
        self.verdict.rejected = np.unique(self.rejected.all()).astype(np.int64)
        return self.verdict.rejected


class _Work:
    """One validation under way."""

    def __init__(self, mapping: Mapping, sink: Sink, max_errors: int | None, report: Report) -> None:
        self._mapping = mapping
        self._sink = sink
        self._max_errors = max_errors
        self._report = report
        self._errors = 0
        self._read: dict[str, _Read] = {}
        self._ids: dict[str, HashArray] = {}
        """The ids of each label that has a source, sorted, once they are settled."""

    def verdicts(self, uses: dict[str, SourceUse]) -> dict[str, Verdict]:
        """In the order in which sources are written; those not read have no files."""
        return {
            name: self._read[name].verdict if name in self._read else Verdict(u) for name, u in uses.items()
        }

    def read(self, name: str, use: SourceUse, tables: list[Table], settled: bool) -> None:
        """Read one source; with `settled` its references can be judged at once."""
        source = self._read[name] = _Read(name, Verdict(use))
        source.nodes = {label: (Growing(), Growing(), Growing("q")) for label, _ in use.nodes}
        source.events = {e.kind: (Growing(), Growing("q")) for e in use.edges if e.interaction}
        source.references = [_Reference(edges, end) for edges, end in self._foreign_ends(use)]
        stage, before = f"check {name}", 0
        self._report(stage, 0, None)
        for table in tables:
            counts = FileCounts(table, before)
            source.verdict.files.append(counts)
            began = time.perf_counter()
            for chunk in table.chunks(list(use.columns)):
                refused = check(chunk.frame, use)
                counts.read += len(chunk.frame) + len(chunk.unreadable)
                self._tell(source, counts, [*chunk.unreadable, *refused.problems])
                frame = chunk.frame[~refused.bad]
                if settled:
                    frame = self._judge_references(source, counts, frame)
                self._keep(source, frame, before)
                counts.seconds += time.perf_counter() - began
                self._report(stage, before + counts.read, None)
                self._stop_if_too_many()
                began = time.perf_counter()
            before += counts.read
        self._report(stage, before, before)
        source.settle_rows()

    def _foreign_ends(self, use: SourceUse) -> Iterator[tuple[Edges, int]]:
        """The ends of relations whose nodes have to come from other rows."""
        for edges in use.edges:
            for end, (label, column) in enumerate(zip(edges.labels, edges.columns, strict=True)):
                if self._mapping.nodes[label].source is not None and not use.own_end(label, column):
                    yield edges, end

    def _judge_references(self, source: _Read, counts: FileCounts, frame: pd.DataFrame) -> pd.DataFrame:
        for reference in source.references:
            edges, end = reference.edges, reference.end
            ids = ends(frame, edges)["head" if end == 0 else "tail"]
            unknown = ids[~in_sorted(hashes(ids), self._ids[edges.labels[end]])]
            unknown = unknown[~unknown.index.duplicated()]
            reason = self._dangling(edges.labels[end])
            self._tell(
                source,
                counts,
                [
                    Problem(int(row), edges.columns[end], shortened(x), reason)
                    for row, x in zip(unknown.index, unknown, strict=True)
                ],
            )
            frame = frame[~frame.index.isin(unknown.index)]
        return frame

    def _keep(self, source: _Read, frame: pd.DataFrame, before: int) -> None:
        rows = frame.index.to_numpy(np.int64) + before
        for label, node in source.verdict.use.nodes:
            ids, said, numbers = source.nodes[label]
            ids.add(hashes(flat(frame[node.id])))
            said.add(combined((hashes(x) for x in said_of(frame, node)), len(frame)))
            numbers.add(rows)
        for edges in source.verdict.use.edges:
            kept = [r for r in source.references if r.edges is edges] if source.nodes else []
            if edges.interaction is None and not kept:
                continue
            pairs = ends(frame, edges)
            both = [hashes(pairs[end]) for end in ("head", "tail")]
            numbered = pairs.index.to_numpy(np.int64) + before
            for reference in kept:
                reference.ids.add(both[reference.end])
                reference.rows.add(numbered)
            if edges.interaction is not None:
                events, numbers = source.events[edges.kind]
                events.add(combined(both, len(pairs)))
                numbers.add(numbered)

    def settle(self) -> None:
        """Judge what hangs on other rows of the sources that bring nodes, until nothing more falls."""
        late: dict[str, dict[int, tuple[str, str]]] = {name: {} for name in self._read}
        for source in self._read.values():
            for label, node in source.verdict.use.nodes:
                for row, first in self._conflicts(source, label):
                    reason = f"{first} says otherwise of this {label}"
                    late[source.name].setdefault(row, (node.id, reason))
            source.refuse(np.array(list(late[source.name]), np.int64))
            self._settle_ids(source)
        while any(self._drop_dangling(source, late[source.name]) for source in self._read.values()):
            pass
        for source in self._read.values():
            self._tell_late(source, late[source.name])
            source.references = []

    def _conflicts(self, source: _Read, label: str) -> Iterator[tuple[int, str]]:
        """Rows that give a node's id other properties than the first that has it, and where that is."""
        ids, said, rows = (numbers.all() for numbers in source.nodes[label])
        order = np.argsort(ids, kind="stable")
        starts = _starts(ids[order])
        group = np.cumsum(starts) - 1
        firsts = order[starts]
        differs = said[order] != said[firsts][group]
        for place, first in zip(order[differs], firsts[group[differs]], strict=True):
            counts = _file_of(source, int(rows[first]))
            yield int(rows[place]), f"row {int(rows[first]) - counts.before} of {counts.table.path.name}"

    def _settle_ids(self, source: _Read) -> None:
        rejected = source.settle_rows()
        for label, (ids, _, rows) in source.nodes.items():
            self._ids[label] = np.unique(ids.all()[~in_sorted(rows.all(), rejected)]).astype(np.uint64)

    def _drop_dangling(self, source: _Read, late: dict[int, tuple[str, str]]) -> bool:
        """Reject the rows that refer to nothing; whether there were any."""
        fallen: dict[int, tuple[str, str]] = {}
        for reference in source.references:
            label, column = reference.edges.labels[reference.end], reference.edges.columns[reference.end]
            rows = reference.rows.all()
            alive = ~in_sorted(rows, source.verdict.rejected)
            dangling = rows[alive & ~in_sorted(reference.ids.all(), self._ids[label])]
            fallen |= {
                int(row): (column, self._dangling(label)) for row in dangling if int(row) not in fallen
            }
        if fallen:
            late |= fallen
            source.refuse(np.array(list(fallen), np.int64))
            self._settle_ids(source)
        return bool(fallen)

    def _dangling(self, label: str) -> str:
        return f"is the id of no {label}; add it to {self._mapping.nodes[label].source} or remove the row"

    def _tell_late(self, source: _Read, late: dict[int, tuple[str, str]]) -> None:
        """Tell of rows that fell after they were read; the files are read again for their values."""
        if not late:
            return
        columns = list({column for column, _ in late.values()})
        rows = np.array(sorted(late), np.int64)
        for counts in source.verdict.files:
            for chunk in counts.table.chunks(columns):
                numbers = chunk.frame.index.to_numpy(np.int64) + counts.before
                frame = chunk.frame[in_sorted(numbers, rows)]
                told = []
                for row in frame.index:
                    column, reason = late[int(row) + counts.before]
                    value = _shown(frame.at[row, column])
                    told.append(Problem(int(row), column, shortened(value), reason))
                self._tell(source, counts, told, refused=True)
                self._stop_if_too_many()

    def find_repeated(self) -> None:
        """Note which rows need not be written, because others say the same, or later ones replace them."""
        for source in self._read.values():
            rejected, repeated = source.verdict.rejected, source.verdict.repeated
            for label, (ids, _, rows) in source.nodes.items():
                repeated[label] = _repeats(ids, rows, rejected, keep_first=True)
            for kind, (pairs, rows) in source.events.items():
                repeated[kind] = _repeats(pairs, rows, rejected, keep_first=False)
            source.nodes, source.events = {}, {}

    def _tell(
        self, source: _Read, counts: FileCounts, problems: list[Problem], refused: bool = False
    ) -> None:
        for problem in sorted(problems, key=lambda x: x.row):
            self._sink(counts.table, problem)
        counts.rejected += len(problems)
        self._errors += len(problems)
        if problems and not refused:
            source.refuse(np.array([x.row for x in problems], np.int64) + counts.before)

    def _stop_if_too_many(self) -> None:
        if self._max_errors is not None and self._errors > self._max_errors:
            raise _TooManyRejectedError


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _file_of(source: _Read, row: int) -> FileCounts:
    return next(counts for counts in reversed(source.verdict.files) if counts.before < row)


def _starts(ordered: HashArray) -> BoolArray:
    """Where a new value begins."""
    starts = np.ones(len(ordered), bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    return starts


def _repeats(keys: Growing, rows: Growing, rejected: IntArray, keep_first: bool) -> IntArray:
    """The rows, sorted, whose key another row has too: all but the first, or all but the last."""
    numbers = rows.all()
    alive = ~in_sorted(numbers, rejected)
    numbers = numbers[alive]
    ids = keys.all()[alive]
    order = np.argsort(ids, kind="stable")
    same = ~_starts(ids[order])[1:]
    return np.sort(numbers[order[1:][same] if keep_first else order[:-1][same]]).astype(np.int64)
