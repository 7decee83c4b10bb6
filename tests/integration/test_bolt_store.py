"""The store on each engine: the contract of every store, and what only a server with Cypher can do."""

import time
from collections.abc import Iterator

import pytest
from store_contract import FILLED, SCHEMA, StoreContract, fill, node

from kg.errors import GraphUnavailableError, QueryError
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection
from kg.store.records import RunRecord
from kg.store.store import ServerStore


class TestBoltStore(StoreContract):
    @pytest.fixture
    def second_client(self, store: ServerStore) -> Iterator[BoltGraphStore]:
        with BoltGraphStore(store.connection) as other:
            yield other

    @pytest.fixture
    def small_delete_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(BoltGraphStore, "delete_batch", 2)


def test_the_engine_is_known(store: ServerStore, request: pytest.FixtureRequest) -> None:
    info = store.info()
    assert info.engine in request.node.name
    assert info.version.startswith({"neo4j": "5.", "arcadedb": "26."}[info.engine])


def test_ids_are_unique_by_constraint(store: ServerStore) -> None:
    fill(store)
    with pytest.raises(QueryError, match="ConstraintValidationFailed"):
        store.query("CREATE (:Book {id: 'b1'})", write=True)
    assert store.counts() == FILLED


def test_the_state_notices_what_other_clients_add(store: BoltGraphStore) -> None:
    fill(store)
    before = store.state()
    with store._driver.session(database=store.connection.database) as session:
        session.run("CREATE (:Author {id: 'a2'})").consume()
    assert store.state() != before


def test_free_queries_answer_in_plain_values(store: ServerStore) -> None:
    fill(store)
    rows = store.query(
        "MATCH p = (b:Book {id: $id})-[r:BY]->(a) RETURN b, r, p, [a.name] AS names", {"id": "b1"}
    )
    book, author, by = {"id": "b1", "title": "One"}, {"id": "a1", "name": "Ann"}, {"type": "BY"}
    assert rows == [{"b": book, "r": by, "p": [book, by, author], "names": ["Ann"]}]


def test_a_query_that_is_wrong_says_why(store: ServerStore) -> None:
    with pytest.raises(QueryError, match=r"SyntaxError.*"):
        store.query("RETURN broken(")


def test_reading_queries_cannot_write(store: ServerStore) -> None:
    fill(store)
    with pytest.raises(QueryError, match="DELETE writes"):
        store.query("MATCH (n) DELETE n")
    assert store.counts() == FILLED


def test_a_query_ends_at_its_time_limit_and_the_store_goes_on(store: ServerStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node(f"b{n}", n=n) for n in range(400)])
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"ended after 0\.5 s"):
        store.query(
            "MATCH (a:Book), (b:Book), (c:Book) WHERE a.n + b.n + c.n < 0 RETURN count(*)", timeout=0.5
        )
    assert time.monotonic() - began < 5.0
    assert store.counts().nodes["Book"] == 400


def test_long_texts_in_a_whole_batch_arrive(store: ServerStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node(f"b{n}", text="long " * 1_000) for n in range(5_000)])  # 25 MB
    assert store.counts().nodes["Book"] == 5_000


def test_a_wrong_password_says_so_and_shows_none(server: Connection) -> None:
    wrong = Connection(server.uri, server.username, type(server.password)("not-this-one"), server.database)
    with (
        BoltGraphStore(wrong) as store,
        pytest.raises(GraphUnavailableError, match="refused the login") as caught,
    ):
        store.info()
    assert "not-this-one" not in f"{caught.value}{wrong!r}"


def test_clearing_leaves_no_node(store: ServerStore) -> None:
    fill(store)
    store.begin_run(RunRecord("run1", "files", "mapping", 100))
    store.clear()
    assert store.query("MATCH (n) RETURN count(n) AS n") == [{"n": 0}]
