"""Full-ranking metrics over all items except the excluded ones; ties are broken by one fixed order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.data.ties import tie_order
from embeddings.evaluation.reliability import Reliability
from kg.graph import BoolArray, FloatArray, IntArray

WORST = float(np.finfo(np.float32).min)
"""Replaces the scores NaN and -inf; the item stays in the ranking, at its end."""

PER_USER = ("recall", "precision", "ndcg", "hr", "mrr")


@dataclass(frozen=True, eq=False)
class Ranking:
    """The lists and metrics of one method for each user.

    `users` are those with at least one relevant item; `values[name]` has one value for each of them:
    recall@k = hits / relevant; precision@k = hits / k; ndcg@k with gain 1, ideal over min(relevant, k);
    hr@k = any hit; mrr = 1 / rank of the first relevant item of the whole ranking.
    """

    k: int
    users: IntArray
    values: dict[str, FloatArray]
    top: IntArray
    """The top items of each user, best first, int64 [users, depth]; padded with -1."""
    scores: FloatArray
    """The scores of `top`, float32; -inf at padding."""
    coverage: float
    """Share of the candidates that are in the top k of at least one user."""
    reliability: Mapping[int, Reliability] = field(default_factory=dict)
    """Of the probabilities of a calibrated method, by how many first places of each list are looked at."""

    def means(self) -> dict[str, float]:
        """The mean of each metric over the users, coverage@k, and ece@k of a calibrated method."""
        found = {name: float(values.mean()) if len(values) else 0.0 for name, values in self.values.items()}
        ece = {f"ece@{self.k}": self.reliability[self.k].ece} if self.k in self.reliability else {}
        return found | {f"coverage@{self.k}": self.coverage} | ece


def rank(
    score: Callable[[IntArray], FloatArray],
    excluded: sp.csr_array,
    relevant: sp.csr_array,
    k: int = 20,
    candidates: IntArray | None = None,
    depth: int | None = None,
    batch: int = 256,
) -> Ranking:
    """Rank all items for every user who has at least one relevant item.

    `score(users)` returns float [len(users), n_items]; NaN ranks last. `excluded` and `relevant` are CSR
    matrices users x items; an excluded item does not count as relevant. `candidates` are the items to rank
    (None: all); each list is truncated to `depth` items (None: k).
    """
    depth = max(k, depth or k)
    order = tie_order(relevant.shape[1])
    if candidates is not None:
        order = order[np.isin(order, candidates)]
    users = np.flatnonzero(np.diff(relevant.indptr))
    counted: list[IntArray] = [np.zeros(0, np.int64)]
    rows: list[FloatArray] = [np.zeros((0, len(PER_USER)), np.float32)]
    tops: list[IntArray] = [np.zeros((0, depth), np.int64)]
    bests: list[FloatArray] = [np.zeros((0, depth), np.float32)]
    for start in range(0, len(users), batch):
        some = users[start : start + batch]
        out = excluded[some].toarray()[:, order] > 0
        wanted = (relevant[some].toarray()[:, order] > 0) & ~out
        scores = np.nan_to_num(score(some)[:, order].astype(np.float64), nan=WORST, neginf=WORST)
        scores[out] = -np.inf
        sequence = np.argsort(-scores, axis=1, kind="stable")
        useful = wanted.any(axis=1)
        hits = np.take_along_axis(wanted, sequence, 1)
        rows.append(_measure(hits[useful], k))
        top, best = _top(order, scores, sequence[:, :depth], depth)
        tops.append(top[useful])
        bests.append(best[useful])
        counted.append(some[useful])
    top = np.concatenate(tops)
    return Ranking(
        k,
        np.concatenate(counted),
        _by_name(np.concatenate(rows), k),
        top,
        np.concatenate(bests),
        _coverage(top[:, :k], len(order)),
    )


def _by_name(rows: FloatArray, k: int) -> dict[str, FloatArray]:
    names = [name if name == "mrr" else f"{name}@{k}" for name in PER_USER]
    return {name: rows[:, n] for n, name in enumerate(names)}


def _coverage(top: IntArray, n_candidates: int) -> float:
    return len(np.unique(top[top >= 0])) / max(1, n_candidates)


def _top(
    order: IntArray, scores: npt.NDArray[np.float64], sequence: IntArray, depth: int
) -> tuple[IntArray, FloatArray]:
    """The first items and their scores, padded to [b, depth]; an excluded item has the score -inf."""
    best = np.take_along_axis(scores, sequence, 1)
    items = np.where(best == -np.inf, -1, order[sequence])
    padding = ((0, 0), (0, depth - sequence.shape[1]))
    padded = np.pad(items, padding, constant_values=-1).astype(np.int64)
    return padded, np.pad(best, padding, constant_values=-np.inf).astype(np.float32)


def ndcg_of_lists(
    top: IntArray, users: IntArray, relevant: sp.csr_array, excluded: sp.csr_array
) -> npt.NDArray[np.float64]:
    """NDCG@k of given lists [users, k], which are padded with -1, float64 [users]; as that of `rank`."""
    discount = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    found = np.zeros(len(users))
    for row, user in enumerate(users):
        wanted = np.setdiff1d(_row(relevant, int(user)), _row(excluded, int(user)))
        gain = float(discount @ np.isin(top[row], wanted))
        found[row] = gain / ideal[min(len(wanted), top.shape[1])] if len(wanted) else 0.0
    return found


def _row(matrix: sp.csr_array, row: int) -> IntArray:
    return np.asarray(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]], np.int64)


def _measure(hits: BoolArray, k: int) -> FloatArray:
    """The metrics PER_USER, float32 [b, 5], of hits in order of rank, bool [b, n]."""
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
