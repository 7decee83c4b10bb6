"""`trailmix bench ingest`: how fast the store writes beside a bare loop of the driver."""

import json as jsonlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import numpy as np
import typer
from neo4j import GraphDatabase, Session

from kg.errors import UsageError
from kg.ingestion.ingest import new_run
from kg.ingestion.runs import Batch, RunWriter
from kg.schema import GraphSchema, InteractionSchema, LabelSchema
from kg.settings import Settings, load_settings
from kg.store.connect import open_store, store_at
from kg.store.records import RelationRow
from kg.store.servers import control
from kg.store.statements import relation_statement
from kg.store.store import ServerStore
from scripts.bench.ceiling import bulk_loader

WARM_UP = 3
"""Warm-up batches of each way, not counted."""
Way = Callable[[int, list[RelationRow]], None]
"""Writes a batch with that number."""


def command(
    engine: Annotated[
        Literal["arcadedb", "neo4j"],
        typer.Option(
            "--engine", help="The engine to start in a temporary folder; unused if NEO4J_URI is set."
        ),
    ] = "arcadedb",
    batches: Annotated[
        int, typer.Option("--batches", min=1, help="The number of measured batches of each way.")
    ] = 20,
    size: Annotated[
        int, typer.Option("--size", min=100, help="The number of relations in a batch.")
    ] = 10_000,
    ceiling: Annotated[
        bool,
        typer.Option(
            "--ceiling",
            help="Also measure CREATE instead of MERGE, and ArcadeDB's own bulk loader in this process.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how many relations a second the store writes, beside a bare loop of the driver.

    Both write the same batches in turn, each into a type of its own; the store adds provenance and a
    checkpoint. A graph at NEO4J_URI must be empty, and is empty again afterwards.

    Example: trailmix bench ingest --engine neo4j
    """
    with empty_store(engine) as store:
        info = store.info()
        seconds = measure(store, batches, size, create=ceiling)
    result = summary(seconds, size) | {"engine": info.engine, "version": info.version}
    if ceiling:
        users, items = _ends(size)
        result["ceiling_relations_per_second"] = round(
            bulk_loader(_rows(batches, size, users, items), users, items)
        )
    if json:
        print(jsonlib.dumps(result))
        return
    print(f"{info.engine} {info.version}, {batches} batches of {size:,} relations each way, in turn")
    _print(result)


def _print(result: dict[str, Any]) -> None:
    notes = {
        "store": "",
        "driver": "",
        "create": ", the driver's loop without MERGE",
        "ceiling": ", ArcadeDB's bulk loader",
    }
    for way, about in notes.items():
        if rate := result.get(f"{way}_relations_per_second"):
            print(f"{way:<8}{rate:>9,} relations/s{about}")
    print(f"ratio   {result['ratio']:>9.2f}  (median of the pairs {result['ratio_median']:.2f})")


def summary(seconds: dict[str, list[float]], size: int) -> dict[str, Any]:
    """Relations a second of each way, and the ratio of the store to the driver, in sum and as a median."""
    total = {way: sum(values) for way, values in seconds.items()}
    pairs = zip(seconds["driver"], seconds["store"], strict=True)
    return {
        **{f"{way}_relations_per_second": round(len(seconds[way]) * size / total[way]) for way in total},
        "ratio": total["driver"] / total["store"],
        "ratio_median": median(driver / store for driver, store in pairs),
    }


def measure(store: ServerStore, batches: int, size: int, *, create: bool = False) -> dict[str, list[float]]:
    """Seconds of each batch by way: "store", "driver", with `create` "create". The graph must be empty."""
    users, items = _ends(size)
    store.prepare(_schema())
    store.upsert_nodes("BenchUser", [{"id": f"u{n}", "properties": {}} for n in range(users)])
    store.upsert_nodes("BenchItem", [{"id": f"i{n}", "properties": {}} for n in range(items)])
    with _driver_session(store) as session:
        ways = {"store": _through_store(store), "driver": _bare_loop(session, "BENCH_DRIVER")}
        if create:
            ways["create"] = _bare_loop(session, "BENCH_CREATE", "CREATE")
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number, rows in enumerate(_rows(batches + WARM_UP, size, users, items)):
            for way in sorted(ways, reverse=bool(number % 2)):
                began = time.perf_counter()
                ways[way](number, rows)
                seconds[way].append(time.perf_counter() - began)
    return {way: values[WARM_UP:] for way, values in seconds.items()}


def _ends(size: int) -> tuple[int, int]:
    """How many users and items there are for batches of that size."""
    return max(1_000, size // 10), 5_000


def _schema() -> GraphSchema:
    return GraphSchema(
        labels=(LabelSchema(label="BenchUser", role="user"), LabelSchema(label="BenchItem", role="item")),
        interactions=tuple(InteractionSchema(type=f"BENCH_{x}") for x in ("STORE", "DRIVER", "CREATE")),
    )


def _rows(batches: int, size: int, users: int, items: int) -> Iterator[list[RelationRow]]:
    """Pairs of users and items, no pair twice, in random order."""
    pairs = np.random.default_rng(0).choice(users * items, size=batches * size, replace=False)
    for part in pairs.reshape(batches, size).tolist():
        yield [
            {
                "head": f"u{pair // items}",
                "tail": f"i{pair % items}",
                "properties": {"value": pair % 5 + 1.0, "time": 1_600_000_000 + pair},
            }
            for pair in part
        ]


def _through_store(store: ServerStore) -> Way:
    run = new_run("", "")
    store.begin_run(run)
    writer = RunWriter(store, run.id)

    def write(number: int, rows: list[RelationRow]) -> None:
        named = list(enumerate(rows))
        writer.write(Batch(relations={"BENCH_STORE": named}), "bench", number, len(named))

    return write


def _bare_loop(session: Session, kind: str, word: str = "MERGE") -> Way:
    """Writes a batch with nothing but the driver: one statement, one managed transaction."""
    statement = relation_statement(kind, "BenchUser", "BenchItem").replace("MERGE", word)

    def write(_number: int, rows: list[RelationRow]) -> None:
        session.execute_write(lambda transaction: list(transaction.run(statement, trailmix_rows=rows)))

    return write


@contextmanager
def _driver_session(store: ServerStore) -> Iterator[Session]:
    connection = store.connection
    with (
        GraphDatabase.driver(connection.uri, auth=connection.auth) as driver,
        driver.session(database=connection.database) as session,
    ):
        yield session


@contextmanager
def empty_store(engine: Literal["arcadedb", "neo4j"]) -> Iterator[ServerStore]:
    """A store with nothing in it: at NEO4J_URI, or of a server that lives as long as this."""
    settings = load_settings()
    if settings.neo4j_uri:
        with open_store(settings) as store:
            if store.query("MATCH (n) RETURN n LIMIT 1"):
                raise UsageError("the graph at NEO4J_URI is not empty; measure on one that is")
            try:
                yield store
            finally:
                store.clear()
        return
    with tempfile.TemporaryDirectory() as folder:
        own = Settings(home=Path(folder))
        try:
            with store_at(control.start(own, engine).connection) as store:
                yield store
        finally:
            control.stop(own)
