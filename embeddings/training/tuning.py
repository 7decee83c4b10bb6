"""Searches the settings of training on events hidden within the training data.

By tree-structured Parzen estimators (Bergstra et al. 2011), in Optuna, an optional package.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import random_split
from embeddings.evaluation.trials import Score, Task, split_tasks
from embeddings.graph.kge import with_knowledge
from embeddings.text.encoder import TextEncoder
from embeddings.training.fit import TrainingConfig, fit
from kg.errors import UsageError
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent

STAGE = "trials"

Fit = Callable[[Dataset, TrainingConfig], Score]


@dataclass(frozen=True)
class Setting:
    """One number that may be searched."""

    path: str
    """Where it is in a `TrainingConfig`: `ranker.leaves`."""
    low: float
    high: float
    kind: Literal["int", "float"] = "float"
    log: bool = False
    """Whether it is drawn by its logarithm."""


SPACE = (
    Setting("ranker.rounds", 60, 300, "int", log=True),
    Setting("ranker.leaves", 6, 32, "int", log=True),
    Setting("ranker.learning_rate", 0.03, 0.2, log=True),
    Setting("ranker.smallest_leaf", 20, 200, "int", log=True),
    Setting("ranker.l2", 0.5, 50.0, log=True),
    Setting("ranker.truncation", 15, 60, "int"),
    Setting("ranker.features", 0.2, 0.8),
    Setting("folds.events", 0.05, 0.3),
    Setting("shown", 0.1, 1.0),
)
"""What is searched. Not the prior for new items: events hidden at random say nothing of what it is for."""


@dataclass(frozen=True)
class Trial:
    """One configuration and how it did."""

    values: Mapping[str, float]
    """By path; empty for the configuration that was there."""
    score: float
    """NDCG on the hidden events."""


@dataclass(frozen=True)
class Tuned:
    """The end of a search."""

    config: TrainingConfig
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The best; of equals the first."""
        return max(self.trials, key=lambda trial: trial.score)

    def summary(self) -> dict[str, Any]:
        """For a manifest: how many trials, the score at best and before, and what was changed."""
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
    """Search around a configuration; test events, by which the model is measured later, take no part in it.

    `go_on` is asked before each trial but the first, which is the configuration as it is.

    Raises:
        UsageError: Optuna is not installed.
    """
    text = encoder.encode(snapshot.texts, report)
    valid, _ = split_tasks(snapshot, text, random_split(snapshot.interactions, seed))
    dataset = with_knowledge(valid.dataset, config.kge, seed, report)

    def learn(data: Dataset, tried: TrainingConfig) -> Callable[[Histories], FloatArray]:
        return fit(data, tried, seed).score

    return search(replace(valid, dataset=dataset), config, go_on, learn, seed, report)


def search(
    valid: Task,
    config: TrainingConfig,
    go_on: Callable[[], bool],
    learn: Fit,
    seed: int = 0,
    report: Report = silent,
    k: int = 20,
) -> Tuned:
    """The configuration that, learnt from `valid.dataset`, has the best NDCG@k on what `valid` hides.

    Raises:
        UsageError: Optuna is not installed.
    """
    optuna = _optuna()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    settings = there_are(config, SPACE)
    study.enqueue_trial({x.path: value_at(config, x.path) for x in settings}, skip_if_exists=True)
    trials: list[Trial] = []
    while not trials or go_on():
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
    """Those of a space that the configuration has, with its own value within their range."""
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
    """A value within nested configurations, by its path.

    Raises:
        AttributeError: there is none.
    """
    for name in path.split("."):
        config = getattr(config, name)
    return config


def changed(config: Any, values: Mapping[str, Any]) -> Any:
    """A frozen configuration with other values at some paths."""
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
