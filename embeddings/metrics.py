"""Full-ranking metrics: all items less what the user has, ties broken by one fixed order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from kg.graph import BoolArray, FloatArray, IntArray

PER_USER = ("recall", "precision", "ndcg", "hr", "mrr")


@dataclass(frozen=True, eq=False)
class Ranking:
    """How one method did, user by user.

    `values[name]` is one number a user in `users` (those with anything relevant left to find):
    recall@k = hits / relevant; precision@k = hits / k; ndcg@k with gain 1, ideal over min(relevant, k);
    hr@k = any hit; mrr = 1 / rank of the first relevant item of the whole ranking.
    """

    k: int
    users: IntArray
    values: dict[str, FloatArray]
    top: IntArray
    """The k best items of each of those users, best first, int64 [users, k]; -1 where there are fewer."""
    coverage: float
    """Share of the candidates that anybody is recommended."""

    def means(self) -> dict[str, float]:
        """The mean of each metric over the users, and coverage@k."""
        found = {name: float(values.mean()) if len(values) else 0.0 for name, values in self.values.items()}
        return found | {f"coverage@{self.k}": self.coverage}


def tie_order(n_items: int) -> IntArray:
    """The fixed random order in which equal scores stand, int64 [n_items]: items by rank."""
    return np.random.default_rng(0).permutation(n_items)


def rank(
    score: Callable[[IntArray], FloatArray],
    excluded: sp.csr_array,
    relevant: sp.csr_array,
    k: int = 20,
    candidates: IntArray | None = None,
    batch: int = 256,
) -> Ranking:
    """Rank all items for every user who has relevant ones.

    `score(users)` gives float [len(users), n_items], NaN counting as the worst; `excluded` and `relevant` are
    users x items; what is excluded is never relevant. `candidates` are the items to rank (None: all).
    """
    order = tie_order(relevant.shape[1])
    if candidates is not None:
        order = order[np.isin(order, candidates)]
    users = np.flatnonzero(np.diff(relevant.indptr))
    counted: list[IntArray] = [np.zeros(0, np.int64)]
    rows: list[FloatArray] = [np.zeros((0, len(PER_USER)), np.float32)]
    tops: list[IntArray] = [np.zeros((0, k), np.int64)]
    for start in range(0, len(users), batch):
        some = users[start : start + batch]
        out = excluded[some].toarray()[:, order] > 0
        wanted = (relevant[some].toarray()[:, order] > 0) & ~out
        scores = np.nan_to_num(
            score(some)[:, order].astype(np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf
        )
        scores[out] = -np.inf
        sequence = np.argsort(-scores, axis=1, kind="stable")
        useful = wanted.any(axis=1)
        hits = np.take_along_axis(wanted, sequence, 1)
        rows.append(_measure(hits[useful], k))
        tops.append(_top(order, sequence, out, k)[useful])
        counted.append(some[useful])
    return _ranking(k, np.concatenate(counted), np.concatenate(rows), np.concatenate(tops), len(order))


def _ranking(k: int, users: IntArray, rows: FloatArray, top: IntArray, n_candidates: int) -> Ranking:
    names = [name if name == "mrr" else f"{name}@{k}" for name in PER_USER]
    values = {name: rows[:, n] for n, name in enumerate(names)}
    covered = len(np.unique(top[top >= 0])) / max(1, n_candidates)
    return Ranking(k, users, values, top, covered)


def _top(order: IntArray, sequence: IntArray, out: BoolArray, k: int) -> IntArray:
    first = sequence[:, :k]
    items = np.where(np.take_along_axis(out, first, 1), -1, order[first])
    return np.pad(items, ((0, 0), (0, k - items.shape[1])), constant_values=-1).astype(np.int64)


def _measure(hits: BoolArray, k: int) -> FloatArray:
    """From hits in order of rank, bool [b, n], to PER_USER, float32 [b, 5]."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    total = hits.sum(axis=1)
    top = hits[:, :k]
    return np.stack(
        [
            top.sum(axis=1) / total,
            top.sum(axis=1) / k,
            (top * discount[: top.shape[1]]).sum(axis=1) / ideal[np.minimum(total, k)],
            top.any(axis=1),
            1 / (1 + hits.argmax(axis=1)),
        ],
        axis=1,
    ).astype(np.float32)
