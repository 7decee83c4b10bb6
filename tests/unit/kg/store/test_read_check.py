"""Which statements may run as a rule, told by their text alone; tests/integration tries them on engines."""

import pytest
from store_contract import SCHEMA

from kg.errors import StatementRefusedError
from kg.store.cypher_tokens import tokens
from kg.store.read_check import check_read


def refused(statement: str, **parameters: object) -> str:
    with pytest.raises(StatementRefusedError) as caught:
        check_read(statement, parameters, SCHEMA)
    return str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (b:Book) RETURN b.id AS id",
        "match (b:Book)-[:BY]->(a:Author) where a.name = 'SET' return b.id as id",
        "MATCH (b:Book {title: 'CREATE (x)'}) RETURN b.set AS id // DELETE it",
        "MATCH (b:Book) WHERE b.`load csv` = \"DROP\" /* MERGE */ RETURN b.id AS id",
        "MATCH (create:Book) RETURN create.id AS id".replace("create.id", "`create`.id"),
        "MATCH (b:Book)<-[r:READ|SOLD]-(u:Reader) RETURN b.id AS id, count(r) AS weight",
        "MATCH (b:Book&!Author) RETURN b.id AS id",
        "MATCH (b:Book|Author) WHERE b:Book RETURN b.id AS id",
        "MATCH (b)-[r]->() WHERE r:BY RETURN b.id AS id",
        "MATCH (b:Book)-[:BY*1..3]-(c:Book) RETURN DISTINCT c.id AS id",
        "MATCH (b:Book) WHERE COUNT { (b)-[:BY]->(:Author) } > 1 RETURN b.id AS id",
        "MATCH (b:Book) CALL (b) { MATCH (b)-[:BY]->(a:Author) RETURN a } RETURN b.id AS id",
        "MATCH (b:Book) WHERE (b.year) IN [1, 2] AND NOT (b)-[:BY]->() RETURN b.id AS id",
        "MATCH (b:Book) RETURN [x IN labels(b) WHERE x <> 'A' | toUpper(x)][0] AS id",
        "MATCH (b:Book) WITH b, {name: b.title, set: 1} AS m RETURN b.id AS id",
        "MATCH p = shortestPath((b:Book)-[:BY*]-(c:Book)) RETURN c.id AS id",
        "MATCH (b:Book) RETURN [(b.x + 1), 2][0] AS id",
        "MATCH (b:Book) WHERE EXISTS { (b)-[:BY*1..3]-() } RETURN b.id AS id",
        "MATCH (b:Book) WHERE COUNT { MATCH (b)-[:BY*1..3]-(c) WHERE c:Book } > 1 RETURN b.id AS id",
        "MATCH (b:Book) WHERE b.x > 1 MATCH p = (b)-[*2]-(c:Book) WITH c MATCH (c)-[*]-(d) RETURN c.id AS id",
        "MATCH (b:Book)-[:BY]->()<-[:BY]-(c:Book), (c)--()--(d) WHERE NOT (d)-[:BY]->() RETURN c.id AS id",
        "MATCH (b:Book) WHERE EXISTS { (b)-[:BY]->()<-[:BY]-() } AND (b.x)-(b.y)-(b.z) > 1 RETURN b.id AS id",
        "UNWIND range(1, 10000) AS x RETURN toString(x) AS id",
        "UNWIND range(-5, 5, 2) AS x RETURN toString(x) AS id",
        "MATCH (b:Book) WHERE date(b.published) > date() - duration('P1Y') RETURN b.id AS id",
        "MATCH (b:Book) WHERE b.year >= date().year - 10 RETURN b.id AS id",
        "MATCH (b:Book) WHERE all(x IN b.tags WHERE x <> 'a') RETURN b.id AS id",
        "MATCH (b:Book) WHERE point.distance(b.p, point({x: 1, y: 2})) < 3 RETURN b.id AS id",
        "OPTIONAL MATCH (b:Book) RETURN b.id AS id UNION ALL MATCH (b:Book) RETURN b.id AS id",
    ],
)  # fmt: skip
def test_reading_statements_pass(statement: str) -> None:
    check_read(statement, {}, SCHEMA)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("", "it begins with no keyword"),
        ("EXPLAIN MATCH (b:Book) RETURN b.id AS id", "it begins with EXPLAIN"),
        ("CYPHER runtime=slotted MATCH (b:Book) RETURN b.id AS id", "it begins with CYPHER"),
        ("`MATCH` (b:Book) RETURN b.id AS id", "it begins with no keyword"),
        ("MATCH (b:Book)set b.x = 1 RETURN b.id AS id", "SET is not allowed"),
        ("MATCH (b:Book) WITH b, 1.CREATE (c) RETURN b.id AS id", "CREATE is not allowed"),
        ("MATCH (b:Book) /* */ SET b.x = 1 /* */ RETURN b.id AS id", "SET is not allowed"),
        ("MATCH (b:Book) WHERE b.x = '\\'' SET b.x = '' RETURN b.id AS id", "SET is not allowed"),
        ("MATCH (b:Book) // \u2028 SET b.x = 1", r"the control character U\+2028"),
        ("MATCH (b:Book) RETURN b.id AS id /* open", "an unclosed comment"),
        ("MATCH (b:Book) WHERE b.x = 'open RETURN b.id AS id", "an unclosed '"),
        ("MATCH (b:Book) RETURN b.id AS \\id", "a backslash outside of a text"),
        ("MATCH (b:Book) WHERE b.x = '\\u0041' RETURN b.id AS id", "a Unicode escape"),
        ("MATCH (b:Book) RETURN b.id AS id)", r"the bracket \) closes none"),
        ("MATCH (b:Book] RETURN b.id AS id", r"the bracket \] closes none"),
        ("MATCH (b:Book) CALL db . labels ( ) YIELD label RETURN label AS id", "the procedure db.labels"),
        ("MATCH (b:Book) OPTIONAL CALL db.ping() RETURN b.id AS id", "the procedure db.ping"),
        ("MATCH (b:Book) CALL db.labels YIELD label RETURN label AS id", "the procedure db.labels"),
        ("MATCH (b:Book) RETURN `apoc`.`text`.`join`([b.id], '') AS id", "the function apoc.text.join"),
        ("MATCH (b:Book) RETURN toUper(b.id) AS id", "the function toUper; did you mean toupper"),
        ("MATCH (b:Book) RETURN `match`(b.id) AS id", "the function match"),
        ("MATCH (b:Book) WHERE EXISTS { MATCH (b)-[:MADE]->() } RETURN b.id AS id", "no relation type MADE"),
        ("MATCH (b:Book)-[:BY|WROTE]->() RETURN b.id AS id", "no relation type WROTE"),
        ("MATCH (b:Book|Film) RETURN b.id AS id", "no label Film"),
        ("MATCH (b) WHERE b:TrailmixSchema RETURN b.id AS id", "no label TrailmixSchema"),
        ("MATCH (b:`Bo ok`) RETURN b.id AS id", "no label Bo ok"),
        ("MATCH (b:BY) RETURN b.id AS id".replace("(b:BY)", "()-[b:Book]-()"), "no relation type Book"),
        ("MATCH (b:$($label)) RETURN b.id AS id", "written out, and not computed"),
        ("UNWIND range(1, 10001) AS x RETURN toString(x) AS id", "at most 10,000 in it"),
        ("UNWIND range(1, 2 * 9999) AS x RETURN toString(x) AS id", "range"),
        ("UNWIND range(1, size([1])) AS x RETURN toString(x) AS id", "range"),
        ("UNWIND range(1, 10, 0) AS x RETURN toString(x) AS id", "range"),
        ("RETURN any(x IN [1] WHERE all(y IN [2] WHERE y > x)) AS id", "stands in another"),
        ("RETURN [x IN [y IN [1] | y] | x] AS id", "stands in another"),
        ("MATCH (b:Book) RETURN [(b)-[:BY]->(a) | a.id][0] AS id", "a list made of a pattern"),
        ("MATCH (b:Book) RETURN size([p = (b)-->() WHERE true | p]) AS id", "a list made of a pattern"),
        ("MATCH (b:Book) WHERE NOT (b)-[*9..30]-() RETURN b.id AS id", "more than one relation"),
        ("MATCH (b:Book WHERE (b)-[:BY*]-()) RETURN b.id AS id", "more than one relation"),
        ("MATCH (b:Book) RETURN exists((b)-[:BY*2]-()) AS id", "more than one relation"),
        ("MATCH (b:Book) WHERE (b)--()-->(:Author) RETURN b.id AS id", "more than one relation"),
        ("MATCH (b:Book) WHERE NOT (b)<-[:READ]-(r:Reader)-[:READ]->() RETURN b.id AS id", "more than one"),
        ("MATCH (b:Book) WHERE b.x =~ 'a' RETURN b.id AS id", "may never end"),
        ("MATCH (b:Book) USE other RETURN b.id AS id", "USE is not allowed"),
    ],
)  # fmt: skip
def test_others_are_refused(statement: str, why: str) -> None:
    with pytest.raises(StatementRefusedError, match=why):
        check_read(statement, {}, SCHEMA)


