"""The change log on a real disk."""

import time
from pathlib import Path

import pytest

from kg.item_changes import ItemChange, NamedEntity
from service.catalogue.change_log import ChangeLog, StoredChange
from service.catalogue.live import LiveCatalogue
from service.users_since import UsersSince

BO = NamedEntity("Author", "a2", "Bo")
CHANGE = ItemChange("a/b 漢字", "patch", {"title": "x", "price": None}, {"BY": ("a1", "a2")}, (BO,))


def stored(external_id: str = "b1", operation: str = "put", kind: str = "item") -> StoredChange:
    return StoredChange.of(kind, ItemChange(external_id, operation))


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(tmp_path / "outbox")


def test_a_change_comes_back_as_it_was(log: ChangeLog) -> None:
    assert not log.exists
    (kept,) = log.add([StoredChange.of("item", CHANGE)])
    assert kept.number == 1
    assert [x.change for x in log.pending(9)] == [CHANGE]


def test_changes_wait_in_order_until_the_graph_has_or_refuses_them(log: ChangeLog) -> None:
    log.add([stored("b1"), stored("b2"), stored("b3")])
    log.delivered([1])
    log.refused([(3, "why")])
    assert [x.id for x in log.pending(9)] == ["b2"]
    assert log.counts() == {"pending": 1, "delivered": 1, "dead": 1}
    assert [(x.id, x.reason) for x in log.listed("dead", 9)] == [("b3", "why")]
    assert log.replay([2, 3]) == 1
    assert [x.id for x in log.pending(9)] == ["b2", "b3"]
    assert log.replay(None) == 0


def test_a_snapshot_lacks_what_was_delivered_after_it_was_read_and_what_waits(log: ChangeLog) -> None:
    log.add([stored(x) for x in ("early", "late", "waits", "dead")])
    log.delivered([1])
    time.sleep(0.02)
    moment = time.time()
    log.delivered([2])
    log.refused([(4, "why")])
    assert [x.id for x in log.missing_since(moment)] == ["late", "waits"]


def test_users_are_forgotten_and_old_changes_pruned(log: ChangeLog) -> None:
    log.add([stored("u1", kind="user"), stored("u1"), stored("u2", kind="user")])
    assert log.forget_user("u1") == 1
    assert [(x.kind, x.id) for x in log.pending(9)] == [("item", "u1"), ("user", "u2")]
    log.delivered([2])
    assert log.prune(time.time() - 60) == 0
    assert log.prune(time.time() + 1) == 1


def test_what_another_process_writes_is_noticed(log: ChangeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.catalogue.live.LOOK_INTERVAL", 0.0)
    live = LiveCatalogue(log)
    assert live.version() == 0
    other = ChangeLog(log.storage.file.parent)
    other.add([stored("b1"), stored("u1", "delete", "user")])
    assert live.version() == 1
    assert live.version() == 1
    missing = live.missing_since(0.0)
    assert missing.last == 2
    assert [x.id for x in missing.items] == ["b1"]
    assert UsersSince().changed(missing.users).deleted == {"u1"}


def test_own_changes_are_known_at_once(log: ChangeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.catalogue.live.LOOK_INTERVAL", 3600.0)
    live = LiveCatalogue(log)
    before = live.version()
    log.add([stored()])
    assert live.version() > before


def test_the_last_operation_on_a_node_that_a_snapshot_lacks(log: ChangeLog) -> None:
    operations = (("item", "a", "put"), ("item", "a", "delete"), ("user", "a", "patch"), ("item", "b", "put"))
    log.add([StoredChange.of(kind, ItemChange(x, operation)) for kind, x, operation in operations])
    log.delivered([1, 2])
    log.refused([(4, "no")])
    assert [log.last_operation(kind, "a", 0.0) for kind in ("item", "user")] == ["delete", "patch"]
    assert log.last_operation("item", "a", time.time() + 9) is None, "a later snapshot knows better"
    assert log.last_operation("user", "a", time.time() + 9) == "patch"
    assert log.last_operation("item", "b", 0.0) is None, "the graph refused it"


def test_changes_after_others_unless_one_of_these_is_gone(log: ChangeLog) -> None:
    log.add([stored("a"), stored("b")])
    live = LiveCatalogue(log)
    earlier = live.missing_since(0.0)
    log.add([stored("c")])
    later = live.missing_since(0.0).after(earlier)
    assert later is not None
    assert [x.id for x in later.changes] == ["c"]
    log.refused([(1, "no")])
    assert live.missing_since(0.0).after(earlier) is None
