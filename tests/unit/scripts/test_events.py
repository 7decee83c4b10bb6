"""`trailmix events`: what is listed, and what is delivered again."""

import json
from pathlib import Path

import pytest

from kg.errors import UsageError
from kg.item_changes import ItemChange
from scripts.events import list_events, replay
from service.catalogue.change_log import ChangeLog, StoredChange
from service.events.outbox import Outbox, StoredEvent


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path))
    return Outbox(tmp_path / "outbox")


def fill(outbox: Outbox) -> None:
    outbox.add([StoredEvent(x, "u1", "b\n1", "READ", 4.5, 1, "{}") for x in "abc"])
    outbox.delivered([1])
    outbox.refused([(3, "no Book has the id 'b1'")])


def test_an_empty_outbox(outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    list_events(None, 20, False)
    replay(None, True)
    assert capsys.readouterr().out == "0 pending, 0 delivered, 0 dead\n0 events are delivered again\n"
    assert not outbox.exists


def test_events_with_their_reasons(outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    fill(outbox)
    list_events("dead", 20, False)
    assert capsys.readouterr().out == (
        "1 pending, 1 delivered, 1 dead\ndead       'c'  'u1' READ 4.5 'b\\n1'  no Book has the id 'b1'\n"
    )
    list_events(None, 2, True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(x["id"], x["state"]) for x in lines] == [("c", "dead"), ("b", "pending")]


def test_refused_events_are_replayed(outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    fill(outbox)
    with pytest.raises(UsageError, match="name the events to replay, or give --all"):
        replay(None, False)
    with pytest.raises(UsageError, match="1 of these are no refused events; 1 are delivered again"):
        replay(["c", "a"], False)
    assert outbox.counts() == {"pending": 2, "delivered": 1}
    fill_again = outbox.listed("pending", 1)[0]
    outbox.refused([(fill_again.number, "why")])
    replay(None, True)
    assert capsys.readouterr().out.endswith("1 events are delivered again\n")


def test_changes_are_listed_and_replayed_by_number(
    outbox: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    log = ChangeLog(outbox.folder)
    log.add(
        [
            StoredChange.of("item", ItemChange("b\n1", "put")),
            StoredChange.of("user", ItemChange("u", "delete")),
        ]
    )
    log.refused([(1, "too long")])
    list_events(changes=True)
    assert capsys.readouterr().out.splitlines() == [
        "1 pending, 0 delivered, 1 dead",
        "pending    2  delete user 'u'",
        "dead       1  put item 'b\\n1'  too long",
    ]
    with pytest.raises(UsageError, match="'x' is no number of a change"):
        replay(["x"], changes=True)
    replay(["1"], changes=True)
    assert capsys.readouterr().out == "1 changes are delivered again\n"
    assert log.counts() == {"pending": 2}
