"""The outbox on a real disk: nothing acknowledged is lost, nothing is kept twice, and a full disk is said."""

import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kg.errors import OutboxError, OutboxFullError
from service.events.live import LiveEvents
from service.events.outbox import Outbox, StoredEvent


def event(name: str, user: str = "u1", item: str = "b1", time: int = 1) -> StoredEvent:
    return StoredEvent(name, user, item, "READ", None, time, "{}")


def ids(events: list[StoredEvent]) -> list[str]:
    return [x.id for x in events]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


def test_what_is_added_waits_in_order_until_the_graph_has_it(outbox: Outbox) -> None:
    assert not outbox.exists
    added = outbox.add([event("a"), event("b"), event("c")])
    assert [(x.id, x.number) for x in added] == [("a", 1), ("b", 2), ("c", 3)]
    assert ids(outbox.pending(2)) == ["a", "b"]
    before = time.time()
    outbox.delivered([1])
    outbox.refused([(3, "no Book has the id 'b1'")])
    assert ids(outbox.pending(9)) == ["b"]
    (delivered,) = outbox.listed("delivered", 9)
    assert delivered.id == "a"
    assert before <= delivered.delivered_at <= time.time()
    assert [(x.id, x.reason) for x in outbox.listed("dead", 9)] == [("c", "no Book has the id 'b1'")]
    assert outbox.counts() == {"pending": 1, "delivered": 1, "dead": 1}
    assert ids(outbox.listed(None, 2)) == ["c", "b"]


def test_an_id_is_kept_once_within_and_across_requests(outbox: Outbox) -> None:
    assert ids(outbox.add([event("a"), event("a", item="b2"), event("b")])) == ["a", "b"]
    assert ids(outbox.add([event("b"), event("c")])) == ["c"]
    assert [(x.id, x.item_id) for x in outbox.since(0)] == [("a", "b1"), ("b", "b1"), ("c", "b1")]
    assert ids(Outbox(outbox.folder).add([event("a"), event("d")])) == ["d"]


def test_refused_events_are_replayed_and_others_are_not(outbox: Outbox) -> None:
    outbox.add([event(x) for x in "abc"])
    outbox.refused([(1, "why"), (2, "why")])
    assert outbox.replay(["b", "c", "zz"]) == 1
    assert [(x.id, x.reason) for x in outbox.pending(9)] == [("b", ""), ("c", "")]
    assert outbox.replay(None) == 1
    assert outbox.replay(None) == 0


def test_only_what_the_graph_has_had_for_long_is_pruned(outbox: Outbox) -> None:
    outbox.add([event(x) for x in "abc"])
    outbox.delivered([1, 2])
    assert outbox.prune(time.time() - 60) == 0
    assert outbox.prune(time.time() + 1) == 2
    assert ids(outbox.since(0)) == ["c"]
    assert outbox.add([event("d")])[0].number == 4, "numbers are not used again"


def test_a_user_is_forgotten(outbox: Outbox) -> None:
    outbox.add([event("a"), event("b", user="u2")])
    assert outbox.forget_user("u1") == 1
    assert ids(outbox.since(0)) == ["b"]


