"""What scorers say of few items is what they say of all."""

import numpy as np
import pytest

from embeddings.candidates.ensemble import ContentScorers, EnsembleScores, ScorerEnsemble, standardised
from embeddings.data.dataset import Dataset, Histories

SCORER_SPECS = ("popularity", "ease", "text", "facts", "profile", "kge")


@pytest.fixture
def histories(dataset) -> Histories:
    return Histories.of([[0, 2, 5], [], [7]], dataset.n_items)


@pytest.fixture(params=[SCORER_SPECS, ("text", "profile")])
def panel(dataset: Dataset, request: pytest.FixtureRequest) -> ScorerEnsemble:
    part = dataset.only(~np.isin(dataset.events.item, [0, 3]))
    ground = ContentScorers.of(part, request.param, {}, seed=0)
    return ScorerEnsemble.fit(part, request.param, {}, ground, seed=0)


def test_of_each_expert_all_is_its_standardised_score(panel, histories) -> None:
    said, scores = panel.ask(histories), [expert.score(histories) for expert in panel.experts.values()]
    whole = standardised(np.stack(scores), panel.known)
    np.testing.assert_allclose(said.of_all(np.arange(histories.n_items)), whole, atol=2e-4)
    known = whole[:, :, panel.known]
    np.testing.assert_allclose(known.mean(axis=2), 0, atol=1e-5)
    deviation = known.std(axis=2)
    assert ((deviation == 0) | np.isclose(deviation, 1, atol=1e-3)).all()
    assert np.isclose(deviation[1:, [0, 2]], 1, atol=1e-3).all()  # the first scorer may find all alike


def test_of_each_is_of_all_at_the_items_of_each(panel, histories) -> None:
    said, items = panel.ask(histories), np.array([[0, 5], [3, 1], [11, 3]])
    whole = said.of_all(np.arange(histories.n_items))
    np.testing.assert_allclose(said.of_each(items), np.take_along_axis(whole, items[None], 2), atol=1e-5)


def test_who_chooses_candidates_or_is_carried_speaks_of_all_items(panel, histories) -> None:
    said: EnsembleScores = panel.ask(histories)
    if "ease" in panel.experts:
        assert said.names == ("popularity", "ease")
        assert said.extrapolated.tolist() == [True, True]
    else:
        assert said.names == said.order == ("text", "profile")
