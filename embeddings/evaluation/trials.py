"""Trials: methods measured on the same split, with the same ranking and metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pkgutil import resolve_name
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from embeddings.baselines.registry import BASELINES, LazyScorers
from embeddings.candidates.specs import SCORERS
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import EventSplit
from embeddings.evaluation.metrics import Ranking, rank
from embeddings.evaluation.reliability import Reliability, reliability
from embeddings.model.versions import OURS as OURS
from embeddings.ranking.calibration import share_asked_about
from embeddings.scorers.base import Scorer
from kg.errors import UsageError
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray
from kg.progress import Report, silent

TRAINING_BASELINES = ("popularity", "item_knn", "ease")
"""Scorers that `trailmix train` measures beside the model."""

METHODS = LazyScorers({**SCORERS, **BASELINES})
"""Every scorer that can be measured, by name: the scorers of the ensemble and the baselines."""

CHOOSERS: Mapping[str, str] = {"blend": "embeddings.evaluation.blending:choose_blend"}
"""How configurations of a scorer are chosen that its grid cannot hold, as `module:function`."""

COMPARED = (*TRAINING_BASELINES, "als", "blend", "lightgcn", "ease_with_content")
"""Scorers that `trailmix evaluate` measures beside the model by default."""

Score = Callable[[Histories], FloatArray]
"""Function from histories to scores, float32 [users, n_items]."""


class ProbabilisticModel(Protocol):
    """A model whose scores may stand for probabilities."""

    def score(self, histories: Histories) -> FloatArray:
        """A `Score`."""

    def calibrated(self, histories: Histories) -> bool:
        """Whether `probabilities` are measured ones."""

    def probabilities(self, histories: Histories, scores: FloatArray) -> Float64Array:
        """From scores [users, m] to probabilities, float64 [users, m]."""


@dataclass(frozen=True, eq=False)
class ModelScore:
    """The `Score` of the model, whose probabilities are measured too."""

    model: "ProbabilisticModel"

    def __call__(self, histories: Histories) -> FloatArray:
        """The scores."""
        return self.model.score(histories)


@dataclass(frozen=True, eq=False)
class Task:
    """A ranking task: the training dataset, the users, the excluded items and the relevant items."""

    dataset: Dataset
    histories: Histories
    """One history per user, as known at request time."""
    excluded: sp.csr_array
    """Users x items."""
    relevant: sp.csr_array
    """Users x items."""
    candidates: IntArray | None = None
    """The items to rank; None: all."""
    left_out: int = 0
    """How many users are not asked about, because too little is known of them."""

    @property
    def measurable(self) -> bool:
        """Whether any user has a relevant item that is ranked."""
        ranked = sp.csr_array(self.relevant - self.relevant.multiply(self.excluded > 0))
        ranked.eliminate_zeros()
        return bool((ranked if self.candidates is None else ranked[:, self.candidates]).nnz)

    def measure(self, score: Score, k: int, depth: int | None = None) -> Ranking:
        """Rank items for each user with relevant items; lists are truncated to `depth` items (None: k)."""
        ranking = rank(
            lambda users: score(self.histories.select(users)),
            self.excluded,
            self.relevant,
            k,
            self.candidates,
            depth,
        )
        if not isinstance(score, ModelScore) or not score.model.calibrated(self.histories):
            return ranking
        return replace(ranking, reliability=self._reliability(ranking, score.model))

    def _reliability(self, ranking: Ranking, model: "ProbabilisticModel") -> dict[int, Reliability]:
        """Of the first 10 and k places, and of all that are listed."""
        histories, top = self.histories.select(ranking.users), ranking.top
        ranked = sp.csr_array(self.relevant - self.relevant.multiply(self.excluded > 0))
        ranked.eliminate_zeros()
        wanted = sp.coo_array(ranked)
        keys = (wanted.row.astype(np.int64) * self.dataset.n_items) + wanted.col
        hits = np.isin(ranking.users[:, None] * self.dataset.n_items + top, keys)
        share = share_asked_about(histories.lengths, np.diff(ranked.indptr)[ranking.users])
        outcomes = hits * share[:, None]
        listed = top >= 0
        probabilities = model.probabilities(histories, np.where(listed, ranking.scores, 0))
        found = {}
        for places in {10, ranking.k, top.shape[1]}:
            first = listed & (np.arange(top.shape[1]) < places)
            if places <= top.shape[1] and first.any():
                found[places] = reliability(probabilities[first], outcomes[first])
        return found


@dataclass(frozen=True, eq=False)
class Trial:
    """Configurations are chosen on `valid`; methods are fitted on `test.dataset` and measured on `test`."""

    name: str
    valid: Task
    test: Task
    parts: Mapping[str, Task] = field(default_factory=dict)
    """The same users and the same ranking, with fewer relevant items."""


def split_tasks(whole: Dataset, split: EventSplit) -> tuple[Task, Task]:
    """The validation and test tasks of one split of a dataset; both train on the training events alone.

    The relevant items are those of liked events. Items with an earlier event of the user, liked or not, are
    excluded; the test task excludes validation items too.
    """
    dataset = whole.select_events(split.train)
    histories = replace(dataset.histories, ask_next=split.by_time)

    def task(had: BoolArray, wanted: BoolArray) -> Task:
        events, shape = whole.events, (whole.n_users, whole.n_items)
        return Task(
            dataset,
            histories,
            excluded=events.select(had).matrix(*shape),
            relevant=events.select(wanted & events.liked).matrix(*shape),
        )

    return task(split.train, split.valid), task(split.train | split.valid, split.test)


@dataclass(frozen=True, eq=False)
class Result:
    """The ranking of one method in one trial, and the chosen configuration."""

    name: str
    config: Any
    ranking: Ranking
    parts: Mapping[str, Ranking] = field(default_factory=dict)
    """The ranking for each part of the trial."""


Choose = Callable[[Sequence[Trial], int, int, Report], Mapping[str, Any]]
"""`choose(trials, k, seed, report)` gives each trial's configuration by its name; trials share datasets."""


