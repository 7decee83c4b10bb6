"""The store on each engine: the contract of every store, and what only a server with Cypher can do."""

import shlex
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from foreign_contract import ForeignDataContract
from neo4j import Driver
from neo4j.exceptions import Neo4jError
from store_contract import FILLED, SCHEMA, StoreContract, fill, node

from kg.errors import DataError, GraphSchemaError, GraphUnavailableError, QueryError
from kg.schema import GraphSchema, InteractionSchema, LabelSchema
from kg.snapshot import read_snapshot
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


class _OutsiderOfServer:
    def __init__(self, driver: Driver, database: str) -> None:
        self._driver = driver
        self._database = database

    def node(self, label: str, **properties: Any) -> None:
        self.run(f"CREATE (n:`{label}`) SET n = $held", held=properties)

    def relation(self, kind: str, head: tuple[str, Any], tail: tuple[str, Any], **properties: Any) -> None:
        self.run(
            f"MATCH (h:`{head[0]}` {{id: $h}}) MATCH (t:`{tail[0]}` {{id: $t}}) "
            f"CREATE (h)-[r:`{kind}`]->(t) SET r = $held",
            h=head[1],
            t=tail[1],
            held=properties,
        )

    def run(self, statement: str, **parameters: Any) -> None:
        with self._driver.session(database=self._database) as session:
            session.run(statement, parameters).consume()


@pytest.fixture
def outsider(store: BoltGraphStore) -> _OutsiderOfServer:
    return _OutsiderOfServer(store._driver, store.connection.database)


class TestForeignData(ForeignDataContract):
    pass


def test_two_ids_of_one_text_are_named(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.node("Book", id="12")
    try:
        outsider.node("Book", id=12)
    except Neo4jError:
        assert store.info().engine == "arcadedb"  # whose index holds texts only
    else:
        with pytest.raises(DataError, match=r"Book: two nodes have the id '12', as (integer and )?text"):
            store.read_nodes("Book")


def test_twins_that_were_there_before_are_named(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    label = f"Twin {uuid.uuid4().hex}"  # a label without a constraint, which outlives the emptying of a graph
    for title in ("One", "Other"):
        outsider.node(label, id="b1", title=title)
    labels = (SCHEMA.labels[0], LabelSchema(label=label, role="item"))
    with pytest.raises(DataError, match=f"^{label}: 2 nodes have the id 'b1'"):
        store.prepare(GraphSchema(labels=labels, interactions=SCHEMA.interactions))


def test_integers_that_were_there_before_make_no_index_of_integers(
    store: ServerStore, outsider: _OutsiderOfServer
) -> None:
    """Made text by the command of the message, "7" and "007" are two books on both engines."""
    label = f"Whole {uuid.uuid4().hex}"
    outsider.node(label, id=7, title="Seven")
    labels = (SCHEMA.labels[0], LabelSchema(label=label, role="item", name_property="title"))
    schema = GraphSchema(labels=labels, interactions=SCHEMA.interactions)
    with pytest.raises(DataError, match=f"^{label}: 1 node has an id that is not text, such as 7") as caught:
        store.prepare(schema)
    command = shlex.split(str(caught.value).partition("trailmix graph cypher --write ")[2])
    store.query(command[0], write=True)
    store.prepare(schema)
    store.upsert_nodes(
        label, [node("007", title="Bond"), node("0007", title="Zero"), node("7", title="Seven")]
    )
    assert sorted(store.read_nodes(label).ids) == ["0007", "007", "7"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_label_and_a_type_of_one_name(store: ServerStore, order: int) -> None:
    name = f"Same {uuid.uuid4().hex}"
    labels = (*SCHEMA.labels, LabelSchema(label=name, role="entity"))
    schema = GraphSchema(labels=labels[::order], interactions=(InteractionSchema(type=name),))
    if store.info().engine == "arcadedb":
        with pytest.raises(GraphSchemaError, match=f"^{name} is a label and a relation type"):
            store.prepare(schema)
    else:
        store.prepare(schema)
        assert store.schema() == schema


def test_a_list_as_an_id_is_named(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.node("Book", id=[1, 2])
    with pytest.raises(DataError, match=r"Book: the property id of a node is \[1, 2\] \(list\)"):
        store.read_nodes("Book")


def test_the_command_in_the_message_makes_ids_text(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.node("Book", id=7)
    with pytest.raises(DataError) as caught:
        store.prepare(SCHEMA)
    command = shlex.split(str(caught.value).partition("trailmix graph cypher --write ")[2])
    store.query(command[0], write=True)
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node("7", title="Seven")])
    assert sorted(store.read_nodes("Book").ids) == ["7", "b1", "b2", "b3"]


def test_a_node_of_two_labels_is_a_node_of_each(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.run("CREATE (:Reader:Author {id: 'both', name: 'Both'})")
    outsider.relation("READ", ("Reader", "both"), ("Book", "b1"))
    outsider.relation("BY", ("Book", "b3"), ("Author", "both"))
    snapshot = read_snapshot(store)
    assert "both" in snapshot.users
    assert "both" in snapshot.vocabulary("Author")
    found = store.read_user("both")
    assert found is not None
    assert {(x["type"], x["label"], x["id"]) for x in found.relations} == {
        ("READ", "Book", "b1"),
        ("BY", "Book", "b3"),
    }


def test_relations_between_other_labels_are_left_out_with_a_warning(
    store: ServerStore, outsider: _OutsiderOfServer
) -> None:
    fill(store)
    outsider.run("CREATE (:Shop {id: 's1'})")
    outsider.relation("BY", ("Shop", "s1"), ("Author", "a1"))
    with structlog.testing.capture_logs() as logs:
        assert len(read_snapshot(store).triples) == 2
    assert [(x["event"], x["type"], x["count"]) for x in logs] == [("relations_left_out", "BY", 1)]


def test_provenance_of_another_type_is_none(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.node("Book", id="b9", trailmix_run=5)
    assert store.stored_nodes("Book", ["b9"], ["trailmix_run"]) == {"b9": {"trailmix_run": None}}
    store.begin_run(RunRecord("run1", "files", "mapping", 100))
    assert store.undo_run("run1").nodes == 0


def test_a_schema_that_cannot_be_read_is_named(store: ServerStore, outsider: _OutsiderOfServer) -> None:
    fill(store)
    outsider.run("MATCH (s:TrailmixSchema) SET s.json = 5")
    with pytest.raises(GraphSchemaError, match=r"the node TrailmixSchema .* holds no readable schema"):
        store.schema()


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


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+s"])
def test_a_tls_scheme_on_a_plain_server_says_so(server: Connection, scheme: str) -> None:
    place = server.uri.partition("://")[2]
    encrypted = Connection(f"{scheme}://{place}", server.username, server.password, server.database)
    with (
        BoltGraphStore(encrypted) as store,
        pytest.raises(
            GraphUnavailableError, match=f"without TLS; write {scheme.partition('+')[0]}://{place}"
        ),
    ):
        store.info()


def test_clearing_leaves_no_node(store: ServerStore) -> None:
    fill(store)
    store.begin_run(RunRecord("run1", "files", "mapping", 100))
    store.clear()
    assert store.query("MATCH (n) RETURN count(n) AS n") == [{"n": 0}]
