"""The weights of the ranking without a learnt ranker, shrunk to the fixed ones as there are few queries.

A penalty decides how far the weights may move from those of `ScorerSpec`. It is chosen by cross-validation
over the holdouts. The fixed weights stay unless others are clearly better for queries that they were not
fitted on.
"""

from collections.abc import Sequence

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, SharedScorers
from embeddings.candidates.specs import fixed_weights
from embeddings.data.dataset import Dataset
from embeddings.ranking.fixed_weights import comparable_columns
from embeddings.ranking.listwise import (
    Queries,
    convex_weights,
    joined,
    listwise_loss,
    sharpness,
)
from embeddings.training.config import TrainingConfig
from embeddings.training.holdout import Holdout, HoldoutQueries, draw_holdouts
from kg.graph import Float64Array
from kg.progress import Report, silent

_MAX_ITEMS = 10_000
"""A query has about this many candidates, drawn at random beside the relevant ones."""


def learn_shrunk_weights(
    dataset: Dataset,
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    seed: int,
    report: Report = silent,
) -> dict[str, float]:
    """The weights by score column; empty: too few queries, or the fixed weights do as well.

    The queries are those of the holdouts of what comes next, or of random ones where a time is unknown.
    """
    rng = np.random.default_rng(seed)
    holdouts = draw_holdouts(dataset, config.holdout, rng)
    columns = fixed_weights(config.scorers)
    parts: list[Queries] = []
    for holdout in holdouts.last if dataset.events.all_times_known else holdouts.random:
        parts.append(_queries(holdout, shared_scorers, config, tuple(columns), seed, rng))
        report("weights", len(parts), max(len(parts), config.holdout.random_holdouts))
    parts = [part for part in parts if len(part)]
    if sum(map(len, parts)) < config.ranker.min_weight_queries:
        return {}
    prior = np.array(list(columns.values()))
    prior /= prior.sum()
    penalty = chosen_penalty(parts, prior, config.ranker.weight_penalties)
    if not np.isfinite(penalty):
        return {}
    found = convex_weights(joined(parts), prior, penalty)
    return dict(zip(columns, found.tolist(), strict=True))


def chosen_penalty(parts: Sequence[Queries], prior: Float64Array, penalties: Sequence[float]) -> float:
    """The penalty whose weights lose the least on the part that they were not fitted on; infinity: the prior.

    The loss is that of all queries, each at the temperature that is best for the other parts. Unless it is
    lower than the prior's by more than its standard error over the parts, the prior stays.
    """
    if len(parts) < 2:
        return np.inf
    choices = [np.inf, *penalties]
    losses = np.zeros((len(parts), len(choices)))
    for n, part in enumerate(parts):
        others = joined([x for m, x in enumerate(parts) if m != n])
        for column, penalty in enumerate(choices):
            weights = prior if np.isinf(penalty) else convex_weights(others, prior, penalty)
            losses[n, column] = listwise_loss(part)(weights * sharpness(others, weights))[0]
    best = int(np.argmin(losses.sum(axis=0)))
    gain = losses[:, 0] - losses[:, best]
    certain = gain.sum() > gain.std(ddof=1) * np.sqrt(len(parts))
    return choices[best] if certain else np.inf


def _queries(
    holdout: Holdout,
    shared_scorers: SharedScorers,
    config: TrainingConfig,
    columns: Sequence[str],
    seed: int,
    rng: np.random.Generator,
) -> Queries:
    ensemble = ScorerEnsemble.fit(holdout.train, config.scorers, shared_scorers, config.cold_items, seed)
    return joined([_columns(own, ensemble, columns, rng) for own in holdout.queries])


def _columns(
    queries: HoldoutQueries, ensemble: ScorerEnsemble, columns: Sequence[str], rng: np.random.Generator
) -> Queries:
    """All items but those of the history are candidates, as they are in serving."""
    found = comparable_columns(queries.histories, ensemble, columns)
    relevant = queries.relevant.toarray() > 0
    sampled = rng.random(relevant.shape[1]) < _MAX_ITEMS / max(relevant.shape[1], 1)
    keep = (sampled | relevant) & (queries.histories.matrix.toarray() == 0)
    keep &= relevant.any(axis=1, keepdims=True)
    sizes = keep.sum(axis=1)
    scores = np.stack([found[name][keep] for name in columns], axis=1)
    return Queries(scores, relevant[keep], sizes[sizes > 0])
