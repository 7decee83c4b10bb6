"""Hyperparameter search on events that are held out of the training data.

The search uses the tree-structured Parzen estimator (Bergstra et al. 2011) of Optuna, an optional package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import forward_split
from embeddings.evaluation.trials import Score, Task, split_tasks
from embeddings.text.encoder import TextEncoder
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from embeddings.training.ranked_by import check_items
from kg.errors import UsageError
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent

STAGE = "trials"

Fit = Callable[[Dataset, TrainingConfig], Score]


@dataclass(frozen=True)
class Setting:
    """One hyperparameter of the search space."""

    path: str
    """Its path in a `TrainingConfig`, such as `ranker.boosters.leaves`."""
    low: float
    high: float
    kind: Literal["int", "float"] = "float"
    log: bool = False
    """Whether values are sampled on a logarithmic scale."""


SPACE = (
    Setting("ranker.boosters.rounds", 60, 300, "int", log=True),
    Setting("ranker.boosters.leaves", 6, 32, "int", log=True),
    Setting("ranker.boosters.learning_rate", 0.03, 0.2, log=True),
    Setting("ranker.boosters.min_leaf_size", 20, 200, "int", log=True),
    Setting("ranker.boosters.l2", 0.5, 50.0, log=True),
    Setting("ranker.boosters.truncation", 15, 60, "int"),
    Setting("ranker.boosters.feature_fraction", 0.2, 0.8),
    Setting("holdout.events", 0.05, 0.3),
    Setting("groups.keep", 0.1, 1.0),
)
"""The search space. It excludes the bias of new items, because random hold-out contains no new items."""


@dataclass(frozen=True)
class Trial:
    """One configuration of the search and its score."""

    values: Mapping[str, float]
    """Values by path; empty for the initial configuration."""
    score: float
    """NDCG on the held-out events."""


@dataclass(frozen=True)
class Tuned:
    """The result of a search: the best configuration and all trials."""

    config: TrainingConfig
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial with the highest score; the first one on ties."""
        return max(self.trials, key=lambda trial: trial.score)

    def summary(self) -> dict[str, Any]:
        """The entry of the manifest: number of trials, best and initial score, and changed settings."""
        best = self.best
        return {
            "trials": len(self.trials),
            "ndcg": round(best.score, 6),
            "ndcg_before": round(self.trials[0].score, 6),
            "changed": dict(best.values),
        }


def tune(
    snapshot: GraphSnapshot,
    encoder: TextEncoder,
    config: TrainingConfig,
    go_on: Callable[[], bool],
    seed: int = 0,
    report: Report = silent,
) -> Tuned:
    """Search from an initial configuration; the test events that later measure the model are not used.

    The first trial is the initial configuration; `go_on` is called before each further trial.

    Raises:
        DataError: the graph has no item.
        UsageError: Optuna is not installed.
    """
    check_items(snapshot)
    text = encoder.encode(snapshot.texts, report)
    valid, _ = split_tasks(Dataset.from_snapshot(snapshot, text), forward_split(snapshot.interactions, seed))

    def learn(data: Dataset, tried: TrainingConfig) -> Callable[[Histories], FloatArray]:
        return fit(data, tried, seed).score

    return search(valid, config, go_on, learn, seed, report)


def search(
    valid: Task,
    config: TrainingConfig,
    go_on: Callable[[], bool],
    learn: Fit,
    seed: int = 0,
    report: Report = silent,
    k: int = 20,
) -> Tuned:
    """The configuration that has the best NDCG@k on `valid` when fitted on `valid.dataset`.

    Where nothing is relevant, one trial is made, since no other could be better.

    Raises:
        UsageError: Optuna is not installed.
    """
    optuna = _optuna()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    settings = there_are(config, SPACE)
    study.enqueue_trial({x.path: value_at(config, x.path) for x in settings}, skip_if_exists=True)
    trials: list[Trial] = []
    report(STAGE, 0, None)
    while not trials or (valid.measurable and go_on()):
        asked = study.ask()
        values = {x.path: _suggest(asked, x) for x in settings}
        tried = changed(config, values) if trials else config
        score = float(valid.measure(learn(valid.dataset, tried), k).means()[f"ndcg@{k}"])
        study.tell(asked, score)
        trials.append(Trial(values if trials else {}, score))
        report(STAGE, len(trials), None)
    report(STAGE, len(trials), len(trials))
    found = Tuned(config, tuple(trials))
    return replace(found, config=changed(config, found.best.values))


def there_are(config: TrainingConfig, space: Sequence[Setting]) -> list[Setting]:
    """The settings of a space that the configuration has; ranges are widened to include its values."""
    found = []
    for setting in space:
        try:
            own = value_at(config, setting.path)
        except AttributeError:
            continue
        low, high = min(setting.low, own), max(setting.high, own)
        found.append(replace(setting, low=low, high=high))
    return found


def value_at(config: Any, path: str) -> Any:
    """The value at a path in nested configurations.

    Raises:
        AttributeError: the configuration has no such path.
    """
    for name in path.split("."):
        config = getattr(config, name)
    return config


def changed(config: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a frozen configuration with the given values at the given paths."""
    for path, value in values.items():
        name, _, rest = path.partition(".")
        config = replace(config, **{name: changed(getattr(config, name), {rest: value}) if rest else value})
    return config


def _suggest(asked: Any, setting: Setting) -> float:
    if setting.kind == "int":
        return int(asked.suggest_int(setting.path, int(setting.low), int(setting.high), log=setting.log))
    return float(asked.suggest_float(setting.path, setting.low, setting.high, log=setting.log))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise UsageError("a budget needs optuna: pip install 'trailmix[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
