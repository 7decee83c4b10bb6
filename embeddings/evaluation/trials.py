"""Methods side by side: the same split, the same ranking, the same metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.baselines.registry import BASELINES, LazyScorers
from embeddings.candidates.specs import SCORERS
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import EventSplit
from embeddings.evaluation.metrics import Ranking, rank
from kg.errors import UsageError
from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray
from kg.progress import Report, silent

OURS = "trailmix"
TRAINING_BASELINES = ("popularity", "item_knn", "ease")
"""Measured beside the model whenever it is trained."""

METHODS = LazyScorers({**SCORERS, **BASELINES})
"""Every scorer that can be measured, by name: those a model may be made of, and the baselines."""

COMPARED = (*TRAINING_BASELINES, "als", "lightgcn", "ease_with_content")
"""Measured beside the model by `trailmix evaluate`, unless other scorers are named."""

Score = Callable[[Histories], FloatArray]
"""Histories to float32 [users, n_items]."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is measured: the dataset to learn from, the users, what leaves the ranking, what is relevant."""

    dataset: Dataset
    histories: Histories
    """One a user, as known at request time."""
    excluded: sp.csr_array
    """Users x items."""
    relevant: sp.csr_array
    """Users x items."""
    candidates: IntArray | None = None
    """The items ranked; None: all."""

    def measure(self, score: Score, k: int, depth: int | None = None) -> Ranking:
        """Rank for every user who has something relevant; the lists are kept to `depth` (None: k)."""
        return rank(
            lambda users: score(self.histories.select(users)),
            self.excluded,
            self.relevant,
            k,
            self.candidates,
            depth,
        )


@dataclass(frozen=True, eq=False)
class Trial:
    """Methods are configured on `valid`, then learn from `test.dataset` and are measured on `test`."""

    name: str
    valid: Task
    test: Task
    parts: Mapping[str, Task] = field(default_factory=dict)
    """The same users and the same ranking, with fewer relevant items."""


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
    """How one method did in one trial, and with which configuration."""

    name: str
    config: Any
    ranking: Ranking
    parts: Mapping[str, Ranking] = field(default_factory=dict)
    """By the trial's parts."""


@dataclass(frozen=True, eq=False)
class Method:
    """Something to measure: a way to learn, and the configurations to choose from."""

    name: str
    grid: tuple[Any, ...]
    fit: Callable[[Dataset, Any], Score]


def named_method(name: str, seed: int = 0, report: Report = silent) -> Method:
    """A scorer by its name.

    Raises:
        UsageError: no scorer has this name.
    """
    if name not in METHODS:
        raise UsageError(f"no scorer is called {name!r}; there are {OURS}, {', '.join(METHODS)}")
    kind = METHODS[name]
    return Method(name, kind.grid, lambda dataset, config: kind.fit(dataset, config, seed, report).score)


def measure_method(
    method: Method, trials: Sequence[Trial], k: int = 20, depth: int | None = None, report: Report = silent
) -> list[Result]:
    """One method in each trial, with the configuration of its grid that has the best NDCG on validation.

    What is fitted is used in all trials that learn from the same dataset, so the trials should share theirs.
    """
    found: dict[str, Result] = {}
    groups: dict[tuple[int, int], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((id(trial.valid.dataset), id(trial.test.dataset)), []).append(trial)
    for group in groups.values():
        chosen = _choose(method, group, k, report)
        for index in sorted(set(chosen.values())):
            config = method.grid[index]
            score = method.fit(group[0].test.dataset, config)
            for trial in (t for t in group if chosen[t.name] == index):
                parts = {name: task.measure(score, k) for name, task in trial.parts.items()}
                found[trial.name] = Result(method.name, config, trial.test.measure(score, k, depth), parts)
    return [found[trial.name] for trial in trials]


def _choose(method: Method, trials: Sequence[Trial], k: int, report: Report) -> dict[str, int]:
    """Which configuration of the grid is best for each of the trials, which share one validation dataset."""
    if len(method.grid) == 1:
        return dict.fromkeys((trial.name for trial in trials), 0)
    ndcg: dict[str, list[float]] = {trial.name: [] for trial in trials}
    for done, config in enumerate(method.grid):
        score = method.fit(trials[0].valid.dataset, config)
        for trial in trials:
            ndcg[trial.name].append(trial.valid.measure(score, k).means()[f"ndcg@{k}"])
        report(f"choosing {method.name}", done + 1, len(method.grid))
    return {name: int(np.argmax(values)) for name, values in ndcg.items()}


def measure_scorer(
    name: str, valid: Task, test: Task, k: int = 20, seed: int = 0, report: Report = silent
) -> Result:
    """A named scorer in one trial.

    Raises:
        UsageError: no scorer has this name.
    """
    return measure_method(named_method(name, seed, report), [Trial("", valid, test)], k, report=report)[0]


def metrics_table(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Method -> metric -> value, with the number of users measured."""
    return {r.name: {**r.ranking.means(), "users": float(len(r.ranking.users))} for r in results}
