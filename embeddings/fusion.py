"""From a dataset to a fused model: experts speak of what was hidden from them, a ranker learns from that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embeddings.configs import KgeConfig
from embeddings.dataset import Dataset
from embeddings.features import Items, Sheet, feature_names, sheet
from embeddings.folds import Fold, FoldConfig, Question, folds
from embeddings.fused import Fitted
from embeddings.kge import with_knowledge
from embeddings.panel import DEFAULT_EXPERTS, Panel, voices
from embeddings.ranker import Lesson, Ranker, RankerConfig
from kg.graph import BoolArray
from kg.progress import Report, silent

FIRST_KNOWN, FIRST_NEW = 80, 20
"""So many candidates of either kind a lesson always keeps."""

BATCH = 64
"""Askers whose scores are held at once while lessons are made."""


@dataclass(frozen=True)
class TrainingConfig:
    """Which experts, how each is fitted, and how the ranking is learnt. The defaults need no tuning."""

    experts: tuple[str, ...] = DEFAULT_EXPERTS
    configs: Mapping[str, Any] = field(default_factory=dict)
    """By expert, in place of its own."""
    kge: KgeConfig = field(default_factory=KgeConfig)
    folds: FoldConfig = field(default_factory=FoldConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    shown: float = 0.5
    """The share of candidates beyond the first that a lesson keeps, whether liked or not."""


def fit(dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent) -> Fitted:
    """Learn everything from a dataset's events; the same seed gives the same arrays."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    rng = np.random.default_rng(seed)
    lessons: list[Lesson] = []
    for done, fold in enumerate(folds(dataset, config.folds, rng)):
        lessons += list(_lessons(fold, config, rng, seed))
        report("folds", done + 1, config.folds.folds)
    ranker = Ranker.fit(feature_names(voices(config.experts)), lessons, config.ranker, seed)
    del lessons
    return refit(ranker, dataset, config, seed, report)


def refit(
    ranker: Ranker, dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> Fitted:
    """The experts fitted on all of a dataset's events, under the ranker already learnt."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    panel = Panel.fit(dataset, config.experts, config.configs, seed, report)
    return Fitted(panel, Items.of(dataset), ranker)


def _lessons(fold: Fold, config: TrainingConfig, rng: np.random.Generator, seed: int) -> Iterator[Lesson]:
    """What the experts, who know only a part, say of those who ask."""
    panel = Panel.fit(fold.part, config.experts, config.configs, seed)
    items = Items.of(fold.part)
    for question in fold.questions:
        for start in range(0, len(question.histories), BATCH):
            some = np.arange(start, min(start + BATCH, len(question.histories)))
            asked = Question(question.histories.select(some), question.wanted[some])
            page = sheet(asked.histories, panel, items, fold.barred)
            yield _lesson(page, asked, items, config, rng)


def _lesson(
    page: Sheet, asked: Question, items: Items, config: TrainingConfig, rng: np.random.Generator
) -> Lesson:
    """Candidates beyond the first are thinned at random, whether liked or not."""
    known = items.known[page.items]
    place = np.cumsum(np.ones_like(page.items), axis=1) - 1
    place = np.where(known, place, place - known.sum(axis=1, keepdims=True))
    first = np.where(known, place < FIRST_KNOWN, place < FIRST_NEW)
    keep = (page.items >= 0) & (first | (rng.random(page.items.shape) < config.shown))
    wanted = _wanted(page, asked)
    keep &= (wanted & keep).any(axis=1, keepdims=True)
    sizes = keep.sum(axis=1)
    return Lesson(page.values[keep], wanted[keep], sizes[sizes > 0])


def _wanted(page: Sheet, asked: Question) -> BoolArray:
    liked = asked.wanted.toarray() > 0
    return np.take_along_axis(liked, np.maximum(page.items, 0), 1) & (page.items >= 0)
