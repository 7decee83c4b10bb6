"""The table of scorers, their weights in the selection of candidates, and what each says it can do."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.candidates.ensemble import score_columns
from embeddings.candidates.specs import (
    SCORER_SPECS,
    SCORERS,
    ScorerSpec,
    known_item_weights,
    new_item_weights,
    select_specs,
)
from embeddings.data.dataset import Histories
from embeddings.scorers.ease import Ease, EaseConfig
from kg.errors import UsageError


@pytest.fixture(scope="module")
def fitted(dataset, small_configs):
    """Every scorer of the table, at the size of the checkerboard."""
    specs = select_specs(tuple(SCORER_SPECS), small_configs)
    return {name: spec.fit(dataset, seed=3) for name, spec in specs.items()}


@pytest.fixture
def histories(dataset) -> Histories:
    times = np.array([[0.0, 2000.0, 5000.0], [np.nan] * 3, [np.nan] * 3, [9000.0] * 3])
    return Histories.of([[0, 2, 5], [], [1], [3, 7]], dataset.n_items, times)


def test_the_scorers_that_can_do_something() -> None:
    """Else the tests below would hold for none."""
    kinds = {name: spec.scorer for name, spec in SCORER_SPECS.items()}
    content_only = {name for name, kind in kinds.items() if kind.content_only}
    linear = {name for name, kind in kinds.items() if kind.linear}
    assert content_only == {"text", "facts", "profile", "kge"}
    assert linear == content_only | {"svd", "graph_filter", "als", "als_32", "als_16", "gnn"}
    assert {name for name, kind in kinds.items() if kind.explains_by_items} == {
        *("ease", "ease_strong", "ease_normalized", "svd", "graph_filter", "item_knn", "rp3beta"),
        *("cooccurrence", "cooccurrence_next", "facts", "profile"),
    }


@pytest.mark.parametrize("name", SCORER_SPECS)
def test_scores_of_a_linear_scorer_are_products_of_vectors(fitted, histories, name) -> None:
    scorer = fitted[name]
    if scorer.linear:
        products = scorer.user_vectors(histories) @ scorer.item_vectors.T
        np.testing.assert_allclose(scorer.score(histories), products, atol=1e-6)
    else:
        with pytest.raises(NotImplementedError, match="is not linear"):
            scorer.user_vectors(histories)
        with pytest.raises(NotImplementedError, match="is not linear"):
            _ = scorer.item_vectors


@pytest.mark.parametrize(
    "name", [name for name, spec in SCORER_SPECS.items() if spec.scorer.explains_by_items]
)
def test_scores_of_a_history_are_the_sum_of_those_of_its_items(fitted, histories, name) -> None:
    scorer = fitted[name]
    for history, whole in zip(([0, 2, 5], [], [1], [3, 7]), scorer.score(histories), strict=True):
        single = scorer.score(Histories.of([[item] for item in history], histories.n_items))
        np.testing.assert_allclose(single.sum(axis=0), whole, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, spec in SCORER_SPECS.items() if spec.scorer.content_only])
def test_a_scorer_of_content_alone_does_not_depend_on_events(
    fitted, dataset, small_configs, histories, name
) -> None:
    fewer = dataset.select_events(np.arange(len(dataset.events)) % 3 > 0)
    spec = select_specs([name], {key: own for key, own in small_configs.items() if key == name})[name]
    np.testing.assert_array_equal(spec.fit(fewer, seed=3).score(histories), fitted[name].score(histories))


@pytest.mark.parametrize("name", SCORER_SPECS)
def test_vectors_of_nodes(fitted, dataset, name) -> None:
    vectors = fitted[name].node_vectors
    assert (vectors is not None) == (name in ("kge", "gnn"))
    if vectors is not None:
        assert vectors.shape == (dataset.n_nodes, 8)


@pytest.mark.parametrize("name", SCORER_SPECS)
def test_only_text_scores_texts(fitted, text, name) -> None:
    scores = fitted[name].score_text(text[2])
    assert (scores is not None) == (name == "text")
    if scores is not None:
        assert scores.argmax() == 2


def test_every_weight_is_that_of_a_score_column() -> None:
    assert set(known_item_weights(SCORER_SPECS)) <= set(SCORER_SPECS)
    assert set(new_item_weights(SCORER_SPECS)) <= set(score_columns(SCORER_SPECS))


def test_weights_by_column() -> None:
    specs = select_specs(("text", "popularity", "ease", "time_knn"))
    assert known_item_weights(specs) == {"popularity": 0.5, "ease": 1.0}
    assert new_item_weights(specs) == {
        "text": 0.5,
        "popularity_ridge": 0.5,
        "ease_ridge": 1.0,
        "ease_knn": 1.0,
    }


def test_a_weight_of_scores_that_are_not_extrapolated_is_an_error() -> None:
    for weights in ({"ridge_weight": 1.0}, {"knn_weight": 1.0}, {"fixed_ridge_weight": 1.0}):
        with pytest.raises(ValueError, match="ease: ridge_weight, knn_weight and fixed_ridge_weight need ex"):
            ScorerSpec(Ease, EaseConfig(), **weights)


def test_specs_stand_in_the_order_of_the_table_with_other_configurations() -> None:
    found = select_specs(("als", "ease"), {"ease": EaseConfig(7.0)})
    assert tuple(found) == ("ease", "als")
    assert found["ease"] == replace(SCORER_SPECS["ease"], config=EaseConfig(7.0))
    assert found["als"] == SCORER_SPECS["als"]


def test_unknown_names_are_errors() -> None:
    with pytest.raises(
        UsageError, match="no scorer of the model is called 'eese'; there are popularity, ease"
    ):
        select_specs(("ease", "eese"))
    with pytest.raises(UsageError, match="'eese'"):
        select_specs(("ease",), {"eese": EaseConfig()})
    with pytest.raises(UsageError, match="a configuration for 'ease_strong', which is not among"):
        select_specs(("ease",), {"ease_strong": EaseConfig()})


def test_scorers_by_their_own_names() -> None:
    assert all(scorer.name == name for name, scorer in SCORERS.items())
    assert {spec.scorer for spec in SCORER_SPECS.values()} == set(SCORERS.values())
