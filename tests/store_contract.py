"""What every graph store promises: a suite that the fake passes as ArcadeDB and Neo4j do.

A new store inherits `StoreContract` in a test class and gives it the fixture `store`, an empty graph.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from name_strategies import three_names, two_names

from kg.errors import GraphError, GraphSchemaError, UnknownIdError
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema
from kg.snapshot import read_snapshot
from kg.store.records import (
    Checkpoint,
    GraphCounts,
    NodeRow,
    NotNewError,
    PropertyValue,
    RelationRow,
    RunRecord,
    Undone,
)
from kg.store.store import GraphStore

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


class StoreContract:
    """The promises of `GraphStore`, whatever is behind it."""

    @pytest.fixture
    def second_client(self, store: GraphStore) -> GraphStore:
        """Another client of the same graph; the store itself where a client holds nothing of its own."""
        return store

    @pytest.fixture
    def small_delete_batches(self) -> None:
        """Two deletions a transaction, where a store deletes in several."""

    def test_an_empty_graph_has_no_schema(self, store: GraphStore) -> None:
        for ask in (store.schema, store.counts, store.state):
            with pytest.raises(GraphSchemaError, match="run trailmix ingest"):
                ask()

    def test_the_schema_comes_back(self, store: GraphStore, second_client: GraphStore) -> None:
        assert store.prepare(SCHEMA) == SCHEMA
        assert second_client.schema() == SCHEMA

    def test_schemas_merge_and_refuse_to_disagree(self, store: GraphStore) -> None:
        store.prepare(SCHEMA)
        series = LabelSchema(label="Series", role="entity")
        more = SCHEMA.model_copy(update={"labels": (*SCHEMA.labels[:2], series)})
        assert [x.label for x in store.prepare(more).labels] == ["Reader", "Book", "Author", "Series"]
        roles = SCHEMA.model_copy(
            update={"labels": (*SCHEMA.labels[:2], LabelSchema(label="Shop", role="user"))}
        )
        with pytest.raises(GraphSchemaError):
            store.prepare(roles)

    def test_a_label_prepared_elsewhere_is_found(self, store: GraphStore, second_client: GraphStore) -> None:
        store.prepare(SCHEMA)
        series = LabelSchema(label="Series", role="entity")
        second_client.prepare(SCHEMA.model_copy(update={"labels": (*SCHEMA.labels, series)}))
        store.upsert_nodes("Series", [node("s1")])
        assert store.read_nodes("Series").ids == ["s1"]

    def test_writing_twice_changes_no_count(self, store: GraphStore) -> None:
        fill(store)
        fill(store)
        assert store.counts() == FILLED

    def test_properties_are_updated_kept_and_removed(self, store: GraphStore) -> None:
        store.prepare(SCHEMA)
        store.upsert_nodes("Book", [node("b", title="old", pages=1, text="stays")])
        store.upsert_nodes("Book", [node("b", title="new", pages=None)])
        books = store.read_nodes("Book", ["title", "pages", "text"])
        assert books.properties == {"title": ["new"], "pages": [None], "text": ["stays"]}

    def test_names_of_properties(self, store: GraphStore) -> None:
        """The commonest first; without the id, and without those of other labels."""
        store.prepare(SCHEMA)
        assert store.property_names("Book") == []
        rows = [node("b1", title="One", pages=1), node("b2", title="Two"), node("b3", pages=3, series="x")]
        store.upsert_nodes("Book", [*rows, node("b4", title="Four")])
        store.upsert_nodes("Author", [node("a1", born=1950)])
        assert store.property_names("Book") == ["title", "pages", "series"]
        with pytest.raises(GraphSchemaError):
            store.property_names("Nothing")

    def test_values_come_back_as_they_were(self, store: GraphStore) -> None:
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

    def test_hostile_strings_are_only_strings(self, store: GraphStore) -> None:
        store.prepare(SCHEMA)
        store.upsert_nodes("Reader", [node(x, name=x) for x in HOSTILE])
        store.upsert_nodes("Book", [node(x, title=x) for x in HOSTILE])
        assert store.upsert_relations("READ", [relation(x, x, note=x) for x in HOSTILE]) == len(HOSTILE)
        books = store.read_nodes("Book", ["title"])
        assert sorted(books.ids) == sorted(books.properties["title"]) == sorted(HOSTILE)
        read = store.read_relations("READ", ["note"])
        assert read.heads == read.tails == read.properties["note"]
        assert [x["item"] for x in store.read_events("'}) DETACH DELETE n //")] == ["'}) DETACH DELETE n //"]

    @pytest.mark.parametrize(
        "name", ["Nope", "book", "Book`", "Book) DETACH DELETE (n", "TrailmixSchema", ""]
    )
    def test_names_outside_the_schema_are_refused(self, store: GraphStore, name: str) -> None:
        store.prepare(SCHEMA)
        for attempt in (
            lambda: store.upsert_nodes(name, [node("x")]),
            lambda: store.read_nodes(name),
            lambda: store.upsert_relations(name, [relation("x", "y")]),
            lambda: store.read_relations(name),
        ):
            with pytest.raises(GraphSchemaError, match="in this graph; it has"):
                attempt()

    @pytest.mark.parametrize("name", ["id", " a", "a ", "x`", "", "1st", "n.id", "a\u200bb"])
    def test_bad_property_names_are_refused(self, store: GraphStore, name: str) -> None:
        store.prepare(SCHEMA)
        with pytest.raises(ValueError, match="cannot name a property"):
            store.upsert_nodes("Book", [node("b", **{name: 1})])
        assert store.counts().nodes["Book"] == 0

    @settings(
        max_examples=5,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(labels=three_names("L"), kinds=two_names("R"))
    @example(labels=["Kochbuch Größe", "作者", "Film Noir"], kinds=["R&B", "geschrieben von"])
    @example(labels=["a'b", "match", "x" * 63], kinds=["作" * 21, "return"])
    def test_every_name_comes_back(self, store: GraphStore, labels: list[str], kinds: list[str]) -> None:
        """The names of labels and types differ, because ArcadeDB keeps the names of earlier examples."""
        store.clear()
        user, item, entity = labels
        schema = GraphSchema(
            labels=(
                LabelSchema(label=user, role="user", name_property=kinds[0]),
                LabelSchema(label=item, role="item", name_property=entity),
                LabelSchema(label=entity, role="entity"),
            ),
            relations=(
                RelationSchema(type=kinds[1], head=item, tail=entity, phrase=Phrase(out="by", back="wrote")),
            ),
            interactions=(InteractionSchema(type=kinds[0]),),
        )
        store.prepare(schema)
        assert store.schema() == schema
        store.upsert_nodes(user, [node("u", **{kinds[0]: "Ann"})])
        store.upsert_nodes(item, [node("i", **{entity: "One"})])
        store.upsert_nodes(entity, [node("e")])
        assert store.upsert_relations(kinds[1], [relation("i", "e", **{user: 1})]) == 1
        store.begin_run(RunRecord("run1", "files", "mapping", 100))
        read = {kinds[0]: [relation("u", "i", **{item: 2})]}
        store.write_batch({}, read, Checkpoint("run1", "place", 1, 1, 0))
        snapshot = read_snapshot(store)
        assert snapshot.names == ("One", "e", "Ann")
        assert (len(snapshot.triples), len(snapshot.interactions)) == (1, 1)
        assert [x["type"] for x in store.read_events("u")] == [kinds[0]]
        found = store.read_user("u")
        assert found is not None
        assert [(x["type"], x["label"], x["name"]) for x in found.relations] == [(kinds[0], item, "One")]
        assert store.stored_relations(kinds[0], [("u", "i")], [item]) == {("u", "i"): {item: 2}}
        assert store.undo_run("run1").relations == 1
        assert store.delete_user("u") == 0

    def test_rows_with_a_missing_end_are_left_out_and_not_counted(self, store: GraphStore) -> None:
        fill(store)
        rows = [relation("b3", "a1"), relation("b3", "nobody"), relation("nothing", "a1")]
        assert store.upsert_relations("BY", rows) == 1
        assert store.counts().relations["BY"] == 3

    def test_a_repeated_relation_stays_one_and_the_last_row_wins(self, store: GraphStore) -> None:
        fill(store)
        again = [relation("r1", "b1", value=1.0), relation("r1", "b1", value=2.0)]
        assert store.upsert_relations("READ", again) == 2
        read = store.read_relations("READ", ["value", "time"])
        assert (read.heads, read.tails, read.properties) == (["r1"], ["b1"], {"value": [2.0], "time": [100]})

    def test_relations_read_back_with_their_gaps(self, store: GraphStore) -> None:
        fill(store)
        store.upsert_relations("READ", [relation("r1", "b2", time=7), relation("r2", "b1", value=3.0)])
        read = store.read_relations("READ", ["value", "time"])
        rows = zip(read.heads, read.tails, read.properties["value"], read.properties["time"], strict=True)
        assert set(rows) == {("r1", "b1", 4.5, 100), ("r1", "b2", None, 7), ("r2", "b1", 3.0, None)}
        sold = store.read_relations("SOLD", ["value"])
        assert (sold.heads, sold.tails, sold.properties) == ([], [], {"value": []})

    def test_events_of_all_types_come_newest_first(self, store: GraphStore) -> None:
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

    def test_the_state_changes_with_every_write_and_only_then(self, store: GraphStore) -> None:
        fill(store)
        seen = [store.state(), store.state()]
        assert seen[0] == seen[1]
        store.upsert_nodes("Book", [node("b1", title="Renamed")])
        seen.append(store.state())
        store.upsert_relations("READ", [relation("r1", "b1", value=1.0)])
        seen.append(store.state())
        store.delete_relations("READ", but=("value", "2"))
        seen.append(store.state())
        store.delete_user("r2")
        seen.append(store.state())
        store.write_batch({"Book": [node("b4")]}, {}, Checkpoint("run", "books", 1, 1, 0))
        seen.append(store.state())
        store.clear()
        fill(store)
        seen.append(store.state())
        assert len(set(seen)) == len(seen) - 1

    def test_clearing_leaves_nothing(self, store: GraphStore) -> None:
        fill(store)
        store.clear()
        with pytest.raises(GraphSchemaError):
            store.upsert_nodes("Book", [node("b")])
        store.prepare(SCHEMA)
        assert set(store.counts().nodes.values()) == set(store.counts().relations.values()) == {0}
        assert store.runs() == []

    def test_more_than_one_batch_arrives_whole(self, store: GraphStore) -> None:
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

    def test_all_of_a_user_is_read(self, store: GraphStore) -> None:
        fill(store)
        knows = RelationSchema(type="GUIDES", head="Author", tail="Reader", phrase=Phrase(out="a", back="b"))
        store.prepare(SCHEMA.model_copy(update={"relations": (*SCHEMA.relations, knows)}))
        store.upsert_nodes("Reader", [node("r1", name="Ann")])
        by_run = node("r1", trailmix_run="run")
        store.write_batch({"Reader": [by_run]}, {}, Checkpoint("run", "readers", 1, 1, 0))
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

    def test_a_user_is_deleted_and_nobody_else(self, store: GraphStore, small_delete_batches: None) -> None:
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

    def test_a_replaced_node_has_what_was_given_and_keeps_its_relations(self, store: GraphStore) -> None:
        fill(store)
        store.upsert_nodes("Book", [node("b1", pages=9)])
        before = store.state()
        store.replace_nodes("Book", [node("b1", title="New", price=2.5, year=None), node("b9", title="9")])
        books = store.read_nodes("Book", ["title", "pages", "price", "year"])
        found = dict(zip(books.ids, zip(*books.properties.values(), strict=True), strict=True))
        assert found["b1"] == ("New", None, 2.5, None)
        assert found["b9"] == ("9", None, None, None)
        assert found["b2"][0] == "Two"
        assert store.counts().relations == {"BY": 2, "READ": 1, "SOLD": 0}
        assert store.state() != before
        with pytest.raises(ValueError, match="id"):
            store.replace_nodes("Book", [node("b1", id="other")])

    def test_nodes_are_deleted_with_their_relations(
        self, store: GraphStore, small_delete_batches: None
    ) -> None:
        fill(store)
        store.upsert_relations("READ", [relation("r2", x) for x in ("b1", "b2", "b3")])
        assert store.delete_nodes("Book", ["b1", "b3", "nobody"]) == 2
        assert store.counts() == GraphCounts(
            {"Reader": 2, "Book": 1, "Author": 1}, {"BY": 1, "READ": 1, "SOLD": 0}
        )
        assert store.delete_nodes("Book", ["b1"]) == 0

    def test_relations_of_one_end_are_deleted(self, store: GraphStore, small_delete_batches: None) -> None:
        fill(store)
        store.upsert_nodes("Author", [node("a2")])
        store.upsert_relations("BY", [relation("b1", "a2"), relation("b3", "a2"), relation("b3", "a1")])
        assert store.delete_relations_of("BY", ["b1", "nobody"], end="head") == 2
        left = store.read_relations("BY")
        assert sorted(zip(left.heads, left.tails, strict=True)) == [("b2", "a1"), ("b3", "a1"), ("b3", "a2")]
        assert store.delete_relations_of("BY", ["a1"], end="tail") == 2
        assert store.read_relations("BY").heads == ["b3"]
        assert store.counts().relations["READ"] == 1

    def test_relations_of_another_mark_are_deleted(
        self, store: GraphStore, small_delete_batches: None
    ) -> None:
        fill(store)
        store.upsert_relations("READ", [relation("r2", x, trailmix_mark="old") for x in ("b1", "b2", "b3")])
        store.upsert_relations("READ", [relation("r2", "b2", trailmix_mark="new")])
        assert store.delete_relations("READ", but=("trailmix_mark", "new")) == 3  # r1's has no mark at all
        read = store.read_relations("READ")
        assert (read.heads, read.tails) == (["r2"], ["b2"])
        assert store.counts().relations["BY"] == 2

    def test_batches_carry_their_runs(self, store: GraphStore) -> None:
        """What was there before has no provenance and gets none; what a run creates carries its id."""
        fill(store)
        first = [node("b1", title="One"), node("b4", title="Four")]
        read = [relation("r1", "b1", value=1.0), relation("r2", "b4", value=2.0)]
        keep_none = {"trailmix_run": None}
        first[0]["properties"] |= keep_none
        read[0]["properties"] |= keep_none
        store.write_batch({"Book": first}, {"READ": read}, Checkpoint("run1", "orders", 2, 2, 0))
        books = dict(item for batch in store.scan_nodes("Book") for item in batch)
        assert books["b1"] == {"title": "One"}
        assert books["b4"] == {"title": "Four", "trailmix_run": "run1"}
        wanted = ["title", "trailmix_run"]
        assert store.stored_nodes("Book", ["b4", "b9", "b3"], wanted) == {
            "b4": {"title": "Four", "trailmix_run": "run1"},
            "b3": {"title": "Three", "trailmix_run": None},
        }
        pairs = [("r1", "b1"), ("r2", "b4"), ("r2", "b1")]
        assert store.stored_relations("READ", pairs, ["value", "trailmix_run"]) == {
            ("r1", "b1"): {"value": 1.0, "trailmix_run": None},
            ("r2", "b4"): {"value": 2.0, "trailmix_run": "run1"},
        }

    def test_an_upsert_takes_provenance_away(self, store: GraphStore) -> None:
        fill(store)
        store.write_batch({"Book": [node("b4")]}, {}, Checkpoint("run1", "books", 1, 1, 0))
        store.upsert_nodes("Book", [node("b4", title="Four")])
        assert store.stored_nodes("Book", ["b4"], ["trailmix_run"]) == {"b4": {"trailmix_run": None}}

    def test_provenance_alone_is_no_change(self, store: GraphStore) -> None:
        fill(store)
        before = store.state()
        again = node("b1", trailmix_run="run1 run2")
        store.write_batch({"Book": [again]}, {}, Checkpoint("run2", "books", 1, 0, 1), changes=False)
        assert store.state() == before
        assert store.stored_nodes("Book", ["b1"], ["trailmix_run"]) == {"b1": {"trailmix_run": "run1 run2"}}

    def test_runs_and_checkpoints_are_remembered(self, store: GraphStore) -> None:
        fill(store)
        assert store.runs() == []
        one, two = RunRecord("run1", "files", "mapping", 100), RunRecord("run2", "files", "mapping", 200)
        store.begin_run(two)
        store.begin_run(one)
        assert store.runs() == [one, two]
        for rows in (1, 2):
            done = Checkpoint("run1", "books b.csv", rows, 1, rows - 1)
            store.write_batch({"Book": [node("b4")]}, {}, done)
        assert store.checkpoints("run1") == {"books b.csv": Checkpoint("run1", "books b.csv", 2, 1, 1)}
        assert store.checkpoints("run2") == {}
        store.end_run("run1")
        assert store.checkpoints("run1") == {}
        assert store.runs() == [replace(one, state="finished"), two]

    def test_what_is_there_is_told_by_label_and_type(self, store: GraphStore) -> None:
        store.prepare(SCHEMA)
        assert not store.has_nodes("Book")
        fill(store)
        assert store.has_nodes("Book")
        assert (store.has_relations("READ"), store.has_relations("SOLD")) == (True, False)

    @pytest.mark.parametrize("kind", ["Book", "READ"])
    def test_a_batch_that_is_not_new_is_refused_whole(self, store: GraphStore, kind: str) -> None:
        fill(store)
        before = store.state()
        books = [node("b4"), *([node("b1", title="Other")] if kind == "Book" else [])]
        read = [relation("r2", "b4"), *([relation("r1", "b1", value=0.0)] if kind == "READ" else [])]
        batch = {"Book": books}, {"READ": read}, Checkpoint("run1", "orders", 2, 2, 0)
        with pytest.raises(NotNewError) as caught:
            store.write_batch(*batch, new=[kind])
        assert caught.value.name == kind
        assert (store.counts(), store.state()) == (FILLED, before)
        assert store.checkpoints("run1") == {}
        store.write_batch(*batch)
        assert store.counts().nodes["Book"] == 4

    def test_relations_of_new_and_of_old_nodes_are_written_once(self, store: GraphStore) -> None:
        """b4 is new, so (r2, b4) needs no search; (r2, b1) does; (r1, b1) is there and gets a new value."""
        fill(store)
        rows = [
            relation("r2", "b4", value=4.0),
            relation("r2", "b1", value=3.0),
            relation("r1", "b1", value=2.0),
        ]
        batch = {"Book": [node("b4")]}, {"READ": rows}, Checkpoint("run1", "orders", 3, 3, 0)
        before = store.counts().relations["READ"]
        store.write_batch(*batch, new=["Book"])
        assert store.counts().relations["READ"] == before + 2
        pairs = [("r2", "b4"), ("r2", "b1"), ("r1", "b1")]
        stored = store.stored_relations("READ", pairs, ["value", "trailmix_run"])
        assert [stored[pair]["value"] for pair in pairs] == [4.0, 3.0, 2.0]
        assert {stored[pair]["trailmix_run"] for pair in pairs[:2]} == {"run1"}

    def test_a_pair_that_a_batch_repeats_is_one_relation(self, store: GraphStore) -> None:
        fill(store)
        before = store.counts().relations["READ"]
        rows = [relation("r2", "b4", value=1.0), relation("r2", "b4", value=2.0)]
        store.write_batch({"Book": [node("b4")]}, {"READ": rows}, Checkpoint("r", "o", 2, 2, 0), new=["Book"])
        assert store.counts().relations["READ"] == before + 1
        assert store.stored_relations("READ", [("r2", "b4")], ["value"])["r2", "b4"]["value"] == 2.0

    def test_a_batch_whose_relations_miss_an_end_is_refused_whole(self, store: GraphStore) -> None:
        fill(store)
        before = store.state()
        with pytest.raises(GraphError, match="did not find their nodes"):
            store.write_batch(
                {"Book": [node("b4")]},
                {"READ": [relation("r1", "b9")]},
                Checkpoint("run1", "orders", 1, 1, 0),
            )
        assert (store.counts(), store.state()) == (FILLED, before)

    def test_undoing_a_run_removes_what_it_alone_brought(self, store: GraphStore) -> None:
        """Run 1 brings b4, b5, b6; run 2 names b5 too; r2, whom no run brought, has read b6."""
        fill(store)
        store.begin_run(RunRecord("run1", "files", "mapping", 100))
        store.begin_run(RunRecord("run2", "files", "mapping", 200))
        brought = {"Book": [node("b4"), node("b5"), node("b6")]}
        read = {"READ": [relation("r1", "b4"), relation("r1", "b5")]}
        store.write_batch(brought, read, Checkpoint("run1", "orders", 3, 3, 0))
        shared = {"trailmix_run": "run1 run2"}
        store.write_batch(
            {"Book": [node("b5", **shared)]},
            {"READ": [relation("r1", "b5", **shared)]},
            Checkpoint("run2", "orders", 1, 0, 1),
        )
        store.upsert_relations("READ", [relation("r2", "b6")])
        before = store.state()
        assert store.undo_run("run1") == Undone(nodes=1, relations=1, kept=1)
        assert sorted(store.read_nodes("Book").ids) == ["b1", "b2", "b3", "b5", "b6"]
        found = store.read_relations("READ")
        assert sorted(zip(found.heads, found.tails, strict=True)) == [
            ("r1", "b1"),
            ("r1", "b5"),
            ("r2", "b6"),
        ]
        runs = store.stored_nodes("Book", ["b5", "b6"], ["trailmix_run"])
        assert runs == {"b5": {"trailmix_run": "run2"}, "b6": {"trailmix_run": None}}
        assert [run.id for run in store.runs()] == ["run2"]
        assert store.checkpoints("run1") == {}
        assert store.state() != before
        with pytest.raises(UnknownIdError, match="run1"):
            store.undo_run("run1")
        assert store.undo_run("run2") == Undone(nodes=1, relations=1, kept=0)

    def test_an_empty_list_of_rows_changes_nothing(self, store: GraphStore) -> None:
        fill(store)
        before = store.state()
        store.upsert_nodes("Book", [])
        assert store.upsert_relations("READ", []) == 0
        assert store.state() == before