def test_parameters_are_those_that_are_given() -> None:
    check_read("MATCH (b:Book {title: $title}) RETURN b.id AS id", {"title": "One"}, SCHEMA)
    missing = refused("MATCH (b:Book {title: $title}) RETURN b.id AS id")
    assert missing == 'the parameter $title has no value; add "title": VALUE to its parameters'
    assert "did you mean $title?" in refused("MATCH (b:Book {title: $titel}) RETURN b.id AS id", title="One")
    unused = refused("MATCH (b:Book) RETURN '$title' AS id", title="One")
    assert unused == "its parameter title is not used; write $title, or remove it"


def test_procedures_on_the_list_may_be_called() -> None:
    statement = "CALL db.index.fulltext.queryNodes('i', 'x') YIELD node RETURN node.id AS id"
    check_read(statement, {}, SCHEMA, ["db.index.fulltext.querynodes"])
    assert "the procedure db.index.fulltext.queryNodes" in refused(statement)


def test_tokens_know_their_brackets() -> None:
    found = tokens("a(b[c], '(', `)`) // (")
    assert [(x.kind, x.text, x.enclosing) for x in found] == [
        ("word", "a", -1),
        ("symbol", "(", -1),
        ("word", "b", 1),
        ("symbol", "[", 1),
        ("word", "c", 3),
        ("symbol", "]", 1),
        ("symbol", ",", 1),
        ("string", "'('", 1),
        ("symbol", ",", 1),
        ("name", ")", 1),
        ("symbol", ")", -1),
    ]