def test_requests_at_the_same_time_share_commits(outbox: Outbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        added = list(pool.map(lambda n: outbox.add([event(f"{n}"), event("same")]), range(200)))
    numbers = [x.number for own in added for x in own]
    assert len(set(numbers)) == len(numbers) == 201
    assert sum(x.id == "same" for own in added for x in own) == 1


def test_a_full_disk_keeps_nothing_of_the_request_and_later_ones_work(outbox: Outbox) -> None:
    outbox.add([event("a")])
    large = replace(event("b"), posted="x" * 5_000_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OutboxError, match=r"events\.sqlite3: .*nothing of this request is kept"):
            outbox.add([event("c"), large])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert ids(outbox.since(0)) == ["a"]
    assert ids(outbox.add([event("d")])) == ["d"]


def test_no_space_left_has_an_error_of_its_own(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.events.outbox._inserted", full)
    with pytest.raises(OutboxFullError, match="No space left on device"):
        outbox.add([event("a")])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(OutboxError, match="outbox"):
        Outbox(tmp_path / "outbox").add([event("a")])


FIRST = """
import sys, time
from pathlib import Path
from service.events.outbox import Outbox, StoredEvent
outbox = Outbox(Path(sys.argv[1]))
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
outbox.add([StoredEvent(sys.argv[3], "u1", "b1", "READ", None, 1, "{}")])
"""


def test_processes_that_make_the_file_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    """Without waiting, one of ten fails: SQLite does not wait for the switch to WAL."""
    begin = time.time() + 2
    names = [(f"{box}", f"{k}") for box in range(5) for k in range(5)]
    command = [sys.executable, "-c", FIRST]
    processes = [subprocess.Popen([*command, str(tmp_path / box), str(begin), name]) for box, name in names]
    assert [process.wait() for process in processes] == [0] * len(names)
    for box in range(5):
        assert sorted(ids(Outbox(tmp_path / f"{box}").since(0))) == [f"{k}" for k in range(5)]


WRITER = """
import sys
from pathlib import Path
from service.events.outbox import Outbox, StoredEvent
outbox, name = Outbox(Path(sys.argv[1])), sys.argv[2]
for n in range(100_000):
    batch = [StoredEvent(f"{name}-{n}-{k}", "u1", "b1", "READ", None, 1, "{}") for k in range(5)]
    outbox.add(batch)
    print(n, flush=True)
"""


@pytest.mark.parametrize("after", [0.05, 0.11, 0.23])
def test_what_was_acknowledged_before_a_kill_is_kept_whole(outbox: Outbox, after: float) -> None:
    """Two processes write at the same time and are killed."""
    command = [sys.executable, "-c", WRITER, str(outbox.folder)]
    writers = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True, env={**os.environ})
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    time.sleep(after)
    acknowledged = 0
    for writer in writers:
        writer.kill()
        assert writer.stdout is not None
        acknowledged += 1 + len([line for line in writer.stdout.read().split("\n") if line])
        writer.wait()
        writer.stdout.close()
    kept = [x.id.rpartition("-")[0] for x in outbox.since(0)]
    batches = {name: kept.count(name) for name in kept}
    assert set(batches.values()) == {5}, "a batch is kept whole or not at all"
    assert acknowledged <= len(batches) <= acknowledged + 2
    assert [x.number for x in outbox.since(0)] == list(range(1, len(kept) + 1))


def test_events_of_the_same_process_are_known_at_once(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.events.live.LOOK_INTERVAL", 1e9)
    live = LiveEvents(outbox)
    assert live.of("u1", 0) == []
    for n in range(20):
        outbox.add([event(f"{n}", time=n)])
        assert len(live.of("u1", 0)) == live.last("u1", 0) == n + 1


def test_events_of_other_processes_are_known_after_a_moment(outbox: Outbox) -> None:
    live = LiveEvents(Outbox(outbox.folder))
    assert live.of("u1", 0) == []
    outbox.add([event("a")])
    assert live.of("u1", 0) == [], "a look is not due yet"
    end = time.monotonic() + 1
    while not live.of("u1", 0):
        assert time.monotonic() < end, "within a second"
    assert live.last("u1", 0) == 1


def test_events_are_known_to_another_outbox_of_the_machine(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.events.live.LOOK_INTERVAL", 0.0)
    live = LiveEvents(Outbox(outbox.folder))
    assert live.of("u1", 0) == []
    outbox.add([event("late", time=9), event("early", time=3), event("other", user="u2")])
    assert ids(live.of("u1", 0)) == ["early", "late"]
    outbox.add([event("middle", time=5)])
    assert ids(live.of("u1", 0)) == ["early", "middle", "late"]
    assert [live.last(user, 0) for user in ("u1", "u2", "u3")] == [4, 3, 0]
    assert live.of("u3", 0) == []


def test_what_the_snapshot_has_is_not_live_any_more(outbox: Outbox) -> None:
    outbox.add([event("a"), event("b")])
    live = LiveEvents(outbox)
    outbox.delivered([1])
    delivered_at = outbox.listed("delivered", 1)[0].delivered_at
    assert ids(live.of("u1", delivered_at + 1)) == ["b"]
    assert ids(live.of("u1", delivered_at)) == ["a", "b"]
    outbox.delivered([2])
    assert ids(live.of("u1", time.time() + 1)) == ["b"], "as it was read"
    live.read_anew()
    assert live.of("u1", time.time() + 1) == []


def test_users_beyond_the_limit_are_read_from_the_outbox(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.events.live.MAX_EVENTS", 4)
    monkeypatch.setattr("service.events.live.MAX_USER_EVENTS", 2)
    outbox.add([event(f"{user}{n}", user=user) for user in ("u1", "u2", "u3") for n in range(3)])
    live = LiveEvents(outbox)
    assert {user: ids(live.of(user, 0)) for user in ("u1", "u2", "u3", "u4")} == {
        "u1": ["u11", "u12"],
        "u2": ["u21", "u22"],
        "u3": ["u31", "u32"],
        "u4": [],
    }
    assert [live.last(user, 0) for user in ("u1", "u2", "u3", "u4")] == [3, 6, 9, 0]
    outbox.add([event("u13", user="u1", time=2), event("u33", user="u3", time=2)])
    assert ids(live.of("u1", 0)) == ["u12", "u13"], "one who was left out is read whole"
    assert ids(live.of("u3", 0)) == ["u32", "u33"]
    assert sum(map(len, live._users.values())) == live._n_events <= 4
