"""What a graph store promises, on each engine."""

import time

import pytest

from kg.errors import GraphSchemaError, GraphUnavailableError, QueryError
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema
from kg.store.store import Connection, GraphCounts, GraphStore, NodeRow, PropertyValue, RelationRow

SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Reader", role="user"),
        LabelSchema(label="Book", role="item", name_property="title"),
        LabelSchema(label="Author", role="entity"),
    ),
    relations=(RelationSchema(type="BY", head="Book", tail="Author", phrase=Phrase(out="by", back="wrote")),),
    interactions=(InteractionSchema(type="READ"), InteractionSchema(type="SOLD")),
)

HOSTILE = [
    "it's",
    'say "no"',
    "`Book`",
    "'}) DETACH DELETE n //",
    "$rows",
    "\\u0027 \\",
    "{id: 1}",
    "ünïcödé 漢字 🎬",
    "a\nb\tc",
    " ",
    "0",
]


def node(external_id: str, **properties: PropertyValue) -> NodeRow:
    return NodeRow(id=external_id, properties=properties)


def relation(head: str, tail: str, **properties: PropertyValue) -> RelationRow:
    return RelationRow(head=head, tail=tail, properties=properties)


def fill(store: GraphStore) -> None:
    """Two readers, three books, one author; b3 has no author and r2 has read nothing."""
    store.prepare(SCHEMA)
    store.upsert_nodes("Reader", [node("r1"), node("r2")])
    store.upsert_nodes("Book", [node("b1", title="One"), node("b2", title="Two"), node("b3", title="Three")])
    store.upsert_nodes("Author", [node("a1", name="Ann")])
    store.upsert_relations("BY", [relation("b1", "a1"), relation("b2", "a1")])
    store.upsert_relations("READ", [relation("r1", "b1", value=4.5, time=100)])


FILLED = GraphCounts({"Reader": 2, "Book": 3, "Author": 1}, {"BY": 2, "READ": 1, "SOLD": 0})


def test_the_engine_is_known(store: GraphStore, request: pytest.FixtureRequest) -> None:
    info = store.info()
    assert info.engine in request.node.name
    assert info.version.startswith({"neo4j": "5.", "arcadedb": "26."}[info.engine])


def test_an_empty_graph_has_no_schema(store: GraphStore) -> None:
    for ask in (store.schema, store.counts, store.state):
        with pytest.raises(GraphSchemaError, match="run trailmix ingest"):
            ask()


def test_the_schema_comes_back(store: GraphStore) -> None:
    assert store.prepare(SCHEMA) == SCHEMA
    with GraphStore(store.connection) as other:
        assert other.schema() == SCHEMA


