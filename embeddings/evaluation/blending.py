"""Chooses the baseline `blend` on validation events: each component's configuration, then the weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from embeddings.baselines.blend import COMPONENTS, BlendConfig, Component, comparable_scores, with_weights
from embeddings.data.splits import sampled
from embeddings.evaluation.trials import METHODS, Task, Trial, choose_configs, named_method
from embeddings.ranking.listwise import Queries, convex_weights, joined
from embeddings.scorers.base import Scorer
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report

_MAX_USERS = 1000
"""The weights are fitted on at most this many users of the validation task, drawn by seed."""
_FIRST = 100
"""The candidates of a user are this many first items of each component."""
_BATCH = 64


def choose_blend(trials: Sequence[Trial], k: int, seed: int, report: Report) -> dict[str, BlendConfig]:
    """For each trial, by name: the components as they are best alone, with the best weights.

    The weights are `convex_weights` of the validation events.
    """
    alone = {name: choose_configs(named_method(name, seed, report), trials, k, report) for name in COMPONENTS}
    found = {}
    for n, trial in enumerate(trials):
        components = [Component(name, configs[n], 0.0) for name, configs in alone.items()]
        dataset = trial.valid.dataset
        scorers = [METHODS[x.scorer].fit(dataset, x.config, seed) for x in components]
        weights = convex_weights(validation_queries(trial.valid, scorers, seed))
        found[trial.name] = with_weights(components, weights.astype(np.float32))
        report("choosing blend", n + 1, len(trials))
    return found


def validation_queries(task: Task, scorers: Sequence[Scorer[Any]], seed: int) -> Queries:
    """The first candidates of each scorer for users of a task, with what is relevant among them."""
    users = np.flatnonzero(np.diff(task.relevant.indptr))
    users = sampled(users, _MAX_USERS, np.random.default_rng(seed))
    parts = [_queries(task, scorers, users[n : n + _BATCH]) for n in range(0, len(users), _BATCH)]
    none = Queries(np.zeros((0, len(scorers)), np.float32), np.zeros(0, np.bool_), np.zeros(0, np.int64))
    return joined([none, *parts])


def _queries(task: Task, scorers: Sequence[Scorer[Any]], users: IntArray) -> Queries:
    histories, known = task.histories.select(users), task.dataset.has_interactions
    scores = np.stack([comparable_scores(scorer, histories, known) for scorer in scorers])
    ranked = np.zeros(scores.shape[2], np.bool_)
    ranked[slice(None) if task.candidates is None else task.candidates] = True
    ranked = ranked & (task.excluded[users].toarray() == 0)
    keep = np.any([_first(own, ranked) for own in scores], axis=0)
    relevant = (task.relevant[users].toarray() > 0) & keep
    keep &= relevant.any(axis=1, keepdims=True)
    sizes = keep.sum(axis=1)
    return Queries(scores[:, keep].T, relevant[keep], sizes[sizes > 0])


def _first(scores: FloatArray, ranked: BoolArray) -> BoolArray:
    """Which items are among the first of each user, bool [users, n_items]."""
    possible = np.where(ranked, scores, -np.inf)
    count = min(_FIRST, scores.shape[1])
    lowest = np.partition(possible, -count, axis=1)[:, -count]
    return ranked & (possible >= lowest[:, None])
