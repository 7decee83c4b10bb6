"""What the store does before it asks a server."""

import pytest
from pydantic import SecretStr

from kg.errors import GraphUnavailableError
from kg.store.bolt import writing_clause
from kg.store.bolt_store import BoltGraphStore
from kg.store.connection import Connection
from kg.store.servers.process import free_port


@pytest.mark.parametrize(
    ("statement", "clause"),
    [
        ("CREATE (n)", "CREATE"),
        ("match (n) detach delete n", "DETACH"),
        ("MATCH (n)SET n.x = 1", "SET"),
        ("MATCH (n) WHERE n.x = 1.SET n.y = 2", "SET"),
        ("MATCH (n) /* harmless */ REMOVE n.x", "REMOVE"),
        ("MATCH (n) // '\nMERGE (m)", "MERGE"),
        ("RETURN 'it\\'s' MERGE (m)", "MERGE"),
        ("CALL { CREATE (n) }", "CREATE"),
        ("CALL apoc.create.node([], {})", "CALL"),
        ("DROP CONSTRAINT x", "DROP"),
        ("LOAD CSV FROM 'file' AS row RETURN row", "LOAD"),
        ("MATCH (n) \\u0053ET n.x = 1", "\\"),
    ],
)
def test_writing_clauses_are_seen(statement: str, clause: str) -> None:
    assert writing_clause(statement) == clause


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (n:Set {create: 'MERGE (x)'}) RETURN n.delete",
        'RETURN "DELETE" AS dataset, $set',
        "MATCH (n:`CREATE`) RETURN n // DROP",
        "MATCH (created) RETURN created.offset",
        "CALL db.labels() YIELD label RETURN label",
        "CALL { MATCH (n) RETURN n } RETURN n",
        "SHOW INDEXES",
    ],
)
def test_reading_statements_pass(statement: str) -> None:
    assert writing_clause(statement) is None


def test_a_connection_never_shows_its_password() -> None:
    connection = Connection("bolt://ann:first@host:7687", "ann", SecretStr("second"), "neo4j")
    assert "second" not in repr(connection)
    assert connection.address == "bolt://host:7687"
    assert connection.auth == ("ann", "second")
    assert Connection("bolt://host", "neo4j", SecretStr(""), "neo4j").auth is None


def test_a_server_that_is_not_there_is_named_with_what_to_do() -> None:
    uri = f"bolt://127.0.0.1:{free_port()}"
    with (
        BoltGraphStore(Connection(uri, "neo4j", SecretStr("hush"), "neo4j")) as store,
        pytest.raises(GraphUnavailableError, match=f"{uri}; check NEO4J_URI, or run trailmix graph start"),
    ):
        store.info()


def test_a_scheme_the_driver_does_not_know_is_an_error_of_ours() -> None:
    with pytest.raises(GraphUnavailableError, match="ftp"):
        BoltGraphStore(Connection("ftp://host", "neo4j", SecretStr("hush"), "neo4j"))
