"""From the outbox into a graph: in order, once, and with a reason where the graph refuses."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_store import FakeStore
from store_contract import fill

from kg.errors import GraphUnavailableError, QueryError
from service.events.delivery import Delivery, DeliveryConfig
from service.events.outbox import Outbox, StoredEvent

QUICK = DeliveryConfig(batch=10, interval=0.01, first_wait=0.02, longest_wait=0.05)


def event(
    name: str, user: str, item: str, time: int, kind: str = "READ", value: float | None = None
) -> StoredEvent:
    return StoredEvent(name, user, item, kind, value, time, "{}")


@pytest.fixture
def graph() -> FakeStore:
    store = FakeStore()
    fill(store)
    return store


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


@pytest.fixture
def delivery(outbox: Outbox, graph: FakeStore) -> Delivery:
    return Delivery(outbox, lambda: graph, QUICK)


def events_of(graph: FakeStore, user: str) -> list[tuple[Any, ...]]:
    return [(x["type"], x["item"], x["value"], x["time"]) for x in graph.read_events(user)]


def states(outbox: Outbox) -> dict[str, str]:
    return {x.id: x.state for x in outbox.since(0)}


def test_events_become_relations_of_users_who_may_be_new(
    outbox: Outbox, graph: FakeStore, delivery: Delivery
) -> None:
    outbox.add([event("a", "r2", "b1", 5, value=4.5), event("b", "new", "b2", 6), event("c", "new", "b1", 7)])
    assert delivery.deliver() == 3
    assert events_of(graph, "r2") == [("READ", "b1", 4.5, 5)]
    assert events_of(graph, "new") == [("READ", "b1", None, 7), ("READ", "b2", None, 6)]
    assert set(states(outbox).values()) == {"delivered"}
    assert delivery.deliver() == 0


def test_a_user_that_a_run_brought_stays_of_that_run(
    outbox: Outbox, graph: FakeStore, delivery: Delivery
) -> None:
    graph.provenance["Reader", "r2"] = "run7"
    outbox.add([event("a", "r2", "b1", 5)])
    delivery.deliver()
    assert graph.provenance["Reader", "r2"] == "run7"


def test_the_latest_of_several_events_stays(outbox: Outbox, graph: FakeStore, delivery: Delivery) -> None:
    """Within a batch, and against what the graph has."""
    outbox.add([event("a", "r2", "b1", 9, value=1), event("b", "r2", "b1", 7, value=2)])
    delivery.deliver()
    assert events_of(graph, "r2") == [("READ", "b1", 1, 9)]
    outbox.add([event("late", "r2", "b1", 8, value=3)])
    delivery.deliver()
    assert events_of(graph, "r2") == [("READ", "b1", 1, 9)]
    outbox.add([event("same", "r2", "b1", 9, value=4)])
    delivery.deliver()
    assert events_of(graph, "r2") == [("READ", "b1", 4, 9)]
    assert set(states(outbox).values()) == {"delivered"}


def test_an_event_written_before_a_crash_is_written_again_without_a_trace(
    outbox: Outbox, graph: FakeStore, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.add([event("a", "new", "b1", 5, value=2)])
    with monkeypatch.context() as context:
        context.setattr(outbox, "delivered", lambda _numbers: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivery.deliver()
    assert states(outbox) == {"a": "pending"}
    assert delivery.deliver() == 1
    assert events_of(graph, "new") == [("READ", "b1", 2, 5)]
    assert states(outbox) == {"a": "delivered"}


def test_an_item_that_the_graph_lacks_is_a_dead_letter_until_it_is_there(
    outbox: Outbox, graph: FakeStore, delivery: Delivery
) -> None:
    outbox.add([event("a", "r2", "zz", 5), event("b", "r2", "b1", 6)])
    delivery.deliver()
    assert states(outbox) == {"a": "dead", "b": "delivered"}
    assert outbox.listed("dead", 1)[0].reason == "no Book has the id 'zz'"
    graph.upsert_nodes("Book", [{"id": "zz", "properties": {}}])
    outbox.replay(["a"])
    delivery.deliver()
    assert events_of(graph, "r2") == [("READ", "b1", None, 6), ("READ", "zz", None, 5)]


def test_a_type_of_its_own_is_added_to_the_schema_and_is_no_like(
    outbox: Outbox, graph: FakeStore, delivery: Delivery
) -> None:
    before = graph.schema()
    outbox.add([event("a", "r2", "b1", 5, "DISLIKED", -1), event("b", "r2", "b2", 6, "NOWHERE")])
    delivery.deliver()
    assert [x.type for x in graph.schema().interactions] == ["READ", "SOLD", "DISLIKED"]
    assert graph.schema().interactions[:2] == before.interactions
    assert graph.schema().interactions[2].liked_at_least == 1
    assert events_of(graph, "r2") == [("DISLIKED", "b1", -1, 5)]
    assert outbox.listed("dead", 1)[0].reason == "the graph has no interaction NOWHERE"


def test_one_event_that_the_graph_refuses_does_not_take_others_along(
    outbox: Outbox, graph: FakeStore, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = graph.upsert_relations

    def refusing(kind: str, rows: Any) -> int:
        if any(row["tail"] == "b2" for row in rows):
            raise QueryError("no b2 today")
        return write(kind, rows)

    monkeypatch.setattr(graph, "upsert_relations", refusing)
    outbox.add([event(f"{n}", f"n{n}", "b2" if n == 4 else "b1", n) for n in range(9)])
    delivery.deliver()
    assert states(outbox) == {f"{n}": "dead" if n == 4 else "delivered" for n in range(9)}
    assert outbox.listed("dead", 1)[0].reason == "no b2 today"
    assert [events_of(graph, f"n{n}") for n in (0, 8)] == [
        [("READ", "b1", None, 0)],
        [("READ", "b1", None, 8)],
    ]


class Flaky:
    """A store that does not answer at first, and closes."""

    def __init__(self, graph: FakeStore, failures: int) -> None:
        self.graph, self.failures, self.opened = graph, failures, 0

    def __call__(self) -> FakeStore:
        self.opened += 1
        if self.opened <= self.failures:
            raise GraphUnavailableError("no server answers")
        return self.graph


@pytest.fixture
def running() -> Iterator[list[Delivery]]:
    started: list[Delivery] = []
    yield started
    for delivery in started:
        delivery.stop()


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come about in 10 s"
        time.sleep(0.01)


def test_a_graph_that_does_not_answer_is_asked_again(
    outbox: Outbox, graph: FakeStore, running: list[Delivery]
) -> None:
    opened = Flaky(graph, failures=4)
    delivery = Delivery(outbox, opened, QUICK)
    delivery.start()
    running.append(delivery)
    outbox.add([event(f"{n}", "new", f"b{n % 3 + 1}", n) for n in range(25)])
    wait_for(lambda: outbox.counts() == {"delivered": 25})
    assert opened.opened == 5
    assert len(events_of(graph, "new")) == 3


def test_only_one_of_several_delivers_and_another_takes_over(
    outbox: Outbox, graph: FakeStore, running: list[Delivery]
) -> None:
    opened = [Flaky(graph, 0), Flaky(graph, 0)]
    both = [Delivery(Outbox(outbox.folder), own, QUICK) for own in opened]
    both[0].start()
    outbox.add([event("a", "new", "b1", 1)])
    wait_for(lambda: outbox.counts() == {"delivered": 1})
    both[1].start()
    running.append(both[1])
    outbox.add([event("b", "new", "b2", 1)])
    wait_for(lambda: outbox.counts() == {"delivered": 2})
    assert [x.opened for x in opened] == [1, 0]
    both[0].stop()
    outbox.add([event("c", "new", "b3", 1)])
    wait_for(lambda: outbox.counts() == {"delivered": 3})
    assert [x.opened for x in opened] == [1, 1]
