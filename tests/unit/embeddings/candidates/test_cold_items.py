"""Scores extrapolated to other items by their content, by hand and against plain algebra."""

import numpy as np
import pytest

from embeddings.candidates.cold_items import RIDGE, ColdItemExtrapolator
from embeddings.data.dataset import Dataset
from embeddings.data.item_features import Nearest


@pytest.fixture
def nearest(dataset) -> Nearest:
    return Nearest.of(dataset.content, dataset.degrees)


def test_nearest_first_and_never_itself(dataset, nearest) -> None:
    alike = dataset.content.alike(np.arange(dataset.n_items), np.arange(dataset.n_items))
    for item, (own, values) in enumerate(zip(nearest.items, nearest.alike, strict=True)):
        others = np.delete(np.arange(dataset.n_items), item)
        assert sorted(own[np.isfinite(values)]) == others.tolist()
        np.testing.assert_allclose(values[:-1], np.sort(alike[item, others])[::-1], rtol=1e-6)
        assert values[-1] == -np.inf


def test_only_items_that_somebody_liked_speak(dataset: Dataset, nearest) -> None:
    part = dataset.only(~np.isin(dataset.events.item, [0, 3]))
    extrapolator = ColdItemExtrapolator.fit(part, nearest)
    spoken = set(extrapolator.neighbours[extrapolator.weights > 0].tolist())
    assert spoken == set(np.flatnonzero(part.degrees).tolist())
    assert not {0, 3} & spoken
    np.testing.assert_allclose(extrapolator.weights.sum(axis=1), 1, rtol=1e-5)


def test_ridge_is_weighted_by_the_root_of_degrees(dataset, nearest) -> None:
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest)
    scores = np.random.default_rng(0).normal(size=(1, 2, dataset.n_items)).astype(np.float32)
    x, w = dataset.content.wide.astype(np.float64), np.diag(np.sqrt(dataset.degrees))
    weights = np.linalg.solve(x.T @ w @ x + RIDGE * np.eye(x.shape[1]), x.T @ w @ scores[0].T)
    extrapolated = extrapolator.to_all(
        scores, extrapolator.content_weights(scores), np.arange(dataset.n_items)
    )
    np.testing.assert_allclose(extrapolated[0], (x @ weights).T, atol=1e-3)


def test_only_those_that_most_people_liked_have_a_say_in_the_ridge(dataset, nearest, monkeypatch) -> None:
    monkeypatch.setattr("embeddings.candidates.cold_items.SPEAKING", 5)
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest)
    assert len(extrapolator.speaking) == 5
    others = np.setdiff1d(np.arange(dataset.n_items), extrapolator.speaking)
    assert dataset.degrees[extrapolator.speaking].min() >= dataset.degrees[others].max()
    scores = np.random.default_rng(0).normal(size=(1, 2, dataset.n_items)).astype(np.float32)
    before = extrapolator.content_weights(scores)
    scores[:, :, others] += 1
    np.testing.assert_array_equal(extrapolator.content_weights(scores), before)


def test_to_each_is_to_all_at_the_items_of_each(dataset, nearest) -> None:
    extrapolator = ColdItemExtrapolator.fit(dataset, nearest)
    scores = np.random.default_rng(0).normal(size=(3, 2, dataset.n_items)).astype(np.float32)
    content_weights, items = extrapolator.content_weights(scores), np.array([[0, 5, 7], [2, 1, 11]])
    whole = extrapolator.to_all(scores, content_weights, np.arange(dataset.n_items))
    each = extrapolator.to_each(scores, content_weights, items)
    np.testing.assert_allclose(each, np.take_along_axis(whole, items[None], axis=2), atol=1e-4)