@dataclass(frozen=True, eq=False)
class Method:
    """A method to measure: how it is fitted, and the configurations to choose from."""

    name: str
    grid: tuple[Any, ...]
    fit: Callable[[Dataset, Any], Score]
    choose: Callable[[Sequence[Trial], int, Report], Mapping[str, Any]] | None = None
    """Chooses on validation events in another way than by trying the grid."""


def named_method(name: str, seed: int = 0, report: Report = silent) -> Method:
    """A scorer by its name.

    Raises:
        UsageError: no scorer has this name.
    """
    if name not in METHODS:
        raise UsageError(f"no scorer is called {name!r}; there are {OURS}, {', '.join(METHODS)}")
    kind = METHODS[name]
    method = Method(
        name, kind.grid, lambda dataset, config: scorer_scores(kind.fit(dataset, config, seed, report))
    )
    if name not in CHOOSERS:
        return method
    chooser: Choose = resolve_name(CHOOSERS[name])
    return replace(method, choose=lambda trials, k, report: chooser(trials, k, seed, report))


def scorer_scores(scorer: Scorer[Any]) -> Score:
    """The scores of histories by one scorer alone: of the liked entities, where users state any."""

    def score(histories: Histories) -> FloatArray:
        liked = None if histories.likes is None else scorer.score_likes(histories.likes)
        return scorer.score(histories) if liked is None else liked

    return score


def measure_method(
    method: Method, trials: Sequence[Trial], k: int = 20, depth: int | None = None, report: Report = silent
) -> list[Result]:
    """Measure a method in each trial, with the configuration that is best on validation events.

    A fitted method is reused in all trials with the same dataset object, so trials should share datasets.
    """
    found: dict[str, Result] = {}
    groups: dict[tuple[int, int], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((id(trial.valid.dataset), id(trial.test.dataset)), []).append(trial)
    for group in groups.values():
        chosen = choose_configs(method, group, k, report)
        for config in [x for n, x in enumerate(chosen) if x not in chosen[:n]]:
            score = method.fit(group[0].test.dataset, config)
            for trial in (t for t, own in zip(group, chosen, strict=True) if own == config):
                # probabilities are about all relevant items of a trial, not about a part of them
                plain = score.model.score if isinstance(score, ModelScore) else score
                parts = {name: task.measure(plain, k) for name, task in trial.parts.items()}
                found[trial.name] = Result(method.name, config, trial.test.measure(score, k, depth), parts)
    return [found[trial.name] for trial in trials]


def choose_configs(method: Method, trials: Sequence[Trial], k: int, report: Report = silent) -> list[Any]:
    """The configuration for each trial: the one of the grid with the best validation NDCG, unless the method
    chooses in its own way. All trials share one validation dataset.
    """
    if method.choose:
        chosen = method.choose(trials, k, report)
        return [chosen[trial.name] for trial in trials]
    if len(method.grid) == 1:
        return [method.grid[0]] * len(trials)
    ndcg: list[list[float]] = []
    for done, config in enumerate(method.grid):
        score = method.fit(trials[0].valid.dataset, config)
        ndcg.append([trial.valid.measure(score, k).means()[f"ndcg@{k}"] for trial in trials])
        report(f"choosing {method.name}", done + 1, len(method.grid))
    return [method.grid[int(best)] for best in np.argmax(ndcg, axis=0)]


def measure_scorer(
    name: str, valid: Task, test: Task, k: int = 20, seed: int = 0, report: Report = silent
) -> Result:
    """Measure a scorer, by its name, in one trial.

    Raises:
        UsageError: no scorer has this name.
    """
    return measure_method(named_method(name, seed, report), [Trial("", valid, test)], k, report=report)[0]


def metrics_table(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Method -> metric -> value; the number of measured users is one of the values."""
    return {r.name: {**r.ranking.means(), "users": float(len(r.ranking.users))} for r in results}
