from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.dataset import Histories
from embeddings.evaluation.beyond_accuracy import Catalogue, beyond_accuracy, diversity, gini, miscalibration
from embeddings.evaluation.metrics import Ranking
from kg.errors import UsageError


def ranking(top, k):
    users = np.arange(len(top))
    return Ranking(k, users, {}, np.array(top), np.zeros((len(top), k), np.float32), 0.0)


def test_diversity_is_one_less_the_mean_cosine() -> None:
    """Two alike and one across: cosines 1, 0, 0, so 1 - 1/3; of one item there are no pairs."""
    lists = sp.csr_array([[1.0, 1, 1], [1, 0, 0]])
    found = diversity(lists, np.array([[1, 0], [1, 0], [0, 1]], np.float32))
    assert found[0] == pytest.approx(2 / 3)
    assert np.isnan(found[1])


def test_diversity_against_all_pairs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((20, 5))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[3] = 0
    shown = rng.random((6, 20)) < 0.4
    slow = [
        1 - np.mean([vectors[a] @ vectors[b] for a, b in combinations(np.flatnonzero(row), 2)])
        for row in shown
    ]
    assert diversity(sp.csr_array(shown.astype(np.float32)), vectors) == pytest.approx(slow, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "n", "expected"),
    [
        ([5, 5, 5, 5], 4, 0.0),
        ([0, 0, 0, 8], 4, 3 / 4),
        ([1, 3], 2, 1 / 4),
        ([4, 4], 4, 1 / 2),
        ([0, 0], 2, 0.0),
    ],
)
def test_gini(counts, n, expected) -> None:
    """By definition: the mean absolute difference over twice the mean."""
    assert gini(np.array(counts), n) == pytest.approx(expected)
    padded = np.array([0] * (n - len(counts)) + counts)
    if padded.sum():
        slow = np.abs(padded[:, None] - padded[None, :]).mean() / (2 * padded.mean())
        assert slow == pytest.approx(expected)


def test_without_facet_values_in_any_history_there_is_no_miscalibration() -> None:
    lists, nothing = sp.csr_array(np.eye(2, 3)), sp.csr_array((2, 3))
    assert np.isnan(miscalibration(lists, nothing, sp.csr_array(np.ones((3, 2))))).tolist() == [True, True]


def test_miscalibration_by_hand() -> None:
    """History half and half, list all of the first kind, mixed with 1 % of the history."""
    facet = sp.csr_array([[1.0, 0], [0, 1.0], [1.0, 0], [0, 0]])
    liked = sp.csr_array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]])
    lists = sp.csr_array([[0, 0, 1.0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
    found = miscalibration(lists, liked, facet)
    expected = 0.5 * np.log2(0.5 / (0.99 * 1 + 0.005)) + 0.5 * np.log2(0.5 / 0.005)
    assert found[:2] == pytest.approx([expected, 0.0], abs=1e-9)
    assert np.isnan(found[2])


def test_all_of_it_by_hand() -> None:
    """Two users, lists (0, 1) and (0, nothing); of 4 users 4, 1, 0 like the items."""
    catalogue = Catalogue(
        vectors=np.array([[1, 0], [0, 1], [0, 1]], np.float32),
        degrees=np.array([4, 1, 0]),
        n_users=4,
        facet=sp.csr_array((3, 2)),
        facet_name="",
    )
    histories = Histories.of([[2], [1]], 3)
    assert beyond_accuracy(ranking([[0, 1], [0, -1]], 2), histories, catalogue, 3) == pytest.approx(
        {
            "diversity@2": 1.0,
            # the shares are (4 + 1) / 5 and (1 + 1) / 5
            "novelty@2": (-np.log2(2 / 5) / 2 + 0) / 2,
            "popularity@2": ((4 / 4 + 1 / 4) / 2 + 4 / 4) / 2,
            # shown 2, 1, 0 times: |differences| 1, 2, 1 twice each, over 9; twice the mean is 2
            "gini@2": (2 * (1 + 2 + 1) / 9) / 2,
        }
    )


def test_the_catalogue_of_the_checkerboard(dataset) -> None:
    catalogue = Catalogue.of(dataset)
    assert catalogue.facet_name == "HAS_GENRE"
    assert (catalogue.facet.sum(axis=1) == 1).all()
    assert catalogue.n_users == dataset.n_users
    with pytest.raises(UsageError, match="'GENRE'; there are HAS_GENRE"):
        Catalogue.of(dataset, "GENRE")
