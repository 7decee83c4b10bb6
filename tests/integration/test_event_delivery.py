"""Events come into a real graph as into the fake one, on each engine."""

import time
from pathlib import Path

from store_contract import fill

from kg.item_changes import ItemChange, NamedEntity
from kg.store.store import GraphStore
from service.catalogue.change_log import ChangeLog, StoredChange
from service.events.delivery import Delivery
from service.events.outbox import Outbox, StoredEvent

STRANGE = "a/b 漢字 '\"`{}"


def event(
    name: str, user: str, item: str, time: int, kind: str = "READ", value: float | None = None
) -> StoredEvent:
    return StoredEvent(name, user, item, kind, value, time, "{}")


def test_events_are_in_the_graph_once_and_the_latest_stays(store: GraphStore, tmp_path: Path) -> None:
    fill(store)
    outbox = Outbox(tmp_path / "outbox")
    delivery = Delivery(outbox, lambda: store)
    outbox.add(
        [
            event("a", STRANGE, "b1", 50, value=2.5),
            event("b", STRANGE, "b1", 40, value=1),
            event("c", "r2", "b2", 60),
            event("d", STRANGE, "zz", 70),
            event("e", STRANGE, "b3", 80, "DISLIKED", -1),
        ]
    )
    before = store.state()
    assert delivery.deliver() == 5
    assert store.state() != before, "so that the next training reads the graph again"
    assert delivery.deliver() == 0
    outbox.add([event("late", STRANGE, "b1", 45, value=5), event("later", "r2", "b2", 61, value=3)])
    delivery.deliver()
    assert [tuple(x.values()) for x in store.read_events(STRANGE)] == [
        ("DISLIKED", "b3", -1.0, 80),
        ("READ", "b1", 2.5, 50),
    ]
    assert [tuple(x.values()) for x in store.read_events("r2")] == [("READ", "b2", 3.0, 61)]
    assert outbox.counts() == {"delivered": 6, "dead": 1}
    assert [x.reason for x in outbox.listed("dead", 9)] == ["no Book has the id 'zz'"]
    assert [x.type for x in store.schema().interactions] == ["READ", "SOLD", "DISLIKED"]


def test_a_thousand_events_are_delivered_by_the_thread(store: GraphStore, tmp_path: Path) -> None:
    fill(store)
    outbox = Outbox(tmp_path / "outbox")
    delivery = Delivery(outbox, lambda: store)
    outbox.add([event(f"{n}", f"u{n % 300}", f"b{n % 3 + 1}", n) for n in range(1000)])
    delivery.start()
    try:
        end = time.monotonic() + 60
        while outbox.counts() != {"delivered": 1000}:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert store.counts().relations["READ"] == 300 + 1, (
            "three of each hundred users' items are the same one"
        )
        assert [x["time"] for x in store.read_events("u7")] == [907]
    finally:
        delivery.stop()


def test_changes_of_items_and_users_are_in_the_graph(store: GraphStore, tmp_path: Path) -> None:
    fill(store)
    log = ChangeLog(tmp_path / "outbox")
    named = (NamedEntity("Author", STRANGE, "Bo"),)
    changes = [
        ItemChange(STRANGE, "put", {"title": "Nine", "tags": ["a", "b"], "price": 1.5}, {"BY": ("a1",)}),
        ItemChange(STRANGE, "patch", {"price": None, "pages": 3}, {"BY": (STRANGE,)}, named),
        ItemChange("b1", "put", {"title": "New"}),
        ItemChange("b2", "delete"),
    ]
    log.add(
        [*(StoredChange.of("item", x) for x in changes), StoredChange.of("user", ItemChange("r1", "delete"))]
    )
    assert Delivery(Outbox(tmp_path / "outbox"), lambda: store, changes=log).deliver() == 5
    assert log.counts() == {"delivered": 5}
    books = store.read_nodes("Book", ["title", "tags", "price", "pages"])
    found = dict(zip(books.ids, zip(*books.properties.values(), strict=True), strict=True))
    assert found == {
        STRANGE: ("Nine", ["a", "b"], None, 3),
        "b1": ("New", None, None, None),
        "b3": ("Three", None, None, None),
    }
    by = store.read_relations("BY")
    assert list(zip(by.heads, by.tails, strict=True)) == [(STRANGE, STRANGE)]
    assert store.counts().nodes == {"Reader": 1, "Book": 3, "Author": 2}
    assert store.counts().relations["READ"] == 0
