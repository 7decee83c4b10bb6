"""Rules in the processes of a service: put in one, obeyed by all within a second, and after a restart."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_rules import FakeRuleGraph
from small_library import ThemeEncoder
from two_models import linked_home, trained_twice

from kg.settings import Settings
from service.app import create_app
from service.contract import RecommendRequest
from service.loading import load_recommender
from service.serving import Serving

RULE = {"cypher": "MATCH (b:Book) RETURN b.id AS id", "effect": "deny", "applies": "always"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    return trained_twice(tmp_path_factory.mktemp("home"))


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> FakeRuleGraph:
    graph = FakeRuleGraph()
    for name in ("open_store", "open_running_store"):
        monkeypatch.setattr(f"kg.store.connect.{name}", graph)
    monkeypatch.setattr("service.loading.QueryEncoder", lambda *_settings: ThemeEncoder())
    monkeypatch.setattr("service.loading.same_encoder", lambda *_names: None)
    monkeypatch.setattr("service.rules.refresh.LOOK_INTERVAL", 0.05)
    return graph


@pytest.fixture
def settings(trained: tuple[Path, str, str], tmp_path: Path) -> Settings:
    return linked_home(trained, tmp_path).model_copy(update={"rule_interval": 0.2})


@pytest.fixture
def workers(settings: Settings, graph: FakeRuleGraph) -> Iterator[list[Serving]]:
    """Two, as two processes have them."""
    found = [Serving(settings, load_recommender) for _ in range(2)]
    for serving in found:
        serving.refresh()
        serving.start()
    yield found
    for serving in found:
        serving.stop()


def best(serving: Serving, k: int = 1) -> list[str]:
    answer = serving.recommender.recommend(RecommendRequest(k=k, explain=False), request_id="r")
    return [item.item_id for item in answer.items]


def becomes(serving: Serving, expected: list[str], within: float = 1.5) -> bool:
    end = time.monotonic() + within
    while best(serving, len(expected)) != expected:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def put(serving: Serving, settings: Settings, name: str = "no") -> Any:
    client = create_app(settings, serving).test_client()
    answer = client.put(f"/rules/{name}", json=RULE)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_each_worker_obeys_a_rule_within_a_second(
    workers: list[Serving], settings: Settings, graph: FakeRuleGraph
) -> None:
    one, other = workers
    first, second, third = best(one, 3)
    graph.items, graph.rows = (first, second, third), [first]
    put(one, settings)
    assert best(one) == [second], "at once where it was put"
    assert becomes(other, [second])
    graph.rows = [first, second]
    assert becomes(one, [third]), "in the background"
    assert becomes(other, [third])
    create_app(settings, other).test_client().delete("/rules/no")
    assert best(other) == [first]
    assert becomes(one, [first])


def test_a_rule_goes_on_without_the_graph_and_after_a_restart(
    workers: list[Serving], settings: Settings, graph: FakeRuleGraph
) -> None:
    first, second = best(workers[0], 2)
    graph.items, graph.rows = (first, second), [first]
    put(workers[0], settings)
    graph.down = True
    restarted = Serving(settings, load_recommender)
    restarted.refresh()
    assert best(restarted) == [second], "from disk, before anything is evaluated"
    end = time.monotonic() + 5
    while restarted.rules.rule("no").stale_since is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    restarted.apply_rules()
    answer = restarted.recommender.recommend(RecommendRequest(k=1), request_id="r")
    assert [item.item_id for item in answer.items] == [second]
    assert any("the rule no could not be evaluated since" in x.detail for x in answer.warnings)
    graph.down = False
    assert becomes(workers[1], [second])
    end = time.monotonic() + 10
    while restarted.rules.rule("no").stale_since is not None:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_another_model_obeys_the_rules(
    workers: list[Serving], settings: Settings, graph: FakeRuleGraph, trained: tuple[Path, str, str]
) -> None:
    one = workers[0]
    books = best(one, 20)
    graph.items, graph.rows = books, books[:10]
    put(one, settings)
    one.activate(trained[2])
    assert not set(best(one, 20)) & set(books[:10])
