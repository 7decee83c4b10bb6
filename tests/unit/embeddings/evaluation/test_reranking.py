"""Curves of reranked lists: thirty books by six authors, of which each ranks before all of the next."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from small_library import ThemeEncoder, library

from embeddings.data.dataset import Dataset, Histories
from embeddings.evaluation.metrics import ndcg_of_lists, rank
from embeddings.evaluation.reranking import CurveConfig, Curves, Point, reranking_curves
from embeddings.evaluation.trials import Task

N = 30


class ByAuthor:
    """The books of author 0 first, then those of author 1, whatever the history."""

    def __init__(self, dataset: Dataset) -> None:
        text = dataset.content.text
        items = SimpleNamespace(text_vectors=text, fact_vectors=np.zeros((N, 1), np.float32))
        ensemble = SimpleNamespace(node_vectors=lambda n_nodes: np.zeros((n_nodes, 1), np.float32))
        self.two_stage: Any = SimpleNamespace(items=items, ensemble=ensemble)

    def score(self, histories: Histories) -> np.ndarray:
        books = np.arange(N)
        return np.tile(-10.0 * (books % 6) - books / 10, (len(histories), 1)).astype(np.float32)


def curves(**strengths: tuple[float, ...]) -> Curves:
    """Reader 0 liked the books 0 and 1 (authors 0 and 1), and then 2; reader 1 liked 5, and then 6 and 11."""
    snapshot = library([(0, 0), (0, 1), (1, 5)])
    dataset = Dataset.from_snapshot(snapshot, ThemeEncoder().encode(snapshot.texts))
    relevant = sp.csr_array(([1.0] * 3, ([0, 1, 1], [2, 6, 11])), shape=(3, N))
    task = Task(dataset, dataset.histories, snapshot.seen, relevant)
    nothing = dict.fromkeys(("diversity", "calibrated", "novelty", "explore"), ())
    config = CurveConfig(**{**nothing, **strengths})
    return reranking_curves("books", task, ByAuthor(dataset), config=config)  # type: ignore[arg-type]


def point(found: Curves, criterion: str, strength: float = 0.0, k: int = 10) -> Point:
    return next(p for p in found.points if (p.criterion, p.strength, p.k) == (criterion, strength, k))


def test_the_ranking_by_hand() -> None:
    """Reader 0 is shown four books of author 0, four of author 1 and two of 2, 2 being relevant;

    reader 1 five of author 0, of which 6 at rank 2 is relevant, and five of author 1.
    """
    found = curves()
    assert (found.users, found.facet) == (2, "WRITTEN_BY")
    own = point(found, "ranking")
    ideal = 1 + 1 / math.log2(3)
    assert own.values["ndcg@10"].value == pytest.approx((1 / math.log2(10) + (1 / math.log2(3)) / ideal) / 2)
    # p is 1/2 and 1/2 for reader 0, q is .4 and .4; p is author 5 alone for reader 1, and q has none
    first = 2 * 0.5 * math.log2(0.5 / (0.99 * 0.4 + 0.01 * 0.5))
    assert own.values["miscalibration"].value == pytest.approx((first + math.log2(1 / 0.01)) / 2)
    # pairs of equal authors: 6 + 6 + 1 of 45, and 10 + 10 of 45
    assert own.values["diversity_facet"].value == pytest.approx(1 - (13 / 45 + 20 / 45) / 2, abs=1e-6)
    assert own.coverage == pytest.approx(12 / 30), "0, 6 ... 24, 1, 7 ... 25, 2 and 8"
    assert own.ratios == {}


def test_a_strength_of_zero_is_the_ranking() -> None:
    names = ("diversity", "calibrated", "novelty", "explore")
    found = curves(**dict.fromkeys(names, (0.0,)))
    for name in names:
        for k in (10, 20):
            own = point(found, name, k=k)
            assert own.values == point(found, "ranking", k=k).values
            assert {ratio.ratio.value for ratio in own.ratios.values()} == {1.0}


def test_full_strengths_reach_their_ends() -> None:
    found = curves(diversity=(1.0,), calibrated=(1.0,), novelty=(1.0,))
    ranking = point(found, "ranking")
    diverse = point(found, "diversity", 1.0)
    assert diverse.ratios["diversity_facet"].ratio.value > 1.2
    mixed = point(found, "calibrated", 1.0).values["miscalibration"].value
    # reader 0 has five of each author but one was read, so 4 of 8; reader 1 has four books of author 5
    first = 2 * 0.5 * math.log2(0.5 / (0.99 * 0.4 + 0.01 * 0.5))
    second = math.log2(1 / (0.99 * 0.4 + 0.01))
    assert mixed == pytest.approx((first + second) / 2)
    assert mixed < ranking.values["miscalibration"].value
    assert point(found, "novelty", 1.0).ratios["novelty"].ratio.value >= 1


def test_ndcg_of_lists_is_that_of_a_ranking() -> None:
    rng = np.random.default_rng(0)
    relevant = sp.csr_array((rng.random((6, 25)) < 0.2).astype(np.float32))
    excluded = sp.csr_array((rng.random((6, 25)) < 0.2).astype(np.float32))
    scores = rng.random((6, 25)).astype(np.float32)
    whole = rank(lambda users: scores[users], excluded, relevant, k=5)
    found = ndcg_of_lists(whole.top, whole.users, relevant, excluded)
    np.testing.assert_allclose(found, whole.values["ndcg@5"], atol=1e-6)
