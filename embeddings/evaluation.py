"""Methods side by side: the same split, the same ranking, the same metrics."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.dataset import Dataset, Histories
from embeddings.metrics import Ranking, rank
from embeddings.scorers.registry import SCORERS
from embeddings.splits import EventSplit
from kg.errors import UsageError
from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray
from kg.progress import Report, silent

OURS = "trailmix"
BASELINES = ("popularity", "item_knn", "ease")

Score = Callable[[Histories], FloatArray]
"""Histories to float32 [askers, n_items]."""


@dataclass(frozen=True, eq=False)
class Task:
    """One thing to be measured: what may be learnt from, who asks, what leaves the ranking, what is right."""

    dataset: Dataset
    histories: Histories
    """One a user, as known at request time."""
    excluded: sp.csr_array
    """Users x items."""
    relevant: sp.csr_array
    """Users x items."""
    candidates: IntArray | None = None
    """The items ranked; None: all."""

    def measure(self, score: Score, k: int) -> Ranking:
        """Rank for every user who has something relevant."""
        return rank(
            lambda users: score(self.histories.select(users)),
            self.excluded,
            self.relevant,
            k,
            self.candidates,
        )


def split_tasks(snapshot: GraphSnapshot, text: FloatArray, split: EventSplit) -> tuple[Task, Task]:
    """Validation and test of one split; both learn from the training events alone.

    What a user already has leaves the ranking, liked or not: for the test that includes validation.
    """
    dataset = Dataset.from_snapshot(snapshot, text, split.train)

    def task(had: BoolArray, wanted: BoolArray) -> Task:
        events, shape = snapshot.interactions, (snapshot.n_users, snapshot.n_items)
        return Task(
            dataset,
            dataset.histories,
            excluded=events.select(had).matrix(*shape),
            relevant=events.select(wanted & events.liked).matrix(*shape),
        )

    return task(split.train, split.valid), task(split.train | split.valid, split.test)


@dataclass(frozen=True, eq=False)
class Result:
    """How one method did, and with which configuration."""

    name: str
    config: Any
    ranking: Ranking


def measure_scorer(
    name: str, valid: Task, test: Task, k: int = 20, seed: int = 0, report: Report = silent
) -> Result:
    """A named scorer on the test, with the configuration of its grid that has the best NDCG on validation.

    Raises:
        UsageError: no scorer has this name.
    """
    if name not in SCORERS:
        raise UsageError(f"no scorer is called {name!r}; there are {OURS}, {', '.join(SCORERS)}")
    kind = SCORERS[name]
    best, best_ndcg = None, -np.inf
    for done, config in enumerate(kind.grid):
        fitted = kind.fit(valid.dataset, config, seed)
        ndcg = valid.measure(fitted.score, k).means()[f"ndcg@{k}"] if len(kind.grid) > 1 else 0.0
        if ndcg > best_ndcg:
            best, best_ndcg = (fitted, config), ndcg
        report(f"choosing {name}", done + 1, len(kind.grid))
    assert best is not None  # a grid has at least its default
    return Result(name, best[1], test.measure(best[0].score, k))


def metrics_table(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Method -> metric -> value, with the number of users measured."""
    return {r.name: {**r.ranking.means(), "users": float(len(r.ranking.users))} for r in results}
