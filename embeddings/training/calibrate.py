"""Learns the calibration of a ranker from the holdout queries of users that the ranker did not learn from.

Where a ranker has seen a user's likes, it ranks them higher than the next ones of anybody else: probabilities
learnt from its own queries would be far too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from embeddings.ranking.calibration import (
    Calibration,
    CalibrationConfig,
    CalibrationCurve,
    share_asked_about,
)
from embeddings.ranking.features import CandidateFeatures
from embeddings.ranking.ranker import Ranker
from embeddings.training.scored_queries import ScoredQueries
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class CalibrationQueries:
    """Some scored queries, without what is as long as all items."""

    candidates: CandidateFeatures
    relevant: BoolArray
    """Which candidates are relevant, bool [b, c]."""
    lengths: IntArray
    """Likes of each history [b]."""
    held_out: IntArray
    """Likes held out of each user, candidates or not [b]."""

    @classmethod
    def of(cls, scored: ScoredQueries, rows: IntArray) -> "CalibrationQueries":
        """Some of the queries."""
        found = scored.candidates
        none = np.zeros((len(rows), 0), np.float32)
        candidates = replace(found, items=found.items[rows], values=found.values[rows], blended_score=none)
        held_out = np.diff(scored.queries.relevant.indptr)[rows]
        lengths = scored.queries.histories.lengths[rows]
        return cls(candidates, scored.relevant[rows], lengths, held_out)

    def known_items(self) -> "CalibrationQueries":
        """The same queries without new items."""
        n_known = self.candidates.n_known
        known = replace(
            self.candidates,
            items=self.candidates.items[:, :n_known],
            values=self.candidates.values[:, :n_known],
        )
        return replace(self, candidates=known, relevant=self.relevant[:, :n_known])


@dataclass(eq=False)
class CalibrationUsers:
    """Users that the ranker does not learn from, and their queries as these come by."""

    users: BoolArray
    """bool [n_users]"""
    queries: list[CalibrationQueries] = field(default_factory=list)

    @classmethod
    def draw(cls, n_users: int, config: CalibrationConfig, seed: int) -> "CalibrationUsers":
        """A random share of all users."""
        # a stream of its own, since holdouts begin by drawing users, too
        return cls(np.random.default_rng([seed, 1]).random(n_users) < config.users)

    def collect(self, scored: ScoredQueries) -> None:
        """Keep their queries among some that are scored for another purpose."""
        rows = np.flatnonzero(self.users[scored.queries.users])
        if len(rows):
            self.queries.append(CalibrationQueries.of(scored, rows))


def learn_calibration(
    ranker: Ranker, queries: Sequence[CalibrationQueries], config: CalibrationConfig
) -> Calibration:
    """A curve for each kind of question; where no query asks for what comes next, those of any time."""
    curves: dict[tuple[bool, bool], CalibrationCurve] = {}
    for new_items in (False, True):
        for ask_next in (False, True):
            own = [x for x in queries if x.candidates.ask_next == ask_next]
            rows = [_rows(ranker, x if new_items else x.known_items(), new_items) for x in own]
            curve = _curve(rows, config)
            if curve is None and not own:
                curve = curves.get((not ask_next, new_items))
            if curve is not None:
                curves[ask_next, new_items] = curve
    return Calibration(curves)


_Rows = tuple[FloatArray, Float64Array, IntArray]


def _curve(rows: Sequence[_Rows], config: CalibrationConfig) -> CalibrationCurve | None:
    if not rows:
        return None
    scores, labels, lengths = (np.concatenate(column) for column in zip(*rows, strict=True))
    return CalibrationCurve.fit(scores.astype(np.float64), labels, lengths, config)


def _rows(ranker: Ranker, queries: CalibrationQueries, new_items: bool) -> _Rows:
    """The scores of the candidates, how far each counts as relevant, and the lengths of the histories.

    Of those queries alone that have a held-out like and, with `new_items`, a new candidate.
    """
    valid = (queries.candidates.items >= 0) & (queries.held_out > 0)[:, None]
    if new_items:
        valid &= (valid & ranker.is_new(queries.candidates)).any(axis=1, keepdims=True)
    scores = ranker.score(queries.candidates)[valid]
    labels = queries.relevant * share_asked_about(queries.lengths, queries.held_out)[:, None]
    lengths = np.broadcast_to(queries.lengths[:, None], valid.shape)
    return scores, labels[valid], lengths[valid]
