"""A configuration that cannot be is refused; each setting reaches the answer."""

from typing import Any

import pytest

from kg.explanation.base import PathConfig
from kg.graph import GraphSnapshot
from service.config import RecommenderConfig
from service.contract import RecommendRequest
from service.recommender import Recommender


@pytest.mark.parametrize(
    "wrong",
    [
        {"hot_from": 0},
        {"paths_per_item": -1},
        {"history_interaction": -1},
        {"oldest_weight": 0.0},
        {"oldest_weight": 1.1},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RecommenderConfig(**wrong)


def test_an_interaction_that_the_schema_lacks_is_refused(
    films: GraphSnapshot, model: Any, encoder: Any
) -> None:
    with pytest.raises(ValueError, match="no interaction 1"):
        Recommender(films, model, encoder, RecommenderConfig(history_interaction=1))


def test_each_setting_reaches_the_answer(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    def answer(**settings: Any) -> Any:
        recommender = Recommender(films, model, encoder, RecommenderConfig(**settings))
        return recommender.recommend(RecommendRequest(history=["m1", "m4"]), request_id="r1")

    assert answer().user_state == "warm"
    assert answer(hot_from=2).user_state == "hot"
    assert max(len(item.paths) for item in answer().items) > 1
    assert max(len(item.paths) for item in answer(paths_per_item=1).items) == 1
    assert answer(oldest_weight=0.1).items != answer().items
    assert any(node.label == "User" for item in answer().items for p in item.paths for node in p.nodes)
    assert not any(
        node.label == "User"
        for item in answer(paths=PathConfig(through_users=False)).items
        for p in item.paths
        for node in p.nodes
    )
