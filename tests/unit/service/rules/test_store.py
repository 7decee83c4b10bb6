"""Rules on disk: whole or not at all, and shared by the processes of a machine."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_rules import defined, put

from kg.errors import DataError, OutboxError, UnknownIdError
from service.rules.contract import MAX_RULES
from service.rules.store import RuleBook, RuleResult


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    return RuleBook(tmp_path / "rules")


def test_nothing_is_made_before_the_first_rule(book: RuleBook) -> None:
    assert (book.rules(), book.version(), book.exists) == ([], 0, False)
    with pytest.raises(UnknownIdError, match="no rule has the id 'x'"):
        book.rule("x")
    with pytest.raises(UnknownIdError):
        book.remove("x")
    assert not book.folder.exists()


def test_a_rule_is_found_as_it_was_put(book: RuleBook) -> None:
    definition = defined("boost", parameters={"x": ["ünï", 1, 2.5, True]}, weight=-0.5, description="d")
    book.put("more", definition, RuleResult(("b", "a"), (1.5, 0.5), 3, 0.25))
    (found,) = RuleBook(book.folder).rules()
    assert (found.name, found.definition) == ("more", definition)
    assert found.result == RuleResult(("b", "a"), (1.5, 0.5), 3, 0.25)
    assert found.evaluated_at == found.tried_at == pytest.approx(time.time(), abs=60)
    assert (found.stale_since, found.reason) == (None, "")


def test_rules_come_by_name_and_a_second_one_replaces_the_first(book: RuleBook) -> None:
    put(book, "b", "deny", "m1")
    put(book, "a", "deny", "m1")
    put(book, "b", "allow", "m2")
    assert [(x.name, x.definition.effect, x.result.ids) for x in book.rules()] == [
        ("a", "deny", ("m1",)), ("b", "allow", ("m2",)),
    ]  # fmt: skip
    book.remove("a")
    assert [x.name for x in book.rules()] == ["b"]


def test_the_version_changes_with_what_matters_alone(book: RuleBook) -> None:
    put(book, "a", "deny", "m1")
    versions = [book.version()]

    def changed() -> bool:
        versions.append(book.version())
        return versions[-1] != versions[-2]

    book.refreshed(book.rule("a"), RuleResult(("m1",), ()))
    assert not changed(), "the same result"
    book.refreshed(book.rule("a"), RuleResult(("m2",), ()))
    assert changed()
    book.failed(book.rule("a"), "gone")
    assert changed()
    book.failed(book.rule("a"), "still gone")
    assert not changed(), "it was stale before"
    book.refreshed(book.rule("a"), RuleResult(("m2",), ()))
    assert changed()
    assert len(set(versions)) == 4


def test_stale_since_is_the_first_failure(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    put(book, "a", "deny", "m1")
    for now, reason in ((5000.0, "first"), (6000.0, "second")):
        monkeypatch.setattr("service.rules.store.time.time", lambda now=now: now)
        book.failed(book.rule("a"), reason)
    found = book.rule("a")
    assert (found.stale_since, found.tried_at, found.reason) == (5000, 6000, "second")
    assert found.result.ids == ("m1",)


def test_a_result_of_an_earlier_definition_is_not_kept(book: RuleBook) -> None:
    put(book, "a", "deny", "m1")
    before = book.rule("a")
    put(book, "a", "allow", "m2")
    book.refreshed(before, RuleResult(("m1", "m3"), ()))
    book.failed(before, "gone")
    assert book.rule("a").result.ids == ("m2",)
    assert book.rule("a").stale_since is None


def test_there_is_a_most(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rules.store.MAX_RULES", 2)
    put(book, "a", "deny", "m1")
    put(book, "b", "deny", "m1")
    put(book, "b", "deny", "m2")
    with pytest.raises(DataError, match="there are 2 rules, the most; remove one"):
        put(book, "c", "deny", "m1")
    assert MAX_RULES == 200


def test_processes_see_each_others_rules(book: RuleBook) -> None:
    other = RuleBook(book.folder)
    put(book, "a", "deny", "m1")
    version = other.version()
    put(other, "b", "deny", "m2")
    assert book.version() != version
    assert [x.name for x in book.rules()] == ["a", "b"]


def test_many_writers_at_a_time_lose_nothing(book: RuleBook) -> None:
    books = [book, RuleBook(book.folder)]
    threads = [
        threading.Thread(target=lambda n=n: put(books[n % 2], f"r{n}", "deny", f"m{n}")) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {x.name: x.result.ids for x in book.rules()} == {f"r{n}": (f"m{n}",) for n in range(16)}
    assert book.version() == 16


def test_a_file_that_is_none_is_told(book: RuleBook) -> None:
    book.folder.mkdir(parents=True)
    (book.folder / "rules.sqlite3").write_text("this is no database, and long enough to be seen as none")
    with pytest.raises(OutboxError, match=r"rules\.sqlite3: file is not a database"):
        book.rules()


def test_a_result_may_be_long(book: RuleBook) -> None:
    ids = tuple(f"item {n}" for n in range(100_000))
    book.put("a", defined("deny"), RuleResult(ids, ()))
    assert RuleBook(book.folder).rule("a").result == replace(RuleResult(ids, ()))
