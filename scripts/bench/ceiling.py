"""The ceiling of the embedded engine: its own bulk loader in this process, without Bolt."""

import tempfile
import time
from collections.abc import Iterable
from contextlib import chdir

from arcadedb_embedded import create_database

from kg.store.records import RelationRow
from kg.store.servers.arcadedb import HEAP


def bulk_loader(rows: Iterable[list[RelationRow]], users: int, items: int) -> float:
    """Relations a second of ArcadeDB's `GraphBatch` in this process, its write-ahead log on.

    It looks nothing up and checks nothing: the ends are record ids that it gave out itself, the same pair
    twice makes two relations, and nobody else may write meanwhile. An ingestion cannot work like this, but no
    ingestion over Bolt can be faster.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),  # ArcadeDB always writes ./log
        create_database(f"{folder}/bench", {"heap_size": HEAP, "jvm_args": ["-XX:+UseParallelGC"]}) as graph,
    ):
        for label in ("BenchUser", "BenchItem"):
            graph.command("sql", f"CREATE VERTEX TYPE {label}")
            graph.command("sql", f"CREATE PROPERTY {label}.id STRING")
            graph.command("sql", f"CREATE INDEX ON {label} (id) UNIQUE")
        graph.command("sql", "CREATE EDGE TYPE BENCH")
        with graph.graph_batch(use_wal=True) as batch:
            heads = batch.create_vertices("BenchUser", [{"id": f"u{n}"} for n in range(users)])
            tails = batch.create_vertices("BenchItem", [{"id": f"i{n}"} for n in range(items)])
            given = list(rows)
            began = time.perf_counter()
            for some in given:
                batch.new_edges(
                    [heads[int(row["head"][1:])] for row in some],
                    "BENCH",
                    [tails[int(row["tail"][1:])] for row in some],
                    [row["properties"] for row in some],
                )
        return sum(map(len, given)) / (time.perf_counter() - began)
