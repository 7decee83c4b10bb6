"""Scores extrapolated to other items by their content, by hand and against plain algebra."""

import numpy as np
import pytest
from fake_scorers import first_and_previous

from embeddings.data.cold_items import ColdItemConfig, ColdItemExtrapolator, _nearest_liked
from embeddings.data.dataset import Dataset
from embeddings.data.item_features import ContentNeighbours


@pytest.fixture
def nearest(dataset) -> ContentNeighbours:
    return ContentNeighbours.of(dataset.content, dataset.degrees)


def test_nearest_first_and_never_itself(dataset, nearest) -> None:
    alike = dataset.content.similarity(np.arange(dataset.n_items), np.arange(dataset.n_items))
    for item, (own, values) in enumerate(zip(nearest.items, nearest.similarity, strict=True)):
        others = np.delete(np.arange(dataset.n_items), item)
        assert sorted(own[np.isfinite(values)]) == others.tolist()
        np.testing.assert_allclose(values[:-1], np.sort(alike[item, others])[::-1], rtol=1e-6)
        assert values[-1] == -np.inf


def test_neighbours_are_items_with_likes(dataset: Dataset, nearest) -> None:
    part = dataset.select_events(~np.isin(dataset.events.item, [0, 3]))
    extrapolator = ColdItemExtrapolator.fit(part, nearest, ColdItemConfig())
    used = set(extrapolator.neighbours[extrapolator.neighbour_weights > 0].tolist())
    assert used == set(np.flatnonzero(part.degrees).tolist())
    assert not {0, 3} & used
    np.testing.assert_allclose(extrapolator.neighbour_weights.sum(axis=1), 1, rtol=1e-5)


def test_ridge_is_weighted_by_the_root_of_degrees(dataset, nearest) -> None:
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest, ColdItemConfig())
    scores = np.random.default_rng(0).normal(size=(1, 2, dataset.n_items)).astype(np.float32)
    x, w = dataset.content.extrapolation_features.astype(np.float64), np.diag(np.sqrt(dataset.degrees))
    weights = np.linalg.solve(
        x.T @ w @ x + ColdItemConfig().regularisation * np.eye(x.shape[1]), x.T @ w @ scores[0].T
    )
    extrapolated = extrapolator.score_items(
        scores, extrapolator.content_weights(scores), np.arange(dataset.n_items)
    )
    np.testing.assert_allclose(extrapolated[0], (x @ weights).T, atol=1e-3)


def test_the_ridge_is_fitted_on_the_most_liked_items(dataset, nearest) -> None:
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest, ColdItemConfig(max_train_items=5))
    assert len(extrapolator.train_items) == 5
    others = np.setdiff1d(np.arange(dataset.n_items), extrapolator.train_items)
    assert dataset.degrees[extrapolator.train_items].min() >= dataset.degrees[others].max()
    scores = np.random.default_rng(0).normal(size=(1, 2, dataset.n_items)).astype(np.float32)
    before = extrapolator.content_weights(scores)
    scores[:, :, others] += 1
    np.testing.assert_array_equal(extrapolator.content_weights(scores), before)


def test_scores_of_candidates_are_those_of_all_items_at_the_candidates(dataset, nearest) -> None:
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest, ColdItemConfig())
    scores = np.random.default_rng(0).normal(size=(3, 2, dataset.n_items)).astype(np.float32)
    content_weights, items = extrapolator.content_weights(scores), np.array([[0, 5, 7], [2, 1, 11]])
    whole = extrapolator.score_items(scores, content_weights, np.arange(dataset.n_items))
    each = extrapolator.score_candidates(scores, content_weights, items)
    np.testing.assert_allclose(each, np.take_along_axis(whole, items[None], axis=2), atol=1e-4)


def test_extrapolated_by_hand() -> None:
    """Two scores of two queries, 3 items; by ridge 1, 2, 3 times item 0, else that of the one before.

    Of each score the ridge's estimate comes first, then the neighbours'.
    """
    extrapolator = first_and_previous([1.0, 2.0, 3.0])
    scores = np.array([[[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]], np.float32)
    content_weights = extrapolator.content_weights(scores)
    assert content_weights.tolist() == [[[1.0], [4.0]], [[10.0], [40.0]]]
    found = extrapolator.score_items(scores, content_weights, np.array([2, 0]))
    of_first, of_second = [[[3, 1], [12, 4]], [[2, 1], [5, 4]]], [[[30, 10], [120, 40]], [[20, 10], [50, 40]]]
    assert found.tolist() == [*of_first, *of_second]
    found = extrapolator.score_candidates(scores, content_weights, np.array([[2, 0], [1, 1]]))
    of_first, of_second = [[[3, 1], [8, 8]], [[2, 1], [4, 4]]], [[[30, 10], [80, 80]], [[20, 10], [40, 40]]]
    assert found.tolist() == [*of_first, *of_second]


def test_neighbours_are_weighted_by_similarity_and_only_liked_ones_count() -> None:
    """Item 0 is near 1 (0.6), 3 (0.2), 2 (0.1); item 1 near 2 (-0.5), then none; item 2 near none known."""
    none = -np.inf
    items = np.array([[1, 3, 2], [2, 0, 3], [1, 1, 1]], np.int32)
    alike = np.array([[0.6, 0.2, 0.1], [-0.5, none, none], [0.9, 0.8, none]], np.float32)
    neighbours, weights = _nearest_liked(
        ContentNeighbours(items, alike), np.array([True, False, True, True]), 100
    )
    assert neighbours[0].tolist() == [3, 2, 1]
    np.testing.assert_allclose(weights[0], [0.2 / 0.3, 0.1 / 0.3, 0.0], rtol=1e-6)
    assert neighbours[1, 0] == 2
    np.testing.assert_allclose(weights[1:], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


def test_no_more_than_100_neighbours() -> None:
    items, alike = np.arange(160)[None].astype(np.int32), np.ones((1, 160), np.float32)
    neighbours, weights = _nearest_liked(
        ContentNeighbours(items, alike), np.arange(160) >= 20, ColdItemConfig().neighbours
    )
    assert neighbours.tolist() == [list(range(20, 120))]
    np.testing.assert_allclose(weights, [[1 / 100] * 100])