def test_schemas_merge_and_refuse_to_disagree(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    series = LabelSchema(label="Series", role="entity")
    more = SCHEMA.model_copy(update={"labels": (*SCHEMA.labels[:2], series)})
    assert [x.label for x in store.prepare(more).labels] == ["Reader", "Book", "Author", "Series"]
    roles = SCHEMA.model_copy(update={"labels": (*SCHEMA.labels[:2], LabelSchema(label="Shop", role="user"))})
    with pytest.raises(GraphSchemaError):
        store.prepare(roles)


def test_a_label_prepared_elsewhere_is_found(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    series = LabelSchema(label="Series", role="entity")
    with GraphStore(store.connection) as other:
        other.prepare(SCHEMA.model_copy(update={"labels": (*SCHEMA.labels, series)}))
    store.upsert_nodes("Series", [node("s1")])
    assert store.read_nodes("Series").ids == ["s1"]


def test_ids_are_unique_by_constraint(store: GraphStore) -> None:
    fill(store)
    with pytest.raises(QueryError, match="ConstraintValidationFailed"):
        store.query("CREATE (:Book {id: 'b1'})", write=True)
    assert store.counts() == FILLED


def test_writing_twice_changes_no_count(store: GraphStore) -> None:
    fill(store)
    fill(store)
    assert store.counts() == FILLED


def test_properties_are_updated_kept_and_removed(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node("b", title="old", pages=1, text="stays")])
    store.upsert_nodes("Book", [node("b", title="new", pages=None)])
    books = store.read_nodes("Book", ["title", "pages", "text"])
    assert books.properties == {"title": ["new"], "pages": [None], "text": ["stays"]}


def test_values_come_back_as_they_were(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    values: dict[str, PropertyValue] = {
        "text": "x",
        "empty": "",
        "whole": -(2**53),
        "real": 0.1,
        "yes": True,
        "texts": ["a", ""],
        "wholes": [1, 2],
        "reals": [0.5],
        "none_of_many": [],
        "nothing": None,
    }
    store.upsert_nodes("Book", [node("b", **values), node("bare")])
    books = store.read_nodes("Book", list(values))
    full, bare = books.ids.index("b"), books.ids.index("bare")
    assert {name: column[full] for name, column in books.properties.items()} == values
    assert {column[bare] for column in books.properties.values()} == {None}


def test_hostile_strings_are_only_strings(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Reader", [node(x, name=x) for x in HOSTILE])
    store.upsert_nodes("Book", [node(x, title=x) for x in HOSTILE])
    assert store.upsert_relations("READ", [relation(x, x, note=x) for x in HOSTILE]) == len(HOSTILE)
    books = store.read_nodes("Book", ["title"])
    assert sorted(books.ids) == sorted(books.properties["title"]) == sorted(HOSTILE)
    read = store.read_relations("READ", ["note"])
    assert read.heads == read.tails == read.properties["note"]
    assert [x["item"] for x in store.read_events("'}) DETACH DELETE n //")] == ["'}) DETACH DELETE n //"]


@pytest.mark.parametrize("name", ["Nope", "book", "Book`", "Book) DETACH DELETE (n", "TrailmixSchema", ""])
def test_names_outside_the_schema_are_refused(store: GraphStore, name: str) -> None:
    store.prepare(SCHEMA)
    for attempt in (
        lambda: store.upsert_nodes(name, [node("x")]),
        lambda: store.read_nodes(name),
        lambda: store.upsert_relations(name, [relation("x", "y")]),
        lambda: store.read_relations(name),
    ):
        with pytest.raises(GraphSchemaError, match="in this graph; it has"):
            attempt()


@pytest.mark.parametrize("name", ["id", "a b", "x`", "", "1st", "n.id"])
def test_bad_property_names_are_refused(store: GraphStore, name: str) -> None:
    store.prepare(SCHEMA)
    with pytest.raises(ValueError, match="cannot name a property"):
        store.upsert_nodes("Book", [node("b", **{name: 1})])
    assert store.counts().nodes["Book"] == 0


def test_rows_with_a_missing_end_are_left_out_and_not_counted(store: GraphStore) -> None:
    fill(store)
    rows = [relation("b3", "a1"), relation("b3", "nobody"), relation("nothing", "a1")]
    assert store.upsert_relations("BY", rows) == 1
    assert store.counts().relations["BY"] == 3


def test_a_repeated_relation_stays_one_and_the_last_row_wins(store: GraphStore) -> None:
    fill(store)
    again = [relation("r1", "b1", value=1.0), relation("r1", "b1", value=2.0)]
    assert store.upsert_relations("READ", again) == 2
    read = store.read_relations("READ", ["value", "time"])
    assert (read.heads, read.tails, read.properties) == (["r1"], ["b1"], {"value": [2.0], "time": [100]})


def test_relations_read_back_with_their_gaps(store: GraphStore) -> None:
    fill(store)
    store.upsert_relations("READ", [relation("r1", "b2", time=7), relation("r2", "b1", value=3.0)])
    read = store.read_relations("READ", ["value", "time"])
    rows = zip(read.heads, read.tails, read.properties["value"], read.properties["time"], strict=True)
    assert set(rows) == {("r1", "b1", 4.5, 100), ("r1", "b2", None, 7), ("r2", "b1", 3.0, None)}
    sold = store.read_relations("SOLD", ["value"])
    assert (sold.heads, sold.tails, sold.properties) == ([], [], {"value": []})


def test_events_of_all_types_come_newest_first(store: GraphStore) -> None:
    fill(store)
    store.upsert_relations("READ", [relation("r1", "b2", value=1.0, time=300), relation("r1", "b3")])
    store.upsert_relations("SOLD", [relation("r1", "b1", time=200)])
    assert [(x["type"], x["item"], x["value"], x["time"]) for x in store.read_events("r1")] == [
        ("READ", "b2", 1.0, 300),
        ("SOLD", "b1", None, 200),
        ("READ", "b1", 4.5, 100),
        ("READ", "b3", None, None),
    ]
    assert store.read_events("r2") == store.read_events("nobody") == []


def test_the_state_changes_with_every_write_and_only_then(store: GraphStore) -> None:
    fill(store)
    seen = [store.state(), store.state()]
    assert seen[0] == seen[1]
    store.upsert_nodes("Book", [node("b1", title="Renamed")])
    seen.append(store.state())
    store.upsert_relations("READ", [relation("r1", "b1", value=1.0)])
    seen.append(store.state())
    store.query("CREATE (:Book {id: 'b4'})", write=True)
    seen.append(store.state())
    store.clear()
    fill(store)
    seen.append(store.state())
    assert len(set(seen)) == len(seen) - 1


def test_the_state_notices_what_other_clients_add(store: GraphStore) -> None:
    fill(store)
    before = store.state()
    with store._driver.session(database=store.connection.database) as session:
        session.run("CREATE (:Author {id: 'a2'})").consume()
    assert store.state() != before


def test_clearing_leaves_nothing(store: GraphStore) -> None:
    fill(store)
    store.clear()
    assert store.query("MATCH (n) RETURN count(n) AS n") == [{"n": 0}]
    with pytest.raises(GraphSchemaError):
        store.upsert_nodes("Book", [node("b")])


def test_free_queries_answer_in_plain_values(store: GraphStore) -> None:
    fill(store)
    rows = store.query(
        "MATCH p = (b:Book {id: $id})-[r:BY]->(a) RETURN b, r, p, [a.name] AS names", {"id": "b1"}
    )
    book, author, by = {"id": "b1", "title": "One"}, {"id": "a1", "name": "Ann"}, {"type": "BY"}
    assert rows == [{"b": book, "r": by, "p": [book, by, author], "names": ["Ann"]}]


def test_a_query_that_is_wrong_says_why(store: GraphStore) -> None:
    with pytest.raises(QueryError, match=r"SyntaxError.*"):
        store.query("RETURN broken(")


def test_reading_queries_cannot_write(store: GraphStore) -> None:
    fill(store)
    with pytest.raises(QueryError, match="DELETE writes"):
        store.query("MATCH (n) DELETE n")
    assert store.counts() == FILLED


def test_a_query_ends_at_its_time_limit_and_the_store_goes_on(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node(f"b{n}", n=n) for n in range(400)])
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"ended after 0\.5 s"):
        store.query(
            "MATCH (a:Book), (b:Book), (c:Book) WHERE a.n + b.n + c.n < 0 RETURN count(*)", timeout=0.5
        )
    assert time.monotonic() - began < 5.0
    assert store.counts().nodes["Book"] == 400


def test_more_than_one_batch_arrives_whole(store: GraphStore) -> None:
    readers, books = 2_100, 5  # past READ_BATCH; 10,500 relations are past RELATION_BATCH
    store.prepare(SCHEMA)
    store.upsert_nodes("Reader", [node(f"r{n}") for n in range(readers)])
    store.upsert_nodes("Book", [node(f"b{n}") for n in range(books)])
    rows = [relation(f"r{r}", f"b{b}", time=r * books + b) for r in range(readers) for b in range(books)]
    assert store.upsert_relations("READ", rows) == readers * books
    read = store.read_relations("READ", ["time"])
    expected = {(row["head"], row["tail"], row["properties"]["time"]) for row in rows}
    assert set(zip(read.heads, read.tails, read.properties["time"], strict=True)) == expected
    assert len(read.heads) == readers * books


def test_long_texts_in_a_whole_batch_arrive(store: GraphStore) -> None:
    store.prepare(SCHEMA)
    store.upsert_nodes("Book", [node(f"b{n}", text="long " * 1_000) for n in range(5_000)])  # 25 MB
    assert store.counts().nodes["Book"] == 5_000


def test_a_wrong_password_says_so_and_shows_none(server: Connection) -> None:
    wrong = Connection(server.uri, server.username, type(server.password)("not-this-one"), server.database)
    with (
        GraphStore(wrong) as store,
        pytest.raises(GraphUnavailableError, match="refused the login") as caught,
    ):
        store.info()
    assert "not-this-one" not in f"{caught.value}{wrong!r}"


def test_all_of_a_user_is_read(store: GraphStore) -> None:
    fill(store)
    knows = RelationSchema(type="GUIDES", head="Author", tail="Reader", phrase=Phrase(out="a", back="b"))
    store.prepare(SCHEMA.model_copy(update={"relations": (*SCHEMA.relations, knows)}))
    store.upsert_nodes("Reader", [node("r1", name="Ann")])
    store.query("MATCH (r:Reader {id: 'r1'}) SET r.trailmix_run = 'run'", write=True)
    store.upsert_relations("GUIDES", [relation("a1", "r1", since=2000)])
    found = store.read_user("r1")
    assert found is not None
    assert found.properties == {"id": "r1", "name": "Ann", "trailmix_run": "run"}
    read = {"type": "READ", "direction": "out", "label": "Book", "id": "b1", "name": "One"}
    guides = {"type": "GUIDES", "direction": "in", "label": "Author", "id": "a1", "name": "Ann"}
    assert found.relations == [
        {**read, "properties": {"value": 4.5, "time": 100}},
        {**guides, "properties": {"since": 2000}},
    ]
    assert store.read_user("nobody") is store.delete_user("nobody") is None


def test_a_user_is_deleted_and_nobody_else(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.store.store.DELETE_BATCH", 2)
    fill(store)
    store.upsert_relations("READ", [relation("r1", "b2"), relation("r1", "b3"), relation("r2", "b1")])
    store.upsert_relations("SOLD", [relation("r1", "b1")])
    before = store.state()
    assert store.delete_user("r1") == 4
    assert store.counts() == GraphCounts(
        {"Reader": 1, "Book": 3, "Author": 1}, {"BY": 2, "READ": 1, "SOLD": 0}
    )
    assert store.read_relations("READ").heads == ["r2"]
    assert store.state() != before


def test_relations_of_another_mark_are_deleted(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.store.store.DELETE_BATCH", 2)
    fill(store)
    store.upsert_relations("READ", [relation("r2", x, trailmix_mark="old") for x in ("b1", "b2", "b3")])
    store.upsert_relations("READ", [relation("r2", "b2", trailmix_mark="new")])
    assert store.delete_relations("READ", but=("trailmix_mark", "new")) == 3  # r1's has no mark at all
    read = store.read_relations("READ")
    assert (read.heads, read.tails) == (["r2"], ["b2"])
    assert store.counts().relations["BY"] == 2
