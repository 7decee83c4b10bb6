"""Exports a graph as Parquet: one file per label and per type, with typed property columns.

nodes/Movie.parquet          id, then the properties
relations/RATED.parquet      head, tail, then the properties
schema.json                  roles, relations and their phrases
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kg.exports.tables import Exported, Kind, Table, read_tables, total, whole_folder
from kg.progress import Report, silent
from kg.store.store import ReadStore

_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}


def export_parquet(store: ReadStore, target: Path, report: Report = silent) -> Exported:
    """Write the folder atomically.

    Raises:
        UsageError: `target` exists and is not an empty folder, or cannot be written.
        GraphError: the graph changed during the export, or is empty.
    """
    with whole_folder(target) as folder:
        tables = read_tables(store, report)
        rows = {}
        for place, some in (("nodes", tables.nodes), ("relations", tables.relations)):
            (folder / place).mkdir()
            for table in some:
                rows[table.name] = _write(store, table, folder / place / f"{table.name}.parquet", report)
        (folder / "schema.json").write_text(tables.schema.model_dump_json(indent=2) + "\n", encoding="utf-8")
        tables.check(store)
    return Exported(target, total(tables.nodes, rows), total(tables.relations, rows))


def _write(store: ReadStore, table: Table, path: Path, report: Report) -> int:
    keys = ["head", "tail"] if table.ends else ["id"]
    # a relation may have a property with the name of a key column
    names = [f"property_{x}" if x in keys else x for x in table.columns]
    fields = [pa.field(x, pa.string(), nullable=False) for x in keys]
    fields += [pa.field(x, _type(k)) for x, k in zip(names, table.columns.values(), strict=True)]
    schema, written = pa.schema(fields), 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in table.batches(store):
            columns: list[Any] = list(zip(*batch, strict=True)) or [()] * len(fields)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema))
            written += len(batch)
            report(table.name, written, None)
    report(table.name, written, written)
    return written


def _type(kind: Kind) -> pa.DataType:
    one = _TYPES[kind.one]
    return pa.list_(one) if kind.many else one
