"""Fits the two-stage recommender.

Scorers see the training part of each holdout; the ranker learns from the queries about the hidden part.
"""

from dataclasses import replace

import numpy as np

from embeddings.candidates.ensemble import ContentScorers, ScorerEnsemble, score_columns
from embeddings.data.dataset import Dataset
from embeddings.ranking.features import ItemFeatures, feature_names
from embeddings.ranking.ranker import Ranker, RankingGroup
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.training.config import GroupConfig, TrainingConfig
from embeddings.training.holdout import draw_holdouts
from embeddings.training.new_item_bias import learn_new_item_bias
from embeddings.training.scored_queries import ScoredQueries, score_queries
from kg.progress import Report, silent


def fit(
    dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> TwoStageRecommender:
    """Fit scorers, ranker and new-item bias on a dataset's events; the same seed gives the same arrays."""
    dataset = dataset.with_content_config(config.content)
    rng = np.random.default_rng(seed)
    content_scorers = ContentScorers.fit(dataset, config.scorers, seed, report)
    groups: list[RankingGroup] = []
    report("holdouts", 0, config.holdout.holdouts)
    for done, holdout in enumerate(draw_holdouts(dataset, config.holdout, rng)):
        scored = score_queries(holdout, content_scorers, config, seed)
        groups += [ranking_group(some, config.groups, rng) for some in scored]
        report("holdouts", done + 1, config.holdout.holdouts)
    features = feature_names(score_columns(config.scorers))
    report("ranker", 0, 1)
    ranker = Ranker.fit(features, groups, config.ranker, seed)
    report("ranker", 1, 1)
    bias = config.new_item_bias.bias if ranker.learnt else 0.0
    if bias is None:
        bias = learn_new_item_bias(ranker, dataset, content_scorers, config, seed, report)
    return _two_stage(dataset, content_scorers, replace(ranker, new_item_bias=bias), config, seed, report)


def refit(
    ranker: Ranker, dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> TwoStageRecommender:
    """Fit the scorers on all events of a dataset and keep a ranker that was learnt before."""
    dataset = dataset.with_content_config(config.content)
    content_scorers = ContentScorers.fit(dataset, config.scorers, seed, report)
    return _two_stage(dataset, content_scorers, ranker, config, seed, report)


def ranking_group(scored: ScoredQueries, config: GroupConfig, rng: np.random.Generator) -> RankingGroup:
    """The candidates to learn from: the first of either kind, and a random part of the others."""
    candidates, column = scored.candidates, np.arange(scored.candidates.items.shape[1])
    place_among_new = column - candidates.n_known
    first = np.where(place_among_new < 0, column < config.first_known, place_among_new < config.first_new)
    keep = (candidates.items >= 0) & (first | (rng.random(candidates.items.shape) < config.keep))
    relevant = scored.relevant
    keep &= (relevant & keep).any(axis=1, keepdims=True)
    sizes = keep.sum(axis=1)
    return RankingGroup(candidates.values[keep], relevant[keep], sizes[sizes > 0])


def _two_stage(
    dataset: Dataset,
    content_scorers: ContentScorers,
    ranker: Ranker,
    config: TrainingConfig,
    seed: int,
    report: Report,
) -> TwoStageRecommender:
    ensemble = ScorerEnsemble.fit(dataset, config.scorers, content_scorers, config.cold_items, seed, report)
    items = ItemFeatures.of(dataset, config.two_stage.features)
    return TwoStageRecommender(ensemble, items, ranker, config.two_stage)
