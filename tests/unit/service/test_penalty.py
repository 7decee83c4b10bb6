"""The penalty for items near to what is rejected, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.model.model import Scores
from kg.graph import FloatArray, GraphSnapshot, Triples
from service.config import RejectionConfig
from service.penalty import items_with, ranked_down

CONFIG = RejectionConfig(weight=1.0, tolerated=1.0, meant=0.5, scale=3.0)


def given(scores: FloatArray) -> Scores:
    """Calibrated scores."""
    return Scores(scores, lambda items: {"fixed": scores[items]}, lambda x: x / 10, calibrated=True)


def of_four() -> Scores:
    """Scores 0, 2, 0, 2: their deviation is 1."""
    return given(np.array([0, 2, 0, 2], np.float32))


def test_an_item_far_above_the_mean_is_ranked_down() -> None:
    cosines = np.array([0, 0, 0, 1], np.float32)  # mean 1/4, deviation sqrt(3)/4: the last is sqrt(3) above
    found = ranked_down(of_four(), [cosines], np.zeros(4, bool), CONFIG)
    lowered = 2 - 3 * (3**0.5 - 1)
    assert found.scores.tolist() == pytest.approx([0, 2, 0, lowered], abs=1e-5)
    assert not found.calibrated
    assert found.probabilities(found.scores)[1] == pytest.approx(0.2)
    parts = found.contributions(np.array([3, 1]))
    assert parts["rejected"].tolist() == pytest.approx([lowered - 2, 0], abs=1e-5)
    assert sum(parts.values()).tolist() == pytest.approx([lowered, 2], abs=1e-5)


def test_of_two_clauses_the_nearer_one_counts() -> None:
    first, second = np.eye(4, dtype=np.float32)[[0, 1]]
    found = ranked_down(of_four(), [first, second], np.zeros(4, bool), CONFIG)
    step = 3 * (3**0.5 - 1)
    assert found.scores.tolist() == pytest.approx([-step, 2 - step, 0, 2], abs=1e-5)


def test_what_a_clause_means_in_other_words_costs_half_a_step() -> None:
    found = ranked_down(of_four(), [], np.array([True, False, False, True]), CONFIG)
    assert found.scores.tolist() == pytest.approx([-1.5, 2, 0, 0.5])


def test_a_step_is_the_deviation_of_the_best_scores() -> None:
    """The best two are 1 and 3, with a deviation of 1; half a step of 3 is 1.5."""
    scores = np.array([0, 3, 0, 1], np.float32)
    meant = np.array([False, True, False, False])
    found = ranked_down(given(scores), [], meant, replace(CONFIG, best_scores=2))
    assert found.scores.tolist() == pytest.approx([0, 1.5, 0, 1])


def test_of_equal_scores_that_of_what_is_rejected_is_lower() -> None:
    meant = np.array([False, True, False])
    found = ranked_down(given(np.zeros(3, np.float32)), [], meant, CONFIG)
    assert found.scores[1] < found.scores[0] == found.scores[2]


def test_equal_cosines_cost_nothing() -> None:
    cosines = np.full(4, 0.7, np.float32)
    assert ranked_down(of_four(), [cosines], np.zeros(4, bool), CONFIG).scores.tolist() == [0, 2, 0, 2]


def test_items_with_an_entity_and_items_themselves(films: GraphSnapshot) -> None:
    scott, ford = films.node("Person", "p1"), films.node("Person", "p4")
    assert np.flatnonzero(items_with(films, [scott])).tolist() == [0, 1, 2], "m1, m2 and m3"
    assert np.flatnonzero(items_with(films, [ford, 7])).tolist() == [1, 6, 7], "m2, m7; m8 itself"
    assert not items_with(films, []).any()


def test_items_at_either_end_of_a_fact_with_an_entity(films: GraphSnapshot) -> None:
    """Person 1 made items 0, 1 and 2, whichever way the facts are stored."""
    facts = films.triples
    back = replace(films, triples=Triples(facts.tail, facts.relation, facts.head))
    assert np.flatnonzero(items_with(back, [films.node("Person", "p1")])).tolist() == [0, 1, 2]
