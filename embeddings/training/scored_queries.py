"""Holdout queries with their candidates, as the scorers see them that know the training part alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, SharedScorers
from embeddings.data.threads import in_parallel, single_blas_thread
from embeddings.ranking.features import CandidateFeatures, ItemFeatures, candidate_features
from embeddings.training.config import TrainingConfig
from embeddings.training.holdout import Holdout, HoldoutQueries
from kg.graph import BoolArray

_BATCH = 32
"""At most this many users are scored at a time by a thread."""
_BATCH_SCORES = 40_000_000
"""At most this many scores are held at a time by a thread."""


@dataclass(frozen=True, eq=False)
class ScoredQueries:
    """Some queries of a holdout with their candidates."""

    queries: HoldoutQueries
    candidates: CandidateFeatures

    @property
    def relevant(self) -> BoolArray:
        """Which candidates are relevant, bool [b, c]."""
        liked = self.queries.relevant.toarray() > 0
        items = self.candidates.items
        return np.take_along_axis(liked, np.maximum(items, 0), 1) & (items >= 0)


def score_queries(
    holdout: Holdout, shared_scorers: SharedScorers, config: TrainingConfig, seed: int
) -> Iterator[ScoredQueries]:
    """Fit the scorers on the training part and score the queries, some users at a time, in order.

    Where no query has anything relevant, nothing is fitted, since nothing can be learnt.
    """
    if not any(queries.relevant.nnz for queries in holdout.queries):
        return
    two_stage, train = config.two_stage, holdout.train
    ensemble = ScorerEnsemble.fit(train, config.scorers, shared_scorers, config.cold_items, seed)
    items = ItemFeatures.of(train, two_stage.features)
    size = int(np.clip(_BATCH_SCORES // (len(ensemble.score_columns) * train.n_items), 1, _BATCH))

    def score(queries: HoldoutQueries) -> ScoredQueries:
        candidates = candidate_features(
            queries.histories, ensemble, items, two_stage.candidates, two_stage.features, holdout.excluded
        )
        return ScoredQueries(queries, candidates)

    batches = chain.from_iterable(queries.batches(size) for queries in holdout.queries)
    with single_blas_thread():
        yield from in_parallel(score, batches)
