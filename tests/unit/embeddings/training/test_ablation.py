"""A part left out is left out: neither scorers nor arrays have it, and what it was makes no difference."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.evaluation.trials import Task, Trial, measure_method
from embeddings.graph.kge import with_knowledge
from embeddings.ranking.ranker import of_voices
from embeddings.training.ablation import (
    PARTS,
    missing,
    variants,
    without_facts,
    without_gate,
    without_kge,
    without_text,
)
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.errors import UsageError
from kg.graph import Triples

SCORER_SPECS = ("popularity", "ease", "text", "facts", "profile", "kge", "gnn")


@pytest.fixture(scope="module")
def whole(config) -> TrainingConfig:
    """A small model that has all that can be left out."""
    folds, gnn = replace(config.folds, folds=1), replace(config.configs["gnn"], epochs=5)
    return replace(
        config, experts=SCORER_SPECS, configs={**config.configs, "gnn": gnn}, folds=folds, new_item_bias=0.25
    )


def learnt(dataset, config):
    """What is learnt, and every user's scores."""
    fitted = fit(dataset, config, 3)
    return fitted, fitted.score(dataset.histories)


def test_the_experts_named_are_gone(dataset, whole) -> None:
    for part in ("gnn", "kge"):
        _, without = PARTS[part](dataset, whole)
        assert set(without.experts) == set(SCORER_SPECS) - {part}


def test_what_the_model_has_not_cannot_be_left_out(whole) -> None:
    poor = replace(whole, experts=("ease", "kge"))
    assert missing("gnn", poor) == "without gnn: the model has no scorer gnn"
    assert missing("kge", poor) is None
    with pytest.raises(UsageError, match="no scorer gnn"):
        list(variants(["gnn"], poor))
    with pytest.raises(UsageError, match="'gates'; there are gnn, kge, text"):
        list(variants(["gates"], poor))


def test_without_kge_no_embedding_makes_a_difference(dataset, whole) -> None:
    known = with_knowledge(dataset, whole.kge, 0)
    other = replace(known, knowledge=known.knowledge[::-1].copy())
    without, config = without_kge(known, whole)
    assert not without.knowledge.any()
    fitted, scores = learnt(without, config)
    assert "kge" not in fitted.panel.score_columns
    np.testing.assert_array_equal(scores, learnt(*without_kge(other, whole))[1])


def test_without_text_no_text_makes_a_difference(dataset, whole) -> None:
    other = replace(dataset, text=np.roll(dataset.text, 3, axis=0))
    fitted, scores = learnt(*without_text(dataset, whole))
    for vectors in (fitted.panel.experts["text"].vectors, fitted.items.text_vectors, fitted.items.has_text):
        assert not vectors.any()
    np.testing.assert_array_equal(scores, learnt(*without_text(other, whole))[1])
    assert (learnt(other, whole)[1] != learnt(dataset, whole)[1]).any()


def test_without_facts_no_fact_makes_a_difference(dataset, whole) -> None:
    turned = Triples(dataset.triples.head, dataset.triples.relation, dataset.triples.tail[::-1].copy())
    known, other = (replace(data, triples=turned) for data in (with_knowledge(dataset, whole.kge), dataset))
    fitted, scores = learnt(*without_facts(known, whole))
    for vectors in (fitted.items.facts, fitted.items.fact_vectors, fitted.panel.experts["kge"].vectors):
        assert not vectors.any()
    np.testing.assert_array_equal(scores, learnt(*without_facts(dataset, whole))[1])
    np.testing.assert_array_equal(scores, learnt(*without_facts(other, whole))[1])


def test_without_the_gate_the_trees_see_what_experts_say_alone(dataset, whole) -> None:
    _, without_context_features = without_gate(dataset, whole)
    seeing, unseeing = (fit(dataset, own, 3).ranker for own in (whole, without_context_features))
    features = unseeing.features
    heard = {name for name, own in zip(features, of_voices(features), strict=True) if own}
    assert heard == {name for name in features if name.endswith(".rank") or f"{name}.rank" in features}
    assert {"ease", "ease.rank", "ease_knn", "blended_score", "blended_score.rank"} <= heard
    assert not heard & {"new", "degree", "fact_count", "has_text", "length", "since_first", "near_text"}
    assert set() < _split_on(unseeing) <= heard
    assert _split_on(seeing) - heard


def _split_on(ranker) -> set[str]:
    """The features that any tree of a ranker uses."""
    found: set[str] = set()
    for trees in (ranker.of_known, ranker.of_all):
        for booster in trees._boosters:
            used = booster.feature_importance()
            found |= {name for name, times in zip(booster.feature_name(), used, strict=True) if times}
    return found


def test_variants_are_measured_beside_the_whole(dataset, whole) -> None:
    liked = dataset.liked
    task = Task(dataset, dataset.histories, liked * 0, liked)
    methods = list(variants(["text", "gate"], whole))
    assert [method.name for method in methods] == ["trailmix", "without text", "without gate"]
    found = [measure_method(method, [Trial("board", task, task)], k=3)[0] for method in methods]
    assert [result.name for result in found] == [method.name for method in methods]
    assert found[0].ranking.scores.tolist() != found[1].ranking.scores.tolist()
