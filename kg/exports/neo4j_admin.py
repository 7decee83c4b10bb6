"""Exports a graph as CSV files for `neo4j-admin database import full`, with a script that imports them.

    Movie.nodes.csv         id:ID(Movie),title:string,year:long
    RATED.relations.csv     :START_ID(User),:END_ID(Movie),value:double,time:long
    TrailmixSchema.nodes.csv
    import.sh               the import command; accepts further options, e.g. --overwrite-destination
    constraints.cypher      uniqueness constraints of the ids, which the import does not create

Text is quoted and a missing value is empty, so the tool can distinguish "" from null. The schema node is
exported too, so that Trailmix can use the imported database; provenance is not exported.
"""

import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.errors import DataError
from kg.exports.tables import Exported, Kind, Table, read_tables, total, whole_folder
from kg.names import is_name
from kg.progress import Report, silent
from kg.schema import SCHEMA_LABEL, GraphSchema
from kg.store.statements import id_constraint
from kg.store.store import ReadStore

BETWEEN = "\x1f"
"""The delimiter of list values: the unit separator, which is rare in text."""

OPTIONS = ("--array-delimiter=U+001F", "--multiline-fields=true", "--id-type=string")
_TYPES = {"text": "string", "integer": "long", "number": "double", "boolean": "boolean"}


def export_neo4j_admin(store: ReadStore, target: Path, report: Report = silent) -> Exported:
    """Write the folder atomically.

    Raises:
        UsageError: `target` exists and is not an empty folder, or cannot be written.
        GraphError: the graph changed during the export, or is empty.
        DataError: the format cannot represent the name of a property or a value of a list.
    """
    with whole_folder(target) as folder:
        tables = read_tables(store, report)
        lists = _Lists()
        rows = {
            table.name: _write(store, table, folder / file_name(table), lists, report)
            for table in (*tables.nodes, *tables.relations)
        }
        _write_schema(tables.schema, folder / f"{SCHEMA_LABEL}.nodes.csv")
        (folder / "import.sh").write_text(import_script((*tables.nodes, *tables.relations)), encoding="utf-8")
        (folder / "constraints.cypher").write_text(_constraints(tables.schema), encoding="utf-8")
        tables.check(store)
    return Exported(target, total(tables.nodes, rows), total(tables.relations, rows), lists.notes())


def file_name(table: Table) -> str:
    """The name of a table's CSV file."""
    return f"{table.name}.{'relations' if table.ends else 'nodes'}.csv"


def import_script(tables: tuple[Table, ...]) -> str:
    """A shell script with the import command; it runs from any working directory."""
    nodes = [f"--nodes={x.name}={file_name(x)}" for x in tables if not x.ends]
    nodes.append(f"--nodes={SCHEMA_LABEL}={SCHEMA_LABEL}.nodes.csv")
    relations = [f"--relationships={x.name}={file_name(x)}" for x in tables if x.ends]
    # a plain option comes last: after a list of files, the database's name would count as another file
    given = " \\\n  ".join(map(shlex.quote, [*nodes, *relations, *OPTIONS]))
    return (
        "#!/bin/sh\n"
        "# With the database stopped; then start it and run constraints.cypher in it.\n"
        'cd "$(dirname "$0")" || exit 1\n'
        f'exec neo4j-admin database import full "$@" \\\n  {given} \\\n  "${{NEO4J_DATABASE:-neo4j}}"\n'
    )


class _Lists:
    """Writes list values and counts those that the format cannot represent."""

    def __init__(self) -> None:
        self._lost = 0

    def __call__(self, values: list[Any]) -> str:
        texts = [x if isinstance(x, str) else _plain(x) for x in values]
        if any(BETWEEN in x for x in texts):
            raise DataError(f"a list holds {BETWEEN!r}, which stands between its values; remove it: {texts}")
        if texts in ([], [""]):
            self._lost += 1
            return ""
        return _quoted(BETWEEN.join(texts))

    def notes(self) -> tuple[str, ...]:
        """Messages about values that the export lost."""
        return (f"{self._lost:,} empty lists left out; neo4j-admin cannot import them",) if self._lost else ()


def _write(store: ReadStore, table: Table, path: Path, lists: _Lists, report: Report) -> int:
    keys = 2 if table.ends else 1
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(_header(table)) + "\n")
        for batch in table.batches(store):
            file.writelines(f"{','.join(_cells(row, keys, lists))}\n" for row in batch)
            written += len(batch)
            report(table.name, written, None)
    report(table.name, written, written)
    return written


def _header(table: Table) -> Iterator[str]:
    if table.ends:
        yield from (f":START_ID({table.ends[0]})", f":END_ID({table.ends[1]})")
    else:
        yield f"id:ID({table.name})"
    for name, kind in table.columns.items():
        if not is_name(name):
            raise DataError(f"{table.name}: the property {name!r} cannot stand in a header; rename it")
        yield f"{name}:{_type(kind)}"


def _type(kind: Kind) -> str:
    return _TYPES[kind.one] + ("[]" if kind.many else "")


def _cells(row: tuple[Any, ...], keys: int, lists: _Lists) -> Iterator[str]:
    yield from (_quoted(key) for key in row[:keys])
    for value in row[keys:]:
        match value:
            case None:
                yield ""
            case str():
                yield _quoted(value)
            case list():
                yield lists(value)
            case _:
                yield _plain(value)


def _plain(value: Any) -> str:
    """A number or boolean in Java's notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text := repr(value), text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _write_schema(schema: GraphSchema, path: Path) -> None:
    held = [_quoted("schema"), _quoted(uuid.uuid4().hex), "0", _quoted(schema.model_dump_json())]
    header = f"id:ID({SCHEMA_LABEL}),identity:string,revision:long,json:string"
    path.write_text(f"{header}\n{','.join(held)}\n", encoding="utf-8")


def _constraints(schema: GraphSchema) -> str:
    labels = [SCHEMA_LABEL, *(x.label for x in schema.labels)]
    return "".join(f"{id_constraint(label)};\n" for label in labels)
