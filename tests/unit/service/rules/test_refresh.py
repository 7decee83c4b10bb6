"""Rules in the background: the graph away and back, what fails, and one process at a time."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from fake_rules import FakeRuleGraph, put

from kg.errors import StatementRefusedError
from service.file_lock import exclusive_lock
from service.rules.evaluate import RuleLimits
from service.rules.refresh import RuleRefresher, refresh_rules
from service.rules.store import RuleBook


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    return RuleBook(tmp_path / "rules")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time of the book and of the refresher."""
    return lambda now: monkeypatch.setattr(time, "time", lambda: now)


def refresher(book: RuleBook, graph: FakeRuleGraph, interval: float = 60) -> RuleRefresher:
    return RuleRefresher(book, graph, RuleLimits(), interval)


def test_a_rule_is_evaluated_again_after_its_interval(book: RuleBook, clock: Callable[[float], None]) -> None:
    graph = FakeRuleGraph(rows=["m2"])
    clock(1000)
    put(book, "a", "deny", "m1")
    clock(1059)
    assert refresher(book, graph).refresh() == 0
    clock(1060)
    assert refresher(book, graph).refresh() == 1
    assert book.rule("a").result.ids == ("m2",)
    assert refresher(book, graph).refresh() == 0


def test_the_graph_away_and_back(book: RuleBook, clock: Callable[[float], None]) -> None:
    """Tried again after 5 seconds rather than 60; the last result goes on."""
    graph = FakeRuleGraph(rows=["m2"], down=True)
    clock(1000)
    put(book, "a", "deny", "m1")
    put(book, "b", "deny", "m1")
    for now, tried in ((1060, 2), (1064, 0), (1065, 2)):
        clock(now)
        assert refresher(book, graph).refresh() == tried
    found = book.rule("a")
    assert (found.result.ids, found.stale_since, found.tried_at) == (("m1",), 1060, 1065)
    assert found.reason == "no graph server answers"
    graph.down = False
    clock(1070)
    assert refresher(book, graph).refresh() == 2
    found = book.rule("b")
    assert (found.result.ids, found.stale_since, found.reason, found.evaluated_at) == (
        ("m2",),
        None,
        "",
        1070,
    )


def test_a_rule_that_fails_does_not_stop_the_others(book: RuleBook) -> None:
    put(book, "a", "deny", "m1")
    put(book, "b", "deny", "m1")
    graph = FakeRuleGraph(rows=["m2"])

    def check_read(statement: str, *_args: object, **_kwargs: object) -> None:
        if len(graph.asked) == 0:
            graph.asked.append(("", {}))
            raise StatementRefusedError("no label Movie in this graph: secret-value")

    graph.check_read = check_read  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs:
        refresh_rules(book, graph, book.rules(), RuleLimits())
    assert book.rule("a").reason == "no label Movie in this graph: secret-value"
    assert book.rule("a").result.ids == ("m1",)
    assert book.rule("b").result.ids == ("m2",)
    assert [(x["event"], x["rule"]) for x in logs] == [("rule_failed", "a")]
    assert "secret-value" not in str(logs)


def test_the_thread_evaluates_and_ends(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rules.refresh.LOOK_INTERVAL", 0.01)
    put(book, "a", "deny", "m1")
    thread = refresher(book, FakeRuleGraph(rows=["m2"]), interval=0)
    thread.start()
    try:
        assert becomes(lambda: book.rule("a").result.ids == ("m2",))
    finally:
        thread.stop()


def test_only_one_process_evaluates(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rules.refresh.LOOK_INTERVAL", 0.01)
    put(book, "a", "deny", "m1")
    lock = exclusive_lock(book.folder / "refresh.lock")
    assert lock
    graph = FakeRuleGraph(rows=["m2"])
    thread = refresher(book, graph, interval=0)
    thread.start()
    try:
        time.sleep(0.1)
        assert not graph.asked
        lock.close()
        assert becomes(lambda: bool(graph.asked))
    finally:
        thread.stop()


def test_what_nobody_foresaw_does_not_end_the_thread(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rules.refresh.LOOK_INTERVAL", 0.01)
    put(book, "a", "deny", "m1")
    graph = FakeRuleGraph(rows=RuntimeError("unforeseen"))
    thread = refresher(book, graph, interval=0)
    with structlog.testing.capture_logs() as logs:
        thread.start()
        try:
            assert becomes(lambda: len(graph.asked) > 1)
        finally:
            thread.stop()
    assert {x["event"] for x in logs} == {"rules_not_refreshed"}


def becomes(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
