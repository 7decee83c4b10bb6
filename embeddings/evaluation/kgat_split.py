"""The trial of a folder with its own training and test events, and the metrics of the papers that use it.

All items without a training event of the user are ranked, and means are over the users with test events.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from embeddings.data.splits import random_split
from embeddings.evaluation.metrics import Ranking
from embeddings.evaluation.trials import Task, Trial, split_tasks
from kg.graph import FloatArray, GraphSnapshot

DEPTH = 100
"""KGAT's ideal DCG looks at this many first places, the largest of its `--Ks`."""


def kgat_trial(snapshot: GraphSnapshot, test: sp.csr_array, seed: int = 0) -> Trial:
    """The training events are the snapshot's; a random tenth of each user's chooses configurations."""
    whole = Dataset.from_snapshot(snapshot, np.zeros((snapshot.n_items, 1), np.float32))
    split = random_split(whole.events, seed)
    valid, _ = split_tasks(whole, replace(split, train=~split.valid, test=np.zeros_like(split.test)))
    histories = replace(whole.histories, ask_next=False)
    return Trial("test", valid, Task(whole, histories, whole.seen, test))


@dataclass(frozen=True)
class PaperMetrics:
    """Means over the users with test events."""

    recall: float
    """Hits among the first k by all test events of the user, also those with items of training."""
    ndcg: float
    """The ideal ranks min(k, test events) relevant items first: KGIN, KGCL."""
    kgat_ndcg: float
    """The ideal ranks the relevant items among the first 100 first (`ndcg_at_k` of KGAT's metrics.py): a
    list that finds few of many test items loses nothing, so this is never lower than `ndcg`."""


def paper_metrics(ranking: Ranking, test: sp.csr_array, k: int = 20) -> PaperMetrics:
    """The metrics as the papers' programs compute them, from lists of at least 100 items.

    `test` has the test events, users x items. A user whose test events are all in training finds nothing.
    """
    counts = np.diff(test.indptr)
    users = np.flatnonzero(counts)
    hits = np.zeros((len(counts), DEPTH), np.bool_)
    for user, top in zip(ranking.users, ranking.top[:, :DEPTH], strict=True):
        own = test.indices[test.indptr[user] : test.indptr[user + 1]]
        hits[user, : len(top)] = np.isin(top, own)
    found, total = hits[users], counts[users]
    return PaperMetrics(
        recall=float((found[:, :k].sum(axis=1) / total).mean()),
        ndcg=float(_ndcg(found, total, k).mean()),
        kgat_ndcg=float(_ndcg(found, found.sum(axis=1), k).mean()),
    )


def _ndcg(hits: npt.NDArray[np.bool_], relevant: npt.NDArray[np.int64], k: int) -> FloatArray:
    """NDCG@k of each user, where the ideal ranks min(k, relevant) items first."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.clip(relevant, 1, k) - 1]
    return np.asarray((hits[:, :k] * discount).sum(axis=1) / ideal, np.float32)
