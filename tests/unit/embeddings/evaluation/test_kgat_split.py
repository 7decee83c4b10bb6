"""The papers' metrics worked out by hand, and beside the definitions of their programs."""

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from embeddings.evaluation.kgat_split import kgat_trial, paper_metrics
from embeddings.evaluation.metrics import Ranking, rank

D = 1 / np.log2(np.arange(2, 30))
"""The discounts of ranks 1, 2, ..."""


def ranking(users, lists) -> Ranking:
    top = np.array([own + [-1] * (6 - len(own)) for own in lists])
    return Ranking(2, np.array(users), {}, top, np.zeros(top.shape, np.float32), 0.0)


def test_figures_of_two_users() -> None:
    """k = 2. User 0 finds 1 of 3 test items, at rank 2, and another one at rank 4; user 2 finds its one item
    at once. User 1 has no test items and does not count.
    """
    test = sp.csr_array(np.array([[1.0, 1, 1, 0, 0, 0], [0] * 6, [0, 0, 0, 0, 0, 1]]))
    found = paper_metrics(ranking([0, 2], [[3, 0, 4, 1], [5, 0]]), test, k=2)
    assert found.recall == pytest.approx((1 / 3 + 1) / 2)
    # the ideal of user 0 has both places right, by both definitions: 3 test items, 2 hits in the list
    assert found.ndcg == pytest.approx((D[1] / (D[0] + D[1]) + 1) / 2)
    assert found.kgat_ndcg == pytest.approx(found.ndcg)


def test_kgat_counts_only_the_relevant_items_that_the_list_has() -> None:
    """One hit, at rank 2, of 3 test items: KGAT's ideal is that one hit at rank 1."""
    test = sp.csr_array(np.array([[1.0, 1, 1, 0, 0, 0]]))
    found = paper_metrics(ranking([0], [[3, 0, 4]]), test, k=2)
    assert found.ndcg == pytest.approx(D[1] / (D[0] + D[1]))
    assert found.kgat_ndcg == pytest.approx(D[1] / D[0])


def test_test_items_of_training_count_but_cannot_be_found() -> None:
    """User 1 has only such an item and is not in the ranking: it finds nothing. User 0 finds 1 of 2."""
    test = sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 0]]))
    excluded = sp.csr_array(np.array([[0, 1.0, 0], [1, 0, 0]]))
    scores = np.array([[3.0, 2, 1], [3, 2, 1]], np.float32)
    found = paper_metrics(rank(lambda users: scores[users], excluded, test, 2, depth=100), test, k=2)
    assert found.recall == pytest.approx((1 / 2 + 0) / 2)
    assert found.ndcg == pytest.approx(D[0] / (D[0] + D[1]) / 2)


def test_random_lists_beside_the_definitions() -> None:
    """KGIN's ideal is from the number of test items, KGAT's from the sorted hits of 100 places."""
    rng = np.random.default_rng(0)
    likes = sp.csr_array((rng.random((7, 300)) < 0.1).astype(np.float32))
    scores = rng.random((7, 300)).astype(np.float32)
    excluded = sp.csr_array((7, 300), dtype=np.float32)
    found = paper_metrics(rank(lambda users: scores[users], excluded, likes, 20, depth=100), likes)
    recall, kgin, kgat = [], [], []
    for own, liked in zip(scores, likes.toarray(), strict=True):
        hits = [int(liked[item]) for item in np.argsort(-own)[:100]]
        dcg = sum(hit / np.log2(place + 2) for place, hit in enumerate(hits[:20]))
        recall.append(sum(hits[:20]) / liked.sum())
        kgin.append(dcg / sum(1 / np.log2(place + 2) for place in range(min(20, int(liked.sum())))))
        ideal = sorted(hits, reverse=True)[:20]
        kgat.append(dcg / sum(hit / np.log2(place + 2) for place, hit in enumerate(ideal)))
    expected = [np.mean(recall), np.mean(kgin), np.mean(kgat)]
    assert [found.recall, found.ndcg, found.kgat_ndcg] == pytest.approx(expected, abs=1e-6)
    assert found.kgat_ndcg > found.ndcg


def test_configurations_are_chosen_on_training_events_alone(snapshot) -> None:
    test = sp.csr_array(np.eye(snapshot.n_users, snapshot.n_items, dtype=np.float32))
    trial = kgat_trial(snapshot, test)
    assert isinstance(trial.test.dataset, Dataset)
    assert len(trial.test.dataset.events) == len(snapshot.interactions)
    assert not trial.test.histories.ask_next
    held = trial.valid.relevant
    had = trial.valid.dataset.seen
    assert (held.toarray() * had.toarray()).sum() == 0
    assert ((held + had).toarray() <= snapshot.seen.toarray()).all()
    of_each = np.diff(held.indptr)
    assert of_each.max() == 1, "a tenth of five likes and one dislike is one item"
    assert trial.test.relevant is test
