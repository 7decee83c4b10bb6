"""How every graph store reads what other programs wrote: a suite that the fake passes as the servers do.

A test class inherits `ForeignDataContract` and has the fixtures `store`, an empty graph, and `outsider`.
"""

from datetime import UTC, date, datetime
from typing import Any, Protocol

import pytest
from neo4j.spatial import CartesianPoint
from store_contract import SCHEMA, fill, node, relation

from kg.errors import DataError, GraphSchemaError
from kg.snapshot import read_snapshot
from kg.store.graph_hash import graph_content
from kg.store.records import Checkpoint, RunRecord
from kg.store.store import GraphStore


class Outsider(Protocol):
    """Another program with access to the same graph."""

    def node(self, label: str, **properties: Any) -> None:
        """Create a node."""

    def relation(self, kind: str, head: tuple[str, Any], tail: tuple[str, Any], **properties: Any) -> None:
        """Create a relation between nodes that are given by label and id."""


class ForeignDataContract:
    """Data of another program is read, or named in one line."""

    def test_integer_ids_read_as_their_text(self, store: GraphStore, outsider: Outsider) -> None:
        """Book 7 by author 10 was read by reader 3; b1, b2 and b3 are the store's own."""
        fill(store)
        outsider.node("Book", id=7, title="Seven")
        outsider.node("Author", id=10, name="Ten")
        outsider.node("Reader", id=3, name="Three")
        outsider.relation("BY", ("Book", 7), ("Author", 10))
        outsider.relation("READ", ("Reader", 3), ("Book", 7), value=2.0, time=50)
        assert sorted(store.read_nodes("Book").ids) == ["7", "b1", "b2", "b3"]
        by = store.read_relations("BY")
        assert ("7", "10") in list(zip(by.heads, by.tails, strict=True))
        assert store.read_events("3") == [{"type": "READ", "item": "7", "value": 2.0, "time": 50}]
        assert dict(x for batch in store.scan_nodes("Author") for x in batch)["10"] == {"name": "Ten"}
        assert ("3", "7", {"value": 2.0, "time": 50}) in [x for b in store.scan_relations("READ") for x in b]
        snapshot = read_snapshot(store)
        assert snapshot.items.ids == ("7", "b1", "b2", "b3")
        assert snapshot.names[snapshot.node("Author", "10")] == "Ten"
        assert (len(snapshot.interactions), len(snapshot.triples)) == (2, 3)

    def test_properties_of_any_types_become_columns(self, store: GraphStore, outsider: Outsider) -> None:
        store.prepare(SCHEMA)
        given = {"n": 1, "mixed": 2, "made": date(2020, 1, 2), "at": datetime(2020, 1, 2, 3, tzinfo=UTC)}
        outsider.node("Book", id="b1", **given, blob=b"7", parts=[1, 2])
        outsider.node("Book", id="b2", n=0.5, mixed="two", where=CartesianPoint((1.0, 2.0)))
        snapshot = read_snapshot(store)
        first, second = (snapshot.item_properties.of(item) for item in range(2))
        assert second == {"n": 0.5, "mixed": "two"}
        assert str(first.pop("at")).startswith("2020-01-02T03:00")
        assert first == {"n": 1, "mixed": "2", "made": "2020-01-02", "parts": ["1", "2"]}
        present = {name: own.present.tolist() for name, own in snapshot.item_properties.columns.items()}
        assert (present["blob"], present["where"]) == ([True, False], [False, True])

    def test_nodes_of_another_program_alone_are_no_empty_graph(
        self, store: GraphStore, outsider: Outsider
    ) -> None:
        with pytest.raises(GraphSchemaError, match="is empty"):
            store.schema()
        outsider.node("Book", id=7)
        with pytest.raises(GraphSchemaError, match=r"nodes of another program \(label 'Book'\)"):
            store.schema()

    def test_an_integer_id_has_the_hash_of_its_text(self, store: GraphStore, outsider: Outsider) -> None:
        fill(store)
        outsider.node("Author", id=10, name="Ten")
        whole = graph_content(store)
        store.clear()
        fill(store)
        outsider.node("Author", id="10", name="Ten")
        assert graph_content(store) == whole

    def test_a_user_with_an_integer_id_is_shown_and_forgotten(
        self, store: GraphStore, outsider: Outsider
    ) -> None:
        fill(store)
        outsider.node("Reader", id=3, name="Three")
        outsider.relation("READ", ("Reader", 3), ("Book", "b1"), value=2.0)
        found = store.read_user("3")
        assert found is not None
        assert found.properties == {"id": "3", "name": "Three"}
        assert [(x["type"], x["label"], x["id"], x["name"]) for x in found.relations] == [
            ("READ", "Book", "b1", "One")
        ]
        assert store.read_user("03") is store.delete_user("03") is None
        assert store.delete_user("3") == 1
        assert store.read_nodes("Reader").ids != []
        assert "3" not in store.read_nodes("Reader").ids

    def test_nothing_is_written_beside_ids_that_are_no_text(
        self, store: GraphStore, outsider: Outsider
    ) -> None:
        fill(store)
        outsider.node("Book", id=7, title="Seven")
        before = store.counts()
        with pytest.raises(
            DataError, match=r"^Book: 1 node has an id that is not text, such as 7 \(integer\)"
        ):
            store.prepare(SCHEMA)
        assert store.counts() == before

    def test_a_label_is_checked_before_its_first_ingestion(
        self, store: GraphStore, outsider: Outsider
    ) -> None:
        """An index of integers would take "007" and "7" for one id on ArcadeDB."""
        outsider.node("Book", id=7, title="Seven")
        with pytest.raises(DataError, match=r"^Book: .*7"):
            store.prepare(SCHEMA)

    @pytest.mark.parametrize(
        ("external", "named"),
        [
            (8.5, r"8\.5 \(float\)"),
            (True, r"True \(boolean\)"),
            (date(2020, 1, 2), r"2020-01-02 \(date\)"),
            (datetime(2020, 1, 2, 3, tzinfo=UTC), r"2020-01-02T03.* \(datetime\)"),
            (b"7", r"b'7' \(bytes"),
            (CartesianPoint((1.0, 2.0)), r".*[Pp]oint"),
        ],
    )
    def test_an_id_of_another_type_is_named(
        self, store: GraphStore, outsider: Outsider, external: Any, named: str
    ) -> None:
        fill(store)
        outsider.node("Author", id=external, name="Odd")
        for read in (
            lambda: store.read_nodes("Author"),
            lambda: list(store.scan_nodes("Author")),
            lambda: read_snapshot(store),
            lambda: graph_content(store),
        ):
            with pytest.raises(DataError, match=f"^Author: the property id of a node is {named}"):
                read()

    def test_a_node_without_id_is_named(self, store: GraphStore, outsider: Outsider) -> None:
        fill(store)
        outsider.node("Author", name="Nobody")
        for read in (lambda: store.read_nodes("Author"), lambda: read_snapshot(store)):
            with pytest.raises(DataError, match=r"^Author: .* no property id"):
                read()

    def test_other_programs_do_not_stop_an_undo(self, store: GraphStore, outsider: Outsider) -> None:
        fill(store)
        store.begin_run(RunRecord("run1", "files", "mapping", 100))
        batch = {"Book": [node("b4")]}, {"READ": [relation("r1", "b4")]}
        store.write_batch(*batch, Checkpoint("run1", "orders", 1, 1, 0))
        outsider.node("Book", title="No id")
        outsider.node("Reader", id=3)
        assert store.undo_run("run1").nodes == 1

    @pytest.mark.parametrize(
        ("stored", "read"),
        [
            (1984, "1984"),
            (2.5, "2.5"),
            (True, "true"),
            (["One", "Two"], "One, Two"),
            (date(2020, 1, 2), "2020-01-02"),
            (None, "b9"),
        ],
    )
    def test_a_name_of_another_type_is_shown(
        self, store: GraphStore, outsider: Outsider, stored: Any, read: str
    ) -> None:
        fill(store)
        outsider.node("Book", id="b9", **({} if stored is None else {"title": stored}))
        snapshot = read_snapshot(store)
        assert snapshot.names[snapshot.node("Book", "b9")] == read

    @pytest.mark.parametrize(
        ("stored", "read"), [(["A wizard.", "A school."], "A wizard. A school."), (0, "0"), ("x", "x")]
    )
    def test_a_text_of_another_type_is_read(
        self, store: GraphStore, outsider: Outsider, stored: Any, read: str
    ) -> None:
        fill(store)
        outsider.node("Book", id="b9", title="Nine", text=stored)
        snapshot = read_snapshot(store)
        assert snapshot.texts[snapshot.node("Book", "b9")] == read

    def test_a_name_without_text_is_named(self, store: GraphStore, outsider: Outsider) -> None:
        fill(store)
        outsider.node("Book", id="b9", title=b"\x00\x01")
        with pytest.raises(DataError, match=r"^Book 'b9': the property title is .*bytes"):
            read_snapshot(store)

    @pytest.mark.parametrize(
        ("value", "time", "read"),
        [
            ("4.5", "1577923200", (4.5, 1577923200)),
            (4, 1577923200.9, (4.0, 1577923200)),
            (True, date(2020, 1, 2), (1.0, 1577923200)),  # 18263 days after 1970 are 18263 * 86400 s
            (0.5, datetime(2020, 1, 2, 1, tzinfo=UTC), (0.5, 1577923200 + 3600)),
            (-1, "2020-01-02T02:00:00+02:00", (-1.0, 1577923200)),
            (2.0, datetime(2020, 1, 2), (2.0, 1577923200)),
        ],
    )
    def test_values_and_times_of_other_types_are_read(
        self, store: GraphStore, outsider: Outsider, value: Any, time: Any, read: tuple[float, int]
    ) -> None:
        fill(store)
        outsider.relation("SOLD", ("Reader", "r2"), ("Book", "b2"), value=value, time=time)
        found = store.read_events("r2")
        assert [(x["value"], x["time"]) for x in found] == [read]
        events = read_snapshot(store).interactions
        sold = events.select(events.kind == 1)
        assert (sold.value.tolist(), sold.time.tolist()) == ([read[0]], [read[1]])

    @pytest.mark.parametrize(
        ("name", "stored"),
        [
            ("value", "many"),
            ("value", [1.0, 2.0]),
            ("value", float("nan")),
            ("value", date(2020, 1, 2)),
            ("time", "yesterday"),
            ("time", [1, 2]),
            ("time", True),
            ("time", -5),
            ("time", 1577923200000),  # milliseconds
        ],
    )
    def test_a_value_or_time_that_is_none_is_named(
        self, store: GraphStore, outsider: Outsider, name: str, stored: Any
    ) -> None:
        fill(store)
        outsider.relation("SOLD", ("Reader", "r2"), ("Book", "b2"), **{name: stored})
        for read in (lambda: store.read_events("r2"), lambda: read_snapshot(store)):
            with pytest.raises(DataError, match=f"^SOLD from 'r2' to 'b2': the property {name} is "):
                read()
