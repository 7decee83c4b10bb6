"""The standardized scores of all scorers, for all items and for candidates."""

import numpy as np
import pytest
from fake_scorers import FixedScores, FixedVectors, ensemble_of, first_and_previous

from embeddings.candidates.ensemble import (
    EnsembleScores,
    ScorerEnsemble,
    ScoreStandardizer,
    SharedScorers,
    arcsinh,
    score_columns,
    standardize,
    uniform_over,
)
from embeddings.candidates.specs import SCORER_SPECS, select_specs
from embeddings.data.cold_items import ColdItemConfig
from embeddings.data.dataset import Dataset, Histories

NAMES = ("popularity", "ease", "text", "facts", "profile", "kge")


@pytest.fixture
def histories(dataset) -> Histories:
    return Histories.of([[0, 2, 5], [], [7]], dataset.n_items)


@pytest.fixture(params=[NAMES, ("text", "profile")])
def ensemble(dataset: Dataset, request: pytest.FixtureRequest) -> ScorerEnsemble:
    part = dataset.select_events(~np.isin(dataset.events.item, [0, 3]))
    specs = select_specs(request.param)
    shared_scorers = SharedScorers.fit(part, specs, seed=0)
    return ScorerEnsemble.fit(part, specs, shared_scorers, ColdItemConfig(), seed=0)


def test_all_items_have_the_standardized_score_of_each_scorer(ensemble, histories) -> None:
    found, scores = ensemble.score(histories), [own.score(histories) for own in ensemble.scorers.values()]
    whole = standardize(np.stack(scores), uniform_over(ensemble.has_interactions))
    np.testing.assert_allclose(found.score_items(np.arange(histories.n_items)), whole, atol=2e-4)
    known = whole[:, :, ensemble.has_interactions]
    np.testing.assert_allclose(known.mean(axis=2), 0, atol=1e-5)
    deviation = known.std(axis=2)
    assert ((deviation == 0) | np.isclose(deviation, 1, atol=1e-3)).all()
    assert np.isclose(
        deviation[1:, [0, 2]], 1, atol=1e-3
    ).all()  # the first scorer may give all the same score


def test_scores_of_candidates_are_those_of_all_items_at_the_candidates(ensemble, histories) -> None:
    found, items = ensemble.score(histories), np.array([[0, 5], [3, 1], [11, 3]])
    whole = found.score_items(np.arange(histories.n_items))
    np.testing.assert_allclose(
        found.score_candidates(items), np.take_along_axis(whole, items[None], 2), atol=1e-5
    )


def test_scorers_that_select_candidates_or_are_extrapolated_score_all_items(ensemble, histories) -> None:
    found: EnsembleScores = ensemble.score(histories)
    if "ease" in ensemble.scorers:
        assert found.dense_names == ("popularity", "ease")
        assert [ensemble.specs[name].extrapolated for name in found.dense_names] == [True, True]
    else:
        assert found.dense_names == found.names == ("text", "profile")


def test_standardizer_by_hand() -> None:
    """Items (1, 0), (3, 0), (9, 9) with weights 1/2, 1/2, 0: the mean is (2, 0), the first variance 1."""
    vectors = np.array([[1.0, 0.0], [3.0, 0.0], [9.0, 9.0]], np.float32)
    standardizer = ScoreStandardizer.of(vectors, np.array([0.5, 0.5, 0.0], np.float32))
    assert standardizer.mean.tolist() == [2.0, 0.0]
    np.testing.assert_allclose(standardizer.covariance, [[1.0, 0.0], [0.0, 0.0]], atol=1e-6)
    # the products with (5, 1) are 5, 15 and 54: mean 10 and deviation 5; with (0, 1) all known are 0
    products = standardizer.standardize(np.array([[5.0, 1.0], [0.0, 1.0]], np.float32), vectors)
    everything = np.arange(3)
    by_hand = [[(5 - 10) / 5, (15 - 10) / 5, (54 - 10) / 5], [0, 0, 0]]
    np.testing.assert_allclose(products.score_items(everything), by_hand, atol=1e-5)
    np.testing.assert_allclose(
        products.score_candidates(np.array([[2, 0], [1, 1]])), [[8.8, -1], [0, 0]], atol=1e-5
    )


def test_extrapolated_scores_have_a_column_for_each_method() -> None:
    assert score_columns({name: SCORER_SPECS[name] for name in ("text", "ease", "als", "popularity")}) == (
        *("text", "ease", "als", "popularity"),
        *("ease_ridge", "ease_knn", "popularity_ridge", "popularity_knn"),
    )


def test_which_scorers_score_all_items_and_which_score_candidates_alone() -> None:
    """Only linear scorers can wait, and only those that neither select candidates nor are extrapolated."""
    lazy, eager = FixedVectors([1.0], [[1.0], [2.0]]), FixedScores([1.0, 2.0])
    known = np.ones(2, bool)
    for scorers, waiting in (
        ({"popularity": lazy, "als": lazy, "text": lazy, "facts": eager}, ["text"]),
        ({"text": lazy, "facts": eager}, []),  # some scorer has to select
    ):
        ensemble = ensemble_of(scorers, first_and_previous([1.0, 1.0]), known)
        assert list(ensemble.standardizers) == waiting
        assert ensemble.score(Histories.of([[]], 2)).names == tuple(scorers)


def test_without_known_items_all_have_the_same_weight() -> None:
    np.testing.assert_allclose(uniform_over(np.zeros(4, bool)), [0.25] * 4)
    np.testing.assert_allclose(uniform_over(np.array([True, False, True, True])), [1 / 3, 0, 1 / 3, 1 / 3])
    assert len(uniform_over(np.zeros(0, bool))) == 0


def test_a_pretrained_scorer_is_fitted_by_what_was_learnt_once(dataset) -> None:
    specs, part = select_specs(["popularity"]), dataset.select_events(dataset.events.item != 0)
    own, asked = specs["popularity"].fit(dataset, 0), []
    pretrained = {"popularity": lambda given: asked.append(given) or own}
    shared = SharedScorers({}, pretrained, dataset.content_neighbours)
    found = ScorerEnsemble.fit(part, specs, shared, ColdItemConfig(), seed=0)
    assert found.scorers["popularity"] is own
    assert len(asked) == 1
    assert asked[0] is part


def test_what_is_learnt_once_is_learnt_of_the_whole_dataset_with_the_seed(dataset, monkeypatch) -> None:
    specs, asked = select_specs(["popularity"]), []
    monkeypatch.setattr(specs["popularity"].scorer, "pretrain", lambda *given: asked.append(given))
    assert not SharedScorers.fit(dataset, specs, seed=7).pretrained
    ((whole, config, seed, _),) = asked
    assert whole is dataset
    assert (config, seed) == (specs["popularity"].config, 7)


def test_the_inverse_hyperbolic_sine_is_that_of_numpy() -> None:
    values = np.concatenate([np.linspace(-40, 40, 20_001), [0.0, 1e-4, -1e-3, 1e5, -1e9]]).astype(np.float32)
    by_numpy = np.arcsinh(values.astype(np.float64))
    np.testing.assert_allclose(arcsinh(values), by_numpy, rtol=3e-7, atol=2e-7)
    assert np.isnan(arcsinh(np.array([np.nan], np.float32))).all()
    assert arcsinh(np.zeros((2, 0, 3), np.float32)).shape == (2, 0, 3)
