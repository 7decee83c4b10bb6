"""From the change log into a graph: in order, and with a reason where the graph refuses."""

from pathlib import Path

import pytest
from fake_store import FakeStore
from store_contract import SCHEMA, fill

from kg.errors import DataError, GraphError, GraphServerError, GraphUnavailableError, QueryError
from kg.item_changes import ItemChange, NamedEntity
from kg.schema import GraphSchema, Phrase, RelationSchema
from service.catalogue.change_log import ChangeLog, StoredChange
from service.catalogue.delivery import deliver_changes
from service.events.delivery import Delivery
from service.events.outbox import Outbox, StoredEvent


@pytest.fixture
def graph() -> FakeStore:
    store = FakeStore()
    fill(store)
    return store


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(tmp_path / "outbox")


def add(log: ChangeLog, *changes: ItemChange, kind: str = "item") -> None:
    log.add([StoredChange.of(kind, x) for x in changes])


def authors(graph: FakeStore) -> set[tuple[str, str]]:
    return set(graph.edges["BY"])


def test_changes_of_items_become_the_graph_in_order(log: ChangeLog, graph: FakeStore) -> None:
    bo = NamedEntity("Author", "a2", "Bo")
    add(
        log,
        ItemChange("b9", "put", {"title": "Nine", "price": 1}, {"BY": ("a1", "a2")}, (bo,)),
        ItemChange("b9", "patch", {"price": 2}, {"BY": ("a2",)}),
        ItemChange("b1", "put", {"title": "New"}),
        ItemChange("b2", "patch", {"pages": 3}),
        ItemChange("b3", "delete"),
    )
    assert deliver_changes(log, graph, 100) == 5
    assert graph.nodes["Book"] == {
        "b1": {"title": "New"},
        "b2": {"title": "Two", "pages": 3},
        "b9": {"title": "Nine", "price": 2},
    }
    assert authors(graph) == {("b9", "a2"), ("b2", "a1")}
    assert graph.nodes["Author"]["a2"] == {"name": "Bo"}
    assert log.counts() == {"delivered": 5}
    assert deliver_changes(log, graph, 100) == 0


def test_the_name_of_an_entity_that_is_there_stays(log: ChangeLog, graph: FakeStore) -> None:
    add(log, ItemChange("b9", "put", {}, {"BY": ("a1",)}, (NamedEntity("Author", "a1", "Else"),)))
    deliver_changes(log, graph, 100)
    assert graph.nodes["Author"] == {"a1": {"name": "Ann"}}


def test_users_come_and_go(log: ChangeLog, graph: FakeStore) -> None:
    add(log, ItemChange("r9", "put", {"name": "Nina"}), ItemChange("r1", "delete"), kind="user")
    deliver_changes(log, graph, 100)
    assert graph.nodes["Reader"] == {"r2": {}, "r9": {"name": "Nina"}}
    assert not graph.edges["READ"]


@pytest.mark.parametrize("refusal", [QueryError("too long"), DataError("too long")])
def test_what_the_graph_refuses_is_kept_with_the_reason(
    log: ChangeLog, graph: FakeStore, refusal: Exception
) -> None:
    add(log, *(ItemChange(f"b{n}", "put", {"title": "x"}) for n in range(10, 14)))
    original = graph.replace_nodes

    def refusing(label, rows):
        if any(row["id"] == "b12" for row in rows):
            raise refusal
        original(label, rows)

    graph.replace_nodes = refusing
    deliver_changes(log, graph, 100)
    assert log.counts() == {"delivered": 3, "dead": 1}
    assert [(x.id, x.reason) for x in log.listed("dead", 9)] == [("b12", "too long")]


@pytest.mark.parametrize("failure", [GraphUnavailableError("away"), GraphServerError("out of memory")])
def test_a_graph_that_is_away_keeps_everything(log: ChangeLog, graph: FakeStore, failure: GraphError) -> None:
    def away(*_rows):
        raise failure

    graph.replace_nodes = away
    add(log, ItemChange("b9", "put"))
    with pytest.raises(type(failure)):
        deliver_changes(log, graph, 100)
    assert log.counts() == {"pending": 1}


def test_a_new_item_comes_before_its_events(log: ChangeLog, graph: FakeStore, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.add([StoredEvent("e", "r2", "b9", "READ", 5, 1, "{}")])
    add(log, ItemChange("b9", "put", {"title": "Nine"}))
    delivery = Delivery(outbox, lambda: graph, changes=log)
    assert delivery.deliver() == 1
    assert delivery.deliver() == 1
    assert [x["item"] for x in graph.read_events("r2")] == ["b9"]
    assert outbox.counts() == {"delivered": 1}


def test_several_changes_of_one_item_in_one_batch_all_count(log: ChangeLog, graph: FakeStore) -> None:
    add(log, ItemChange("b1", "put", {"title": "Old"}, {"BY": ("a1",)}), ItemChange("b1", "put"))
    add(log, ItemChange("b1", "patch", {"price": 1}), ItemChange("b1", "patch", {"pages": 2}))
    assert deliver_changes(log, graph, 100) == 4
    assert graph.nodes["Book"]["b1"] == {"price": 1, "pages": 2}
    assert authors(graph) == {("b2", "a1")}
    assert log.counts() == {"delivered": 4}


def test_the_first_name_of_a_new_entity_stays(log: ChangeLog, graph: FakeStore) -> None:
    for book, name in (("b8", "First"), ("b9", "Second")):
        add(log, ItemChange(book, "put", {}, {"BY": ("a2",)}, (NamedEntity("Author", "a2", name),)))
    deliver_changes(log, graph, 100)
    assert graph.nodes["Author"]["a2"] == {"name": "First"}


def test_relations_that_end_at_the_item_are_replaced_at_their_tail(log: ChangeLog) -> None:
    store, phrase = FakeStore(), Phrase(out="wrote", back="by")
    wrote = RelationSchema(type="WROTE", head="Author", tail="Book", phrase=phrase)
    store.prepare(GraphSchema(labels=SCHEMA.labels, relations=(wrote,), interactions=SCHEMA.interactions))
    store.upsert_nodes("Author", [{"id": x, "properties": {}} for x in ("a1", "a2")])
    store.upsert_nodes("Book", [{"id": x, "properties": {}} for x in ("b1", "b2")])
    store.upsert_relations("WROTE", [{"head": "a1", "tail": x, "properties": {}} for x in ("b1", "b2")])
    add(log, ItemChange("b1", "patch", relations={"WROTE": ("a2",)}))
    deliver_changes(log, store, 100)
    assert set(store.edges["WROTE"]) == {("a2", "b1"), ("a1", "b2")}


def test_an_integer_id_of_another_program_gets_no_twin(log: ChangeLog, graph: FakeStore) -> None:
    graph.nodes["Book"][7] = {"title": "Seven"}
    add(log, ItemChange("7", "patch", {"title": "New"}), ItemChange("b9", "put", {"title": "Nine"}))
    deliver_changes(log, graph, 100)
    assert [(x.id, "is not text" in x.reason) for x in log.listed("dead", 9)] == [("7", True)]
    assert "7" not in graph.nodes["Book"]
    assert graph.nodes["Book"]["b9"] == {"title": "Nine"}
