"""From a dataset to a fused model: scorers speak of what was hidden from them, a ranker learns from that."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from embeddings.candidates.ensemble import DEFAULT_SCORERS, ContentScorers, ScorerEnsemble, score_columns
from embeddings.data.dataset import Dataset
from embeddings.graph.configs import KgeConfig
from embeddings.graph.kge import with_knowledge
from embeddings.ranking.features import CandidateFeatures, Items, candidate_features, feature_names
from embeddings.ranking.ranker import Ranker, RankerConfig, RankingGroup
from embeddings.ranking.two_stage import Fitted, blas
from embeddings.training.holdout import Holdout, HoldoutConfig, HoldoutQueries, folds, hide, latest
from embeddings.training.new_item_share import new_item_share
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

FIRST_KNOWN, FIRST_NEW = 80, 20
"""So many candidates of either kind a ranking group always keeps."""

BATCH = 32
HELD = 40_000_000
"""At most so many users, and so many scores, are described at once by each of the THREADS."""
THREADS = os.cpu_count() or 1

PRIORS = tuple(np.arange(-3.0, 1.01, 0.125).tolist())
"""Promotions of new items to choose from."""

K = 20
"""The prior is chosen by NDCG among the first so many."""

SIMULATED_HOLDOUTS = 2
"""How many futures are drawn to look like the shelf as it is."""
MOST_NEW = 0.3
"""At most such a share of the items is new in them."""


@dataclass(frozen=True)
class TrainingConfig:
    """Which scorers, how each is fitted, and how the ranking is learnt. The defaults need no tuning."""

    experts: tuple[str, ...] = DEFAULT_SCORERS
    configs: Mapping[str, Any] = field(default_factory=dict)
    """By scorer, in place of its own."""
    kge: KgeConfig = field(default_factory=KgeConfig)
    folds: HoldoutConfig = field(default_factory=HoldoutConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    shown: float = 0.6
    """The share of candidates beyond the first that a ranking group keeps, whether liked or not."""
    new_item_bias: float | None = None
    """The prior for new items: added to the score of an item that nobody has met yet, in the ranker's unit.
    More finds more of what is new and loses some of what is known; see docs/evaluation.md. None: learnt."""


def fit(dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent) -> Fitted:
    """Learn everything from a dataset's events; the same seed gives the same arrays."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    rng = np.random.default_rng(seed)
    ground = ContentScorers.of(dataset, config.experts, config.configs, seed)
    groups: list[RankingGroup] = []
    for done, fold in enumerate(folds(dataset, config.folds, rng)):
        groups += list(_lessons(fold, ground, config, rng, seed))
        report("folds", done + 1, config.folds.folds)
    ranker = Ranker.fit(feature_names(score_columns(config.experts)), groups, config.ranker, seed)
    new_item_bias = config.new_item_bias
    if new_item_bias is None:
        new_item_bias = _learnt_prior(ranker, dataset, ground, config, seed)
    panel = ScorerEnsemble.fit(dataset, config.experts, config.configs, ground, seed, report)
    return Fitted(panel, Items.of(dataset), replace(ranker, new_item_bias=new_item_bias))


