"""From a dataset to a fused model: fit experts on a part, learn their blend on the rest, refit."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.blend import Gate, degree_groups, standardised, total
from embeddings.blend_fit import GateConfig, Lesson, fit_gate
from embeddings.configs import GnnConfig, KgeConfig
from embeddings.dataset import Dataset, Histories
from embeddings.kge import with_knowledge
from embeddings.scorers.als import AlsConfig
from embeddings.scorers.base import Scorer
from embeddings.scorers.ease import EaseConfig
from embeddings.scorers.registry import SCORERS
from kg.graph import BoolArray, FloatArray, NodeArray
from kg.progress import Report, silent

EXPERTS = ("popularity", "ease", "als", "item_knn", "text", "kge", "gnn")

MOST_ASKERS = 400
"""The blend has few numbers to learn; more askers than this would only cost memory."""


@dataclass(frozen=True)
class TrainingConfig:
    """Which experts, how each is fitted, and how the blend is learnt. The defaults need no tuning."""

    experts: tuple[str, ...] = EXPERTS
    ease: EaseConfig = field(default_factory=EaseConfig)
    als: AlsConfig = field(default_factory=lambda: AlsConfig(factors=64, iterations=10))
    kge: KgeConfig = field(default_factory=KgeConfig)
    gnn: GnnConfig = field(default_factory=GnnConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    hide_events: float = 0.15
    """Share of each user's events the blend is learnt from."""
    hide_users: float = 0.1
    """Share of users hidden whole, to learn from histories of 0, 1, 3 and 5 events."""
    hide_items: float = 0.1
    """Share of items hidden whole, to learn which experts to believe about new items."""
    new_share: float | None = None
    """The prior for how often what is liked next is an item nobody has liked yet; more promotes new items.
    None: as often as among events hidden at random."""

    def of(self, name: str) -> Any:
        """The configuration of one expert."""
        return getattr(self, name, None) or SCORERS[name].grid[0]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Experts and the blend of their scores."""

    experts: tuple[Scorer[Any], ...]
    gate: Gate

    def score_parts(self, histories: Histories) -> dict[str, FloatArray]:
        """What each expert contributes, [askers, n_items] each."""
        return self.gate.parts(histories, {x.name: x.score(histories) for x in self.experts})

    def score(self, histories: Histories) -> FloatArray:
        """Their sum, float32 [askers, n_items]."""
        return total(self.score_parts(histories))


def fit(dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent) -> Fitted:
    """Learn everything from a dataset's events; the same seed gives the same arrays."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    rng = np.random.default_rng(seed)
    fold = hide(dataset, config, rng)
    experts = fit_experts(fold.part, config, seed, report)
    lessons = _lessons(dataset, fold, experts, rng)
    gate = fit_gate(config.experts, degree_groups(fold.part.degrees), lessons, config.gate, seed)
    expected = fold.new_share if config.new_share is None else config.new_share
    gate = gate.with_new_share(_share(fold.part, lessons[0].wanted.indices), expected)
    return refit(Fitted((), gate), dataset, config, seed, report)


def refit(
    fitted: Fitted, dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> Fitted:
    """The experts fitted on all of a dataset's events, under the blend already learnt."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    gate = replace(fitted.gate, group=degree_groups(dataset.degrees))
    return Fitted(fit_experts(dataset, config, seed, report), gate)


def fit_experts(
    dataset: Dataset, config: TrainingConfig, seed: int, report: Report = silent
) -> tuple[Scorer[Any], ...]:
    """Each expert on its own."""
    return tuple(SCORERS[name].fit(dataset, config.of(name), seed, report) for name in config.experts)


@dataclass(frozen=True, eq=False)
class Fold:
    """A dataset with a part hidden."""

    part: Dataset
    """What is left to learn from."""
    new_users: BoolArray
    """Which users are hidden whole, bool [n_users]."""
    new_share: float
    """Of liked events hidden one by one, the share whose item nobody is left to like."""


def hide(dataset: Dataset, config: TrainingConfig, rng: np.random.Generator) -> Fold:
    """Hide some users whole, some items whole, and some of the other events."""
    events = dataset.events
    new_users = rng.random(dataset.n_users) < config.hide_users
    new_items = rng.random(dataset.n_items) < config.hide_items
    stay = rng.random(len(events)) >= config.hide_events
    known = ~new_users[events.user] & ~new_items[events.item]
    part = dataset.only(stay & known)
    return Fold(part, new_users, _share(part, events.item[known & ~stay & events.liked]))


def _share(part: Dataset, items: NodeArray) -> float:
    """The share of `items` that nobody in `part` likes."""
    return float(np.mean(part.degrees[items] == 0)) if len(items) else 0.0


def _lessons(
    dataset: Dataset, fold: Fold, experts: tuple[Scorer[Any], ...], rng: np.random.Generator
) -> list[Lesson]:
    """What the experts say of users they know in part, and of users they do not know, at short histories."""
    part = fold.part
    wanted = dataset.liked - part.liked
    known = np.flatnonzero((np.diff(part.liked.indptr) > 0) & (np.asarray(wanted.sum(axis=1)) > 0))
    known = rng.permutation(known)[:MOST_ASKERS]
    lessons = [_lesson(part.histories.select(known), wanted[known], experts)]
    new = np.flatnonzero(fold.new_users & (np.diff(dataset.liked.indptr) > 5))[: MOST_ASKERS // 4]
    met = part.degrees > 0
    for length in (0, 1, 3, 5) if len(new) else ():
        shown = [rng.permutation(h[met[h]])[:length] for h in (dataset.histories[int(u)] for u in new)]
        histories = Histories.of(shown, dataset.n_items)
        lessons.append(_lesson(histories, dataset.liked[new] - histories.matrix, experts))
    return lessons


def _lesson(histories: Histories, wanted: sp.csr_array, experts: tuple[Scorer[Any], ...]) -> Lesson:
    scores = {expert.name: standardised(expert.score(histories)) for expert in experts}
    wanted = sp.csr_array(wanted)
    wanted.eliminate_zeros()
    return Lesson(histories, scores, wanted)
