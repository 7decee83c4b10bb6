"""What `trailmix bench filters` times."""

import json
from dataclasses import replace

import numpy as np

from kg.property_columns import item_properties
from scripts.bench.filters import WARM_UP, drawn_filter, measured
from service.contract import RecommendRequest
from service.filters.item_filters import ItemFilters


def test_each_user_is_asked_for_without_and_with_a_filter(recommender, monkeypatch) -> None:
    asked = []
    real = recommender.recommend

    def counted(request, *, request_id):
        asked.append((request.user_id, request.filter is not None, request.explain))
        return real(request, request_id=request_id)

    monkeypatch.setattr(recommender, "recommend", counted)
    found = measured(recommender, 5, 2, seed=0)
    assert len(asked) == 2 * (WARM_UP + 5)
    users = [user for user, _, _ in asked[::2]]
    assert sorted(users[WARM_UP:]) == sorted(recommender.snapshot.users.ids)
    assert asked == [(user, with_filter, False) for user in users for with_filter in (False, True)]
    assert [*found] == [
        *("a filter, read and evaluated", "the same filter again", "a recommendation"),
        *("a recommendation with a filter", "the difference, user by user"),
    ]
    assert all(figures["p50"] <= figures["p99"] for figures in found.values())


def test_filters_are_drawn_from_the_graph(films) -> None:
    """All of them are valid, they have a range of years, and they differ."""
    years = {"year": [1979, 1982, 2000, 1986, 1984, 1972, 1985, None]}
    snapshot = replace(films, item_properties=item_properties(films.schema.item, years))
    rng = np.random.default_rng(0)
    filters = ItemFilters(snapshot)
    drawn = [drawn_filter(snapshot, rng) for _ in range(20)]
    for expression in drawn:
        related, other, between = expression["all"]
        assert (related.keys(), other["not"].keys()) == ({"relation", "any"}, {"relation", "any"})
        assert between["from"] <= between["to"]
        request = RecommendRequest.model_validate_json(json.dumps({"filter": expression}))
        assert filters.kept(request.filter, "").mask.shape == (8,)
    assert len({json.dumps(x) for x in drawn}) > 15
