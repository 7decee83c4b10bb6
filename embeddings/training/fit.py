"""Fits the two-stage recommender.

Scorers see the training part of each holdout; the ranker learns from the queries about the hidden part.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, SharedScorers, score_columns
from embeddings.candidates.specs import new_item_weights
from embeddings.data.dataset import Dataset
from embeddings.data.threads import single_blas_thread
from embeddings.evaluation.trials import ModelScore
from embeddings.model.stated_preferences import StatedPreferences
from embeddings.ranking.features import IS_NEW, ItemFeatures, extrapolated_features, feature_names
from embeddings.ranking.groups import RankerGroups, RankingGroup
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.training.calibrate import CalibrationUsers, learn_calibration
from embeddings.training.config import GroupConfig, TrainingConfig
from embeddings.training.holdout import Holdout, draw_holdouts
from embeddings.training.new_item_bias import learn_new_item_biases
from embeddings.training.scored_queries import ScoredQueries, score_queries
from embeddings.training.shrunk_weights import learn_shrunk_weights
from kg.graph import BoolArray
from kg.progress import Report, silent


@single_blas_thread()
def fit(
    dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> TwoStageRecommender:
    """Fit scorers, ranker, new-item bias and calibration on a dataset's events.

    The same seed gives the same arrays, however many threads there are and whatever else the machine does.
    """
    dataset = dataset.with_content_config(config.content)
    shared_scorers = SharedScorers.fit(dataset, config.scorers, seed, report)
    others = CalibrationUsers.draw(dataset.n_users, config.calibration, seed)
    ranker = _learn_ranker(dataset, shared_scorers, config, seed, report, ~others.users)
    if ranker.learnt:
        biases = learn_new_item_biases(ranker, dataset, shared_scorers, config, seed, report, others)
        ranker = replace(ranker, new_item_bias=biases.any_time, next_new_item_bias=biases.next)
        calibration = learn_calibration(ranker, others.queries, config.calibration)
        ranker = replace(ranker, calibration=calibration)
    else:
        weights = learn_shrunk_weights(dataset, shared_scorers, config, seed, report)
        ranker = replace(ranker, shrunk_weights=weights)
    return _two_stage(dataset, shared_scorers, ranker, config, seed, report)


def fit_scores(
    dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> ModelScore:
    """Fit as `fit`; the result scores histories and liked entities as the served model does."""
    two_stage = fit(dataset, config, seed, report)
    return ModelScore(StatedPreferences(two_stage, dataset.links, config.stated_preferences))


@single_blas_thread()
def refit(
    ranker: Ranker, dataset: Dataset, config: TrainingConfig, seed: int = 0, report: Report = silent
) -> TwoStageRecommender:
    """Fit the scorers on all events of a dataset and keep a ranker that was learnt before."""
    dataset = dataset.with_content_config(config.content)
    shared_scorers = SharedScorers.fit(dataset, config.scorers, seed, report)
    return _two_stage(dataset, shared_scorers, ranker, config, seed, report)


def _learn_ranker(
    dataset: Dataset,
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    report: Report,
    users: BoolArray,
) -> Ranker:
    """The ranker without biases; its groups, a third of the memory, are released afterwards."""
    groups = ranker_groups(dataset, shared_scorers, config, seed, report, users)
    features = feature_names(score_columns(config.scorers))
    prior = {name: spec.known_item_weight for name, spec in config.scorers.items()}
    selecting = new_item_weights(config.scorers)
    new_prior = {name: selecting.get(name, 0.0) for name in score_columns(config.scorers)}
    report("ranker", 0, 1)
    ranker = Ranker.fit(features, groups, config.ranker, prior, new_prior, seed)
    report("ranker", 1, 1)
    return ranker


def ranker_groups(
    dataset: Dataset,
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    report: Report = silent,
    users: BoolArray | None = None,
) -> RankerGroups:
    """What the ranker learns from: queries of holdouts of each kind, of some users or of all (None).

    New users are hidden in cold holdouts alone, so their queries are for the rankers of known items as well.
    """
    rng = np.random.default_rng(seed)
    holdouts = draw_holdouts(dataset, config.holdout, rng, users)
    own = config.holdout
    total = own.cold_holdouts + own.random_holdouts + len(own.last_shares)
    done = 0

    def scored(some: Iterator[Holdout]) -> Iterator[ScoredQueries]:
        nonlocal done
        for holdout in some:
            yield from score_queries(holdout, shared_scorers, config, seed)
            done += 1
            report("holdouts", done, total)

    cold = [(x.queries.new_users, ranking_group(x, config.groups, rng)) for x in scored(holdouts.cold)]
    of_new_users = [_of_known_items(x, config) for new, x in cold if new]
    random, last = (
        [_of_known_items(ranking_group(x, config.groups, rng), config) for x in scored(some)]
        for some in (holdouts.random, holdouts.last)
    )
    if done < total:
        report("holdouts", total, total)
    following = of_new_users + last if any(x.relevant.any() for x in last) else []
    return RankerGroups([x for _, x in cold], of_new_users + random, following)


def _of_known_items(group: RankingGroup, config: TrainingConfig) -> RankingGroup:
    """The known items of a group, without extrapolated scores: where all items are known there are none."""
    features = feature_names(score_columns(config.scorers))
    known = group.select_rows(group.values[:, features.index(IS_NEW)] == 0)
    values = known.values.copy() if known is group else known.values
    values[:, extrapolated_features(features, config.scorers)] = np.nan
    return RankingGroup(values, known.relevant, known.sizes)


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
    shared_scorers: SharedScorers,
    ranker: Ranker,
    config: TrainingConfig,
    seed: int,
    report: Report,
) -> TwoStageRecommender:
    ensemble = ScorerEnsemble.fit(dataset, config.scorers, shared_scorers, config.cold_items, seed, report)
    items = ItemFeatures.of(dataset, config.two_stage.features)
    return TwoStageRecommender(ensemble, items, ranker, config.two_stage)
