"""A part left out is left out: neither scorers nor arrays have it, and what it was makes no difference."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.candidates.specs import select_specs
from embeddings.evaluation.trials import Task, Trial, measure_method
from embeddings.ranking.features import score_features
from embeddings.training.ablation import (
    PARTS,
    missing,
    variants,
    without_context_features,
    without_facts,
    without_kge,
    without_text,
)
from embeddings.training.config import NewItemBiasConfig, TrainingConfig
from embeddings.training.fit import fit
from kg.errors import UsageError
from kg.graph import Triples

NAMES = ("popularity", "ease", "text", "facts", "profile", "kge", "gnn")


@pytest.fixture(scope="module")
def whole(config, small_configs) -> TrainingConfig:
    """A small model that has all that can be left out."""
    own = {"kge": small_configs["kge"], "gnn": small_configs["gnn"]}
    return replace(
        config,
        scorers=select_specs(NAMES, own),
        holdout=replace(config.holdout, cold_holdouts=1),
        new_item_bias=NewItemBiasConfig(0.25),
    )


def learnt(dataset, config):
    """What is learnt, and every user's scores."""
    fitted = fit(dataset, config, 3)
    return fitted, fitted.score(dataset.histories)


def test_the_scorers_named_are_gone(dataset, whole) -> None:
    for part in ("gnn", "kge"):
        _, without = PARTS[part](dataset, whole)
        assert set(without.scorers) == set(NAMES) - {part}


def test_what_the_model_has_not_cannot_be_left_out(whole) -> None:
    poor = replace(whole, scorers=select_specs(("ease", "kge")))
    assert missing("gnn", poor) == "without gnn: the model has no scorer gnn"
    assert missing("kge", poor) is None
    with pytest.raises(UsageError, match="no scorer gnn"):
        list(variants(["gnn"], poor))
    with pytest.raises(UsageError, match="'gates'; there are gnn, kge, text"):
        list(variants(["gates"], poor))


def test_without_kge_no_embedding_makes_a_difference(dataset, whole) -> None:
    other = whole.with_kge("distmult")
    _, config = without_kge(dataset, whole)
    assert config.scorers["gnn"].config.kge is None
    fitted, scores = learnt(dataset, config)
    assert "kge" not in fitted.ensemble.score_columns
    np.testing.assert_array_equal(scores, learnt(*without_kge(dataset, other))[1])
    assert (learnt(dataset, other)[1] != learnt(dataset, whole)[1]).any()


def test_without_text_no_text_makes_a_difference(dataset, whole) -> None:
    other = replace(dataset, text=np.roll(dataset.text, 3, axis=0))
    fitted, scores = learnt(*without_text(dataset, whole))
    for vectors in (
        fitted.ensemble.scorers["text"].vectors,
        fitted.items.text_vectors,
        fitted.items.has_text,
    ):
        assert not vectors.any()
    np.testing.assert_array_equal(scores, learnt(*without_text(other, whole))[1])
    assert (learnt(other, whole)[1] != learnt(dataset, whole)[1]).any()


def test_without_facts_no_fact_makes_a_difference(dataset, whole) -> None:
    turned = Triples(dataset.triples.head, dataset.triples.relation, dataset.triples.tail[::-1].copy())
    other = replace(dataset, triples=turned)
    fitted, scores = learnt(*without_facts(dataset, whole))
    for vectors in (
        fitted.items.log_facts,
        fitted.items.fact_vectors,
        fitted.ensemble.scorers["kge"].vectors,
    ):
        assert not vectors.any()
    np.testing.assert_array_equal(scores, learnt(*without_facts(other, whole))[1])
    assert (learnt(other, whole)[1] != learnt(dataset, whole)[1]).any()


def test_without_context_features_the_trees_see_scores_alone(dataset, whole) -> None:
    _, config = without_context_features(dataset, whole)
    whole_ranker, other = (fit(dataset, own, 3).ranker for own in (whole, config))
    features = other.features
    used = {name for name, own in zip(features, score_features(features), strict=True) if own}
    assert used == {name for name in features if name.endswith(".log_rank") or f"{name}.log_rank" in features}
    assert {"ease", "ease.log_rank", "ease_knn", "blended_score", "blended_score.log_rank"} <= used
    assert not used & {
        *("is_new", "log_degree", "log_facts", "has_text", "log_history_length"),
        *("user_time_less_first_like", "mean_text_cosine"),
    }
    assert set() < _split_on(other) <= used
    assert _split_on(whole_ranker) - used


def _split_on(ranker) -> set[str]:
    """The features that any tree of a ranker uses."""
    found: set[str] = set()
    for trees in (ranker.known_items.boosters, ranker.all_items):
        for booster in trees._boosters:
            counts = booster.feature_importance()
            found |= {name for name, times in zip(booster.feature_name(), counts, strict=True) if times}
    return found


def test_variants_are_measured_beside_the_whole(dataset, whole) -> None:
    liked = dataset.liked
    task = Task(dataset, dataset.histories, liked * 0, liked)
    methods = list(variants(["text", "context_features"], whole))
    assert [method.name for method in methods] == ["trailmix", "without text", "without context_features"]
    found = [measure_method(method, [Trial("board", task, task)], k=3)[0] for method in methods]
    assert [result.name for result in found] == [method.name for method in methods]
    assert found[0].ranking.scores.tolist() != found[1].ranking.scores.tolist()
