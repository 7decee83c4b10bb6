"""The bias of new items: how far they are ranked up among known ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.candidates.ensemble import ContentScorers
from embeddings.data.dataset import Dataset
from embeddings.ranking.ranker import Ranker
from embeddings.training.calibrate import CalibrationUsers
from embeddings.training.config import NewItemBiasConfig, TrainingConfig
from embeddings.training.holdout import (
    Holdout,
    last_events_holdout,
    random_holdout,
    with_unpopular_items,
)
from embeddings.training.new_item_share import new_item_share
from embeddings.training.scored_queries import score_queries
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class NewItemBiases:
    """The biases of a ranker."""

    any_time: float
    """Where items of any time are asked for."""
    next: float
    """Where items that come after the history are asked for."""


def learn_new_item_biases(
    ranker: Ranker,
    dataset: Dataset,
    content_scorers: ContentScorers,
    config: TrainingConfig,
    seed: int,
    report: Report = silent,
    calibration: CalibrationUsers | None = None,
) -> NewItemBiases:
    """The biases that lose least NDCG in holdouts; those of the configuration, if it has one.

    The queries of the holdouts are collected in `calibration`.

    For items of any time, items are hidden in the proportion that `new_item_share` estimates of new items,
    and some events. For what comes next, the last events of each user are hidden; where times are unknown,
    the first bias holds there too.
    """
    own, rng = config.new_item_bias, np.random.default_rng(seed)
    calibration = calibration or CalibrationUsers(np.zeros(dataset.n_users, np.bool_))
    share = new_item_share(dataset, own.new_item_share, seed)
    n_known = int(dataset.has_interactions.sum())
    arrived = min(share * (dataset.n_items - n_known) / max(n_known, 1), own.max_new_items)
    simulated = replace(config.holdout, items=arrived)
    kinds = [[random_holdout(dataset, simulated, rng) for _ in range(own.simulated_holdouts)]]
    if dataset.events.all_times_known:
        kinds.append([last_events_holdout(dataset, x, config.holdout, rng) for x in own.last_shares])
    found = []
    for done, holdouts in enumerate(kinds):
        report("new-item bias", done, len(kinds))
        served = [with_unpopular_items(holdout, dataset, share, rng) for holdout in holdouts]
        lost = _loss_by_bias(ranker, served, content_scorers, config, seed, calibration)
        found.append(biases(own)[int(lost.argmin())] if lost.max() > 0 else 0.0)
    report("new-item bias", len(kinds), len(kinds))
    if own.bias is not None:
        return NewItemBiases(own.bias, own.bias)
    return NewItemBiases(found[0], found[-1])


def biases(config: NewItemBiasConfig) -> list[float]:
    """The biases that are tried."""
    found: list[float] = np.arange(config.lowest, config.highest + config.step / 2, config.step).tolist()
    return found


def _loss_by_bias(
    ranker: Ranker,
    holdouts: Sequence[Holdout],
    content_scorers: ContentScorers,
    config: TrainingConfig,
    seed: int,
    calibration: CalibrationUsers,
) -> FloatArray:
    """The share of the best bias's mean NDCG that each bias loses, [biases]."""
    found = [
        ndcg
        for holdout in holdouts
        for ndcg in _ndcg_by_bias(ranker, holdout, content_scorers, config, seed, calibration)
    ]
    mean = np.concatenate(found, axis=1).mean(axis=1) if sum(x.shape[1] for x in found) else np.zeros(1)
    lost = 1 - mean / mean.max() if mean.max() > 0 else np.zeros(len(biases(config.new_item_bias)))
    return lost.astype(np.float32)


def _ndcg_by_bias(
    ranker: Ranker,
    holdout: Holdout,
    content_scorers: ContentScorers,
    config: TrainingConfig,
    seed: int,
    calibration: CalibrationUsers,
) -> Iterator[FloatArray]:
    """NDCG@k [biases, users] of some users after others."""
    unbiased, own = replace(ranker, new_item_bias=0.0), config.new_item_bias
    for scored in score_queries(holdout, content_scorers, config, seed):
        calibration.collect(scored)
        scores, new = unbiased.score(scored.candidates), ranker.is_new(scored.candidates)
        total = np.diff(scored.queries.relevant.indptr)
        ndcg = [_ndcg(scores + bias * new, scored.relevant, total, own.k) for bias in biases(own)]
        yield np.stack([values[total > 0] for values in ndcg])


def _ndcg(scores: FloatArray, relevant: BoolArray, total: IntArray, k: int) -> FloatArray:
    """NDCG@k of each user's candidates, [b]; `total` counts the relevant items, candidates or not."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discount = 1 / np.log2(np.arange(2, k + 2))
    gained = (np.take_along_axis(relevant, best, 1) * discount[: best.shape[1]]).sum(axis=1)
    ideal = np.cumsum(discount)[np.clip(total, 1, k) - 1]
    return np.asarray(gained / ideal)
