"""Exports a graph as RecBole's atomic files (https://recbole.io/docs/user_guide/data/atomic_files.html).

    films.inter    user_id, item_id, rating, timestamp; and type, if the graph has several interaction types
    films.user     user_id, and the users' properties
    films.item     item_id, and the items' properties
    films.kg       head_id, relation_id, tail_id: the facts that join items and entities
    films.link     item_id, entity_id: the items' entity ids in the .kg file

The data set has the name of the folder. The id of an entity is `Label:id`, unique over all labels.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kg.errors import DataError
from kg.exports.tables import Exported, GraphTables, Kind, Table, read_tables, total, whole_folder
from kg.names import is_name
from kg.progress import Report, silent
from kg.store.store import ReadStore
from kg.store.stored_values import event_time, event_value


def export_recbole(store: ReadStore, target: Path, report: Report = silent) -> Exported:
    """Write the folder atomically.

    Raises:
        UsageError: `target` exists and is not an empty folder, or cannot be written.
        GraphError: the graph changed during the export, or is empty.
        DataError: an id contains a tab or a line break, a header cannot hold the name of a property, or an
            event has a value or time that is none.
    """
    with whole_folder(target) as folder:
        tables = read_tables(store, report)
        run = _Run(store, tables, folder / target.absolute().name, report)
        run.side("user", tables.schema.user.label)
        run.side("item", tables.schema.item.label)
        run.events()
        run.facts()
        run.links()
        tables.check(store)
    return Exported(target, total(tables.nodes, run.rows), total(tables.relations, run.rows), run.notes())


class _Run:
    """The state of one export: the tables to read and the folder to write."""

    def __init__(self, store: ReadStore, tables: GraphTables, stem: Path, report: Report) -> None:
        self._store, self._tables, self._stem, self._report = store, tables, stem, report
        self.rows = {x.name: 0 for x in (*tables.nodes, *tables.relations)}

    def side(self, kind: str, label: str) -> None:
        """Write the users or the items, with their properties."""
        table = next(x for x in self._tables.nodes if x.name == label)
        for name in table.columns:
            if not is_name(name):
                raise DataError(f"{label}: the property {name!r} cannot stand in a header; rename it")
        header = [f"{kind}_id:token", *(f"{name}:{_type(of)}" for name, of in table.columns.items())]
        kinds = list(table.columns.values())
        self._write(kind, header, ([_id(key), *map(_cell, held, kinds)] for key, *held in self._read(table)))

    def events(self) -> None:
        """Write the interactions, one row per event."""
        names = {x.type for x in self._tables.schema.interactions}
        found = [x for x in self._tables.relations if x.name in names]
        several = len(found) > 1
        kinds = ["type:token"] if several else []
        header = ["user_id:token", "item_id:token", *kinds, "rating:float", "timestamp:float"]
        self._write("inter", header, (row for table in found for row in self._events(table, several)))

    def _events(self, table: Table, several: bool) -> Iterator[list[str]]:
        names = list(table.columns)
        for user, item, *values in self._read(table):
            held = dict(zip(names, values, strict=True))
            value = held.get("value")
            rating = 1.0 if value is None else event_value(table.name, user, item, value)
            rated = [_plain(rating), _plain(event_time(table.name, user, item, held.get("time")))]
            yield [_id(user), _id(item), *([table.name] if several else []), *rated]

    def facts(self) -> None:
        """Write the facts between items and entities."""
        header = ["head_id:token", "relation_id:token", "tail_id:token"]
        self._write(
            "kg",
            header,
            (
                [_entity(table.ends[0], row[0]), table.name, _entity(table.ends[1], row[1])]
                for table in self._facts()
                if table.ends
                for row in self._read(table)
            ),
        )

    def links(self) -> None:
        """Write the entity id of each item."""
        label = self._tables.schema.item.label
        ids = (x for batch in self._store.scan_nodes(label) for x, _ in batch)
        self._write("link", ["item_id:token", "entity_id:token"], ([_id(x), _entity(label, x)] for x in ids))

    def notes(self) -> tuple[str, ...]:
        """Messages about content that these files cannot represent."""
        schema = self._tables.schema
        facts = {x.name for x in self._facts()} | {x.type for x in schema.interactions}
        left = [x.name for x in self._tables.relations if x.name not in facts]
        notes = [f"{', '.join(left)} left out: RecBole has no facts about users"] if left else []
        return (*notes, "of entities only the ids are written: RecBole has no place for their properties")

    def _facts(self) -> list[Table]:
        schema = self._tables.schema
        names = {x.type for x in schema.relations if schema.user.label not in (x.head, x.tail)}
        return [x for x in self._tables.relations if x.name in names]

    def _read(self, table: Table) -> Iterator[tuple[Any, ...]]:
        for batch in table.batches(self._store):
            yield from batch
            self.rows[table.name] += len(batch)
            self._report(table.name, self.rows[table.name], None)
        self._report(table.name, self.rows[table.name], self.rows[table.name])

    def _write(self, ending: str, header: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
        path = self._stem.with_name(f"{self._stem.name}.{ending}")
        with path.open("w", encoding="utf-8", newline="") as file:
            # RecBole reads with pandas, which takes a cell that begins with " for a quoted cell
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)


def _type(kind: Kind) -> str:
    if kind.one == "text":
        return "token_seq"
    one = "token" if kind.one == "boolean" else "float"
    return f"{one}_seq" if kind.many else one


def _cell(value: Any, kind: Kind) -> str:
    """The text of a cell; in a token sequence, blanks within a text become _, so that it stays one token."""
    if kind.many:
        return " ".join(re.sub(r"\s+", "_", _plain(x).strip()) for x in value or ())
    return _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _entity(label: str, external: str) -> str:
    return f"{label}:{_id(external)}"


def _id(external: str) -> str:
    if re.search(r"[\t\r\n]", external):
        raise DataError(f"the id {external!r} cannot stand in a file of columns between tabs; rename it")
    return external
