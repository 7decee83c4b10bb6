"""The bias of new items: how far they are ranked up among known ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.candidates.ensemble import SharedScorers
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
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    report: Report = silent,
    calibration: CalibrationUsers | None = None,
) -> NewItemBiases:
    """The biases that are good enough in holdouts, see `chosen_bias`; those of the configuration, if any.

    The queries of the holdouts are collected in `calibration`.

    For items of any time, items are hidden in the proportion that `new_item_share` estimates of new items,
    and some events. For what comes next, the last events of each user are hidden; where times are unknown,
    the first bias holds there too. All users of the holdouts are known.
    """
    own, rng = config.new_item_bias, np.random.default_rng(seed)
    calibration = calibration or CalibrationUsers(np.zeros(dataset.n_users, np.bool_))
    share = new_item_share(dataset, own.new_item_share, seed)
    n_known = int(dataset.has_interactions.sum())
    arrived = min(share * (dataset.n_items - n_known) / max(n_known, 1), own.max_new_items)
    simulated = replace(config.holdout, items=arrived, users=0.0)
    kinds = [[random_holdout(dataset, simulated, rng) for _ in range(own.simulated_holdouts)]]
    if dataset.events.all_times_known:
        kinds.append([last_events_holdout(dataset, x, config.holdout, rng) for x in own.last_shares])
    found = []
    for done, holdouts in enumerate(kinds):
        report("new-item bias", done, len(kinds))
        served = [with_unpopular_items(holdout, dataset, share, rng) for holdout in holdouts]
        found.append(chosen_bias(*_mean_ndcg(ranker, served, shared_scorers, config, seed, calibration), own))
    report("new-item bias", len(kinds), len(kinds))
    if own.bias is not None:
        return NewItemBiases(own.bias, own.bias)
    return NewItemBiases(found[0], found[-1])


def biases(config: NewItemBiasConfig) -> list[float]:
    """The biases that are tried."""
    found: list[float] = np.arange(config.lowest, config.highest + config.step / 2, config.step).tolist()
    return found


def chosen_bias(ndcg: FloatArray, without: float, config: NewItemBiasConfig) -> float:
    """The lowest bias that gives up no more than the configured share of what new items add to NDCG.

    `ndcg` is by bias, [biases], and `without` that of lists without new items. The NDCG of the best biases
    hardly differs, but lower ones leave more known items in the lists. 0 where all biases find the same.
    """
    best = ndcg.max()
    if best == ndcg.min():
        return 0.0
    enough = ndcg >= best - config.given_up_gain * max(best - without, 0.0)
    return biases(config)[int(enough.argmax())]


def _mean_ndcg(
    ranker: Ranker,
    holdouts: Sequence[Holdout],
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    calibration: CalibrationUsers,
) -> tuple[FloatArray, float]:
    """NDCG@k by bias [biases], and without new items: means over the users of holdouts; 0 without users."""
    found: list[FloatArray] = [np.zeros((len(biases(config.new_item_bias)) + 1, 0), np.float32)]
    for holdout in holdouts:
        found += _ndcg_by_bias(ranker, holdout, shared_scorers, config, seed, calibration)
    users = np.concatenate(found, axis=1)
    mean = users.sum(axis=1, dtype=np.float64) / max(users.shape[1], 1)
    return mean[:-1], float(mean[-1])


def _ndcg_by_bias(
    ranker: Ranker,
    holdout: Holdout,
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    calibration: CalibrationUsers,
) -> Iterator[FloatArray]:
    """NDCG@k [biases + 1, users] of some users after others; the last row is without new items."""
    unbiased, own = replace(ranker, new_item_bias=0.0, next_new_item_bias=0.0), config.new_item_bias
    for scored in score_queries(holdout, shared_scorers, config, seed):
        calibration.collect(scored)
        scores, new = unbiased.score(scored.candidates), ranker.is_new(scored.candidates)
        total = np.diff(scored.queries.relevant.indptr)
        ranked = [*(scores + bias * new for bias in biases(own)), np.where(new, -np.inf, scores)]
        ndcg = [_ndcg(by, scored.relevant, total, own.k) for by in ranked]
        yield np.stack([values[total > 0] for values in ndcg])


def _ndcg(scores: FloatArray, relevant: BoolArray, total: IntArray, k: int) -> FloatArray:
    """NDCG@k of each user's candidates, [b]; `total` counts the relevant items, candidates or not.

    A score of -inf is of no candidate.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discount = 1 / np.log2(np.arange(2, k + 2))
    hit = np.take_along_axis(relevant & np.isfinite(scores), best, 1)
    gained = (hit * discount[: best.shape[1]]).sum(axis=1)
    ideal = np.cumsum(discount)[np.clip(total, 1, k) - 1]
    return np.asarray(gained / ideal)
