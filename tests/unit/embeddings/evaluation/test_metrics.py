import math

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.ties import tie_order
from embeddings.evaluation.metrics import rank


def test_by_hand() -> None:
    """Scores rank items 4 3 2 1 0; the user has 3, so the ranking is 4 2 1 0; relevant are 2 and 0."""
    scores = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])
    excluded, relevant = sp.csr_array([[0, 0, 0, 1.0, 0]]), sp.csr_array([[1.0, 0, 1.0, 0, 0]])
    found = rank(lambda users: scores[users], excluded, relevant, k=2)
    assert found.top.tolist() == [[4, 2]]
    assert found.means() == pytest.approx(
        {
            "recall@2": 1 / 2,
            "precision@2": 1 / 2,
            "ndcg@2": (1 / math.log2(3)) / (1 / math.log2(2) + 1 / math.log2(3)),
            "hr@2": 1.0,
            "mrr": 1 / 2,
            "coverage@2": 2 / 5,
        }
    )


def slow(scores, excluded, relevant, k, candidates):
    rows, shown = [], set()
    for user in range(len(scores)):
        good = {i for i in candidates if relevant[user, i] and not excluded[user, i]}
        if not good:
            continue
        ranking = sorted((i for i in candidates if not excluded[user, i]), key=lambda i: -scores[user, i])
        hits = [i in good for i in ranking]
        ideal = sum(1 / math.log2(n + 2) for n in range(min(k, len(good))))
        gain = sum(hit / math.log2(n + 2) for n, hit in enumerate(hits[:k]))
        top = sum(hits[:k])
        rows.append((top / len(good), top / k, gain / ideal, top > 0, 1 / (1 + hits.index(True))))
        shown |= set(ranking[:k])
    return [*np.mean(rows, axis=0), len(shown) / len(candidates)]


@pytest.mark.parametrize("candidates", [None, np.arange(0, 60, 3)])
def test_against_the_plain_computation(candidates) -> None:
    rng = np.random.default_rng(3)
    scores = rng.random((40, 60))
    excluded, relevant = sp.csr_array(rng.random((40, 60)) < 0.1), sp.csr_array(rng.random((40, 60)) < 0.08)
    found = rank(lambda users: scores[users], excluded, relevant, 20, candidates, batch=7)
    everything = np.arange(60) if candidates is None else candidates
    expected = slow(scores, excluded.toarray(), relevant.toarray(), 20, everything)
    assert list(found.means().values()) == pytest.approx(expected)


def test_a_constant_score_is_the_one_fixed_random_order() -> None:
    relevant = sp.csr_array(np.eye(3, 50))
    found = rank(lambda users: np.zeros((len(users), 50)), sp.csr_array((3, 50)), relevant, k=5)
    assert found.top.tolist() == [tie_order(50)[:5].tolist()] * 3
    places = [tie_order(50).tolist().index(item) + 1 for item in range(3)]
    assert found.values["mrr"] == pytest.approx([1 / place for place in places])


def test_nan_is_the_worst_and_what_is_had_is_never_shown() -> None:
    scores = np.array([[np.nan, 2.0, 1.0]])
    found = rank(lambda users: scores, sp.csr_array([[0, 1.0, 0]]), sp.csr_array([[1.0, 1.0, 0]]), k=3)
    assert found.top.tolist() == [[2, 0, -1]]
    assert found.values["mrr"].tolist() == [0.5]


def test_without_users_to_measure() -> None:
    nothing = sp.csr_array((2, 3), dtype=np.float32)
    found = rank(lambda users: np.zeros((len(users), 3)), nothing, nothing, k=2)
    assert len(found.users) == 0
    assert found.means()["ndcg@2"] == 0.0


@pytest.mark.parametrize("k", [1, 5, 20])
def test_against_ir_measures(k) -> None:
    """Scores without ties, half of the users with something excluded, some with less relevant than k."""
    import ir_measures
    from ir_measures import RR, P, R, Success, nDCG

    rng = np.random.default_rng(k)
    n_users, n_items = 30, 50
    scores = rng.permuted(np.tile(np.arange(n_items, dtype=np.float64), (n_users, 1)), axis=1)
    excluded = rng.random((n_users, n_items)) < 0.2 * (np.arange(n_users)[:, None] % 2)
    relevant = (rng.random((n_users, n_items)) < 0.1) & ~excluded
    qrels = [ir_measures.Qrel(str(user), str(item), 1) for user, item in np.argwhere(relevant)]
    run = [
        ir_measures.ScoredDoc(str(user), str(item), float(scores[user, item]))
        for user, item in np.argwhere(~excluded)
    ]
    names = {R @ k: f"recall@{k}", P @ k: f"precision@{k}", nDCG @ k: f"ndcg@{k}", RR: "mrr"}
    names[Success @ k] = f"hr@{k}"
    found = rank(lambda users: scores[users], sp.csr_array(excluded), sp.csr_array(relevant), k)
    place = {str(user): n for n, user in enumerate(found.users)}
    theirs = list(ir_measures.iter_calc(list(names), qrels, run))
    assert len(theirs) == len(names) * len(found.users)
    for metric in theirs:
        ours = found.values[names[metric.measure]][place[metric.query_id]]
        assert ours == pytest.approx(metric.value, rel=1e-6), metric
