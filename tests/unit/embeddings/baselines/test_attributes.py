"""Attribute profiles against figures worked by hand and against plain numpy."""

import numpy as np
import pytest

from embeddings.baselines.attributes import (
    AttributesConfig,
    ContentCosine,
    ContentPearson,
)
from embeddings.data.dataset import Dataset, Histories
from kg.graph import Triples

N_ITEMS = 4
A, B, ONCE = 4, 5, 6


@pytest.fixture
def facts(dataset) -> Dataset:
    """Items 0: A B, 1: A, 2: B and something nobody else has, 3: no facts."""
    head = np.array([0, 0, 1, 2, 2], np.int32)
    tail = np.array([A, B, A, B, ONCE], np.int32)
    triples = Triples(head, np.zeros(5, np.int32), tail)
    none = dataset.events.select(np.zeros(len(dataset.events), np.bool_))
    return Dataset(2, N_ITEMS, 7, none, triples, ("HAS",), np.zeros((N_ITEMS, 2), np.float32))


def test_vectors_are_of_unit_length_and_leave_out_what_one_item_has(facts) -> None:
    """A and B are each had by 2 of 4: equal weights, so item 0 is (1, 1) / sqrt 2."""
    expected = np.zeros((N_ITEMS, 7))
    expected[0, [A, B]] = 0.5**0.5
    expected[1, A] = expected[2, B] = 1.0
    np.testing.assert_allclose(facts.content.fact_matrix.toarray(), expected, atol=1e-6)


def test_cosine_of_a_profile_by_hand(facts) -> None:
    """Items 0 and 1 together are (1 + 1/sqrt 2, 1/sqrt 2): with item 1 that is cos(22.5 degrees)."""
    scores = ContentCosine.fit(facts, AttributesConfig()).score(Histories.of([[0, 1], [3]], N_ITEMS))
    eighth = np.pi / 8
    np.testing.assert_allclose(scores[0], [np.cos(eighth), np.cos(eighth), np.sin(eighth), 0.0], atol=1e-6)
    assert not scores[1].any()


def test_a_rarer_shared_fact_counts_for_more(dataset) -> None:
    """Two of 8 items have R, five have C: asked by the one with both, the other with R comes first."""
    head = np.array([0, 0, 1, 2, 3, 4, 5], np.int32)
    tail = np.array([8, 9, 8, 9, 9, 9, 9], np.int32)
    none = dataset.events.select(np.zeros(len(dataset.events), np.bool_))
    triples = Triples(head, np.zeros(7, np.int32), tail)
    data = Dataset(1, 8, 10, none, triples, ("HAS",), np.zeros((8, 2), np.float32))
    scores = ContentCosine.fit(data, AttributesConfig()).score(Histories.of([[0]], 8))[0]
    rare, common = np.log(8 / 2), np.log(8 / 5)
    length = np.hypot(rare, common)
    np.testing.assert_allclose(scores[[1, 2, 6]], [rare / length, common / length, 0.0], atol=1e-6)


def test_pearson_by_hand(facts) -> None:
    """Over A and B alone: asked by (1, 0), it is 1 with (1, 0), -1 with (0, 1); (1, 1) does not vary."""
    fitted = ContentPearson.fit(facts, AttributesConfig())
    assert fitted.attributes == 2
    scores = fitted.score(Histories.of([[1]], N_ITEMS))[0]
    np.testing.assert_allclose(scores, [0.0, 1.0, -1.0, 0.0], atol=1e-5)


def test_pearson_is_that_of_numpy(dataset) -> None:
    rng = np.random.default_rng(0)
    head, tail = np.nonzero(rng.random((9, 6)) < 0.4)
    triples = Triples(head.astype(np.int32), np.zeros(len(head), np.int32), (tail + 9).astype(np.int32))
    none = dataset.events.select(np.zeros(len(dataset.events), np.bool_))
    data = Dataset(1, 9, 15, none, triples, ("HAS",), np.zeros((9, 2), np.float32))
    vectors = data.content.fact_matrix.toarray()
    vectors = vectors[:, vectors.any(axis=0)]
    expected = np.corrcoef(vectors[[2, 5]].sum(axis=0), vectors)[0, 1:]
    scores = ContentPearson.fit(data, AttributesConfig()).score(Histories.of([[5, 2]], 9))[0]
    np.testing.assert_allclose(scores, np.nan_to_num(expected), atol=1e-5)
