"""The requests, the medians and the table of `trailmix bench serve`."""

import json

import numpy as np
import pytest

from kg.errors import UsageError
from kg.settings import Settings
from scripts.bench.load_tool import LoadResult
from scripts.bench.serve import command, lines, own_home, summary
from scripts.bench.serve_cases import CASES, DRAWN, Case, RequestSource


def result(finished: int, *milliseconds: float, failed: int = 0) -> LoadResult:
    failure = "/events answered 500: x" if failed else ""
    return LoadResult(2.0, finished, finished + 4, failed, failure, np.array(milliseconds))


def test_medians_and_ratios_of_repetitions() -> None:
    """Rates 3/2, 2/2 and 1/2 a second; ratios to the empty route 4/8, 2/8 and 6/8 of groups."""
    full = [result(4, 1, 2, 3), result(2, 10, 20, failed=2), result(6, 7)]
    empty = [result(8, 1), result(8, 1, 1), result(8, 1, 1, 1)]
    half = [result(1, 5), result(1, 6), result(1, 9)]
    found = summary(Case("batch", lambda source: [], counts=100), full, empty, half)
    assert found.rate == 100 * 1.0
    assert found.p50 == 7  # of 2, 15 and 7
    assert found.p99_at_rate == 6
    assert found.empty_rate == 1
    assert found.ratio == 0.5
    assert (found.failed, found.failure) == (2, "/events answered 500: x")


@pytest.mark.parametrize("name", CASES)
def test_no_request_of_a_case_comes_twice(name, films) -> None:
    groups = CASES[name].draw(RequestSource(films, 3))
    sent = [request.line for group in groups for request in group if request.path == "/recommend"]
    if name in ("another user", "without paths"):
        assert len(sent) == DRAWN
        assert len(set(sent)) >= min(DRAWN, films.n_users * films.n_items)
    assert all(json.loads(line.split("\t")[2])["k"] == 3 for line in sent)


def test_the_first_requests_ask_for_every_user_once(films) -> None:
    groups = CASES["another user"].draw(RequestSource(films, 3))
    first = [group[0].body for group in groups[: films.n_users]]
    assert sorted(body["user_id"] for body in first) == sorted(films.users.ids)
    assert all("history" not in body for body in first)
    assert "history" in groups[films.n_users][0].body


def test_an_event_is_followed_by_a_request_of_its_user(films) -> None:
    for event, asked in CASES["after an event"].draw(RequestSource(films, 3)):
        assert event.path == "/events"
        assert event.body["user_id"] == asked.body["user_id"]
        assert (event.measured, asked.measured) == (False, True)


def test_histories_are_what_one_user_liked(films) -> None:
    liked = films.interactions.liked
    events = films.interactions
    by_user = [set(events.item[(events.user == n) & liked].tolist()) for n in range(films.n_users)]
    for group in CASES["history only"].draw(RequestSource(films, 3))[:50]:
        own = {films.items.index(name) for name in group[0].body["history"]}
        assert own
        assert any(own <= items for items in by_user)


def test_an_unknown_case_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"no case 'other'.*the same user"):
        command(case=["other"])


def test_the_table_names_what_failed_and_what_was_left_out() -> None:
    own = summary(Case("text", lambda source: []), [result(4, 1.5, failed=1)], [result(8, 1)], [result(2, 3)])
    unanswered = summary(Case("batch", lambda source: []), [result(0)], [result(8, 1)], [result(0)])
    found = {
        "machine": {"processor": "P", "vector_instructions": ["avx2"], "cores": 2, "load_average": 0.5},
        "items": 9066,
        "users": 659,
        "constant_rate": 50.0,
        "k": 10,
        "connections": 4,
        "threads": 4,
        "cold_start_seconds": 4.04,
        "resident_mib": 1024.0,
        "cases": [own.as_dict(), unanswered.as_dict()],
        "left_out": ["one event"],
    }
    table = list(lines(found))
    assert table[0] == "P, 2 cores, avx2; load average at the end 0.5"
    assert table[1] == "ready 4.0 s after the start; 1,024 MiB resident at the end"
    assert table[2] == "9,066 items, 659 users; 4 clients, 4 threads, k = 10; milliseconds"
    assert "p99 at 50 " in table[3]
    assert table[4].split() == ["text", "0.5", "1.50", "1.50", "3.00", "0", "0.500", "1"]
    assert table[5].split() == ["batch", "0.0", "-", "-", "-", "0", "0.000", "0"]
    json.loads(json.dumps(found), parse_constant=pytest.fail)
    assert table[6:] == [
        "text: /events answered 500: x",
        "left out, for this service has no POST /events: one event",
    ]


def test_the_service_has_a_home_of_its_own_without_the_graph(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://mine:7687")
    monkeypatch.setenv("neo4j_password", "secret")
    settings = Settings(home=tmp_path / "mine")
    settings.models_folder.mkdir(parents=True)
    environment = own_home(settings, tmp_path / "own")
    assert environment["TRAILMIX_HOME"] == str(tmp_path / "own")
    assert "mine" not in environment["NEO4J_URI"]
    assert "secret" not in environment.values()
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["models"]