def refit(
    ranker: Ranker, dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> Fitted:
    """The scorers fitted on all of a dataset's events, under the ranker already learnt."""
    dataset = with_knowledge(dataset, config.kge, seed, report)
    ground = ContentScorers.of(dataset, config.experts, config.configs, seed)
    panel = ScorerEnsemble.fit(dataset, config.experts, config.configs, ground, seed, report)
    return Fitted(panel, Items.of(dataset), ranker)


def _lessons(
    fold: Holdout, ground: ContentScorers, config: TrainingConfig, rng: np.random.Generator, seed: int
) -> Iterator[RankingGroup]:
    """What the scorers, who know only a part, say of those who ask."""
    for page, asked, items in _pages(fold, ground, config, seed):
        yield _lesson(page, asked, items, config, rng)


def _pages(
    fold: Holdout, ground: ContentScorers, config: TrainingConfig, seed: int
) -> Iterator[tuple[CandidateFeatures, HoldoutQueries, Items]]:
    """The scorers' candidates for all who ask, some users at a time."""
    panel = ScorerEnsemble.fit(fold.part, config.experts, config.configs, ground, seed)
    items = Items.of(fold.part)
    batch = int(np.clip(HELD // (len(panel.score_columns) * fold.part.n_items), 1, BATCH))

    def page(asked: HoldoutQueries) -> CandidateFeatures:
        return candidate_features(asked.histories, panel, items, fold.excluded)

    batches = _batches(fold.questions, batch)
    with blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
        while some := list(islice(batches, 2 * THREADS)):
            for made, asked in zip(pool.map(page, some), some, strict=True):
                yield made, asked, items


def _batches(questions: Sequence[HoldoutQueries], size: int) -> Iterator[HoldoutQueries]:
    """The same questions of at most so many users at once."""
    for question in questions:
        for start in range(0, len(question.histories), size):
            some = np.arange(start, min(start + size, len(question.histories)))
            yield HoldoutQueries(question.histories.select(some), question.wanted[some])


def _learnt_prior(
    ranker: Ranker, dataset: Dataset, ground: ContentScorers, config: TrainingConfig, seed: int
) -> float:
    """The new-item bias that loses least in two futures, taken together.

    One is drawn to look like the shelf as it is: as many items are hidden whole as there are newcomers among
    those that nobody has met, and some events. The other is what time brought: the last events of all; where
    times are unknown, events are hidden at random. A prior loses a share of the NDCG of the best one there.
    """
    rng = np.random.default_rng(seed)
    new_items = new_item_share(dataset, seed)
    has_interactions = int(dataset.has_interactions.sum())
    arrived = new_items * (dataset.n_items - has_interactions) / max(has_interactions, 1)
    alike = [
        hide(dataset, replace(config.folds, items=min(arrived, MOST_NEW)), rng)
        for _ in range(SIMULATED_HOLDOUTS)
    ]
    steady = latest(dataset, config.folds, new_items, rng) or hide(
        dataset, replace(config.folds, items=0.0), rng
    )
    lost = [_loss_by_prior(ranker, future, ground, config, seed) for future in (alike, [steady])]
    return PRIORS[int(np.mean(lost, axis=0).argmin())] if np.max(lost) > 0 else 0.0


def _loss_by_prior(
    ranker: Ranker, future: Sequence[Holdout], ground: ContentScorers, config: TrainingConfig, seed: int
) -> FloatArray:
    """The share of the best prior's mean NDCG that each prior loses, [priors]."""
    found = [found for fold in future for found in _ndcg_by_prior(ranker, fold, ground, config, seed)]
    mean = np.concatenate(found, axis=1).mean(axis=1) if sum(f.shape[1] for f in found) else np.zeros(1)
    lost = 1 - mean / mean.max() if mean.max() > 0 else np.zeros(len(PRIORS))
    return lost.astype(np.float32)


def _ndcg_by_prior(
    ranker: Ranker, fold: Holdout, ground: ContentScorers, config: TrainingConfig, seed: int
) -> Iterator[FloatArray]:
    """NDCG@K [priors, users] of some users after others."""
    column = ranker.features.index("new")
    for page, asked, _ in _pages(fold, ground, config, seed):
        ranked, wanted = replace(ranker, new_item_bias=0.0).score(page), _wanted(page, asked)
        total = np.diff(asked.wanted.indptr)
        priors = (ranked + prior * (page.values[:, :, column] > 0) for prior in PRIORS)
        yield np.stack([_ndcg(ranked, wanted, total)[total > 0] for ranked in priors])


def _ndcg(ranked: FloatArray, wanted: BoolArray, total: IntArray) -> FloatArray:
    """NDCG@K of each user's candidates, [b]; `total` is how many items each wanted, candidates or not."""
    best = np.argsort(-ranked, axis=1, kind="stable")[:, :K]
    discount = 1 / np.log2(np.arange(2, K + 2))
    gained = (np.take_along_axis(wanted, best, 1) * discount[: best.shape[1]]).sum(axis=1)
    ideal = np.cumsum(discount)[np.clip(total, 1, K) - 1]
    return np.asarray(gained / ideal)


def _lesson(
    page: CandidateFeatures,
    asked: HoldoutQueries,
    items: Items,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> RankingGroup:
    """Candidates beyond the first are thinned at random, whether liked or not."""
    known = items.known[page.items]
    place = np.cumsum(np.ones_like(page.items), axis=1) - 1
    place = np.where(known, place, place - known.sum(axis=1, keepdims=True))
    first = np.where(known, place < FIRST_KNOWN, place < FIRST_NEW)
    keep = (page.items >= 0) & (first | (rng.random(page.items.shape) < config.shown))
    wanted = _wanted(page, asked)
    keep &= (wanted & keep).any(axis=1, keepdims=True)
    sizes = keep.sum(axis=1)
    return RankingGroup(page.values[keep], wanted[keep], sizes[sizes > 0])


def _wanted(page: CandidateFeatures, asked: HoldoutQueries) -> BoolArray:
    liked = asked.wanted.toarray() > 0
    return np.take_along_axis(liked, np.maximum(page.items, 0), 1) & (page.items >= 0)
