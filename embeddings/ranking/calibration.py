"""From the scores that rank to probabilities: the calibration of a ranker.

A score means: the probability that the item is among the next likes of the user, as many as an eighth of the
history, at least one. Where items of any time are asked for, it is the probability that the item is among as
many further likes of the user, drawn at random.

The calibration is isotonic (Zadrozny & Elkan 2002), continuous and strictly increasing, so it keeps every
order. It takes into account how many likes are asked about, by logistic regression (Platt 1999).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from scipy.optimize import fmin_l_bfgs_b, isotonic_regression
from scipy.special import expit, logit

from embeddings.data.files import Array
from kg.graph import Float64Array, IntArray

HISTORY_PER_LIKE = 8
"""One further like is asked about for this many likes of the history: as many as a split holds out that
trains on 80 % of the likes and tests on 10 %."""


def likes_asked_about(history_lengths: IntArray) -> Float64Array:
    """How many further likes a score is about, by the length of the history; maybe no whole number."""
    return np.maximum(history_lengths / HISTORY_PER_LIKE, 1.0)


def share_asked_about(history_lengths: IntArray, held_out: IntArray) -> Float64Array:
    """Likes that a score is about, as a share of each user's held-out ones, float64 of the arrays' shape.

    A held-out like counts as much. Where more are held out than are asked about, as of a user with a short
    history, that is how likely it is to be drawn. Where fewer are, it stands for those that are missing, up
    to as many again.
    """
    return np.minimum(likes_asked_about(history_lengths) / np.maximum(held_out, 1), 2.0)


@dataclass(frozen=True)
class CalibrationConfig:
    """How the calibration is learnt."""

    users: float = 0.1
    """Share of the users that it is learnt from, and that the ranker does not learn from."""
    min_relevant: float = 50.0
    """With fewer relevant candidates nothing is learnt."""
    bins: int = 30
    """The candidates are put into at most this many bins, with equally many relevant ones each."""
    relevant_per_bin: float = 25.0
    """A bin has at least this many relevant candidates."""
    penalty: float = 1e-3
    """L2 penalty of the logistic regression on standardized inputs, beside the mean log loss."""


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """logit(p) = f(score + v log(likes asked about)), f piecewise linear and strictly increasing."""

    weight: float
    """v."""
    slope: float
    """The slope of f at its ends, where it flattens: the odds reach e times those of the last knot."""
    knots: Float64Array
    """Where f is given, ascending."""
    logits: Float64Array
    """f at the knots, ascending."""

    @classmethod
    def fit(
        cls, scores: Float64Array, labels: Float64Array, lengths: IntArray, config: CalibrationConfig
    ) -> Self | None:
        """Learn from candidates: `labels`, in 0..1, say how far each was relevant; all three are [n].

        None: too few are relevant, or higher scores are not more often relevant.
        """
        if labels.sum() < config.min_relevant:
            return None
        log_asked = np.log(likes_asked_about(lengths))
        slope, by_asked = _logistic(scores, log_asked, labels, config.penalty)
        if slope <= 0:
            return None
        weight = by_asked / slope
        inputs = scores + weight * log_asked
        order = np.argsort(inputs, kind="stable")
        inputs, labels = inputs[order], labels[order]
        n_bins = int(np.clip(labels.sum() // config.relevant_per_bin, 1, config.bins))
        # a bin begins at the first of equal inputs, so these share a bin
        edges = np.searchsorted(np.cumsum(labels), labels.sum() * np.arange(1, n_bins) / n_bins)
        place = np.searchsorted(np.unique(inputs[edges]), inputs, side="right")
        _, place, sizes = np.unique(place, return_inverse=True, return_counts=True)
        rates = np.bincount(place, labels) / sizes
        blocks = isotonic_regression(rates, weights=sizes)
        block = np.repeat(np.arange(len(blocks.blocks) - 1), np.diff(blocks.blocks))[place]
        rows = np.bincount(block)
        knots, rates = np.bincount(block, inputs) / rows, np.bincount(block, labels) / rows
        return cls(float(weight), float(slope), knots, logit(np.clip(rates, 1 / len(labels), 1 - 1e-6)))

    def probabilities(self, scores: Float64Array, lengths: IntArray) -> Float64Array:
        """Of scores [b, m] of users with histories of these lengths [b], float64 [b, m] between 0 and 1."""
        inputs = scores + self.weight * np.log(likes_asked_about(lengths))[:, None]
        above = self.slope * np.maximum(inputs - self.knots[-1], 0.0)
        below = self.slope * np.maximum(self.knots[0] - inputs, 0.0)
        ends = above / (1 + above) - below / (1 + below)
        return np.asarray(expit(np.interp(inputs, self.knots, self.logits) + ends))

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The curve whose `arrays()` these are."""
        return cls(float(arrays["weight"]), float(arrays["slope"]), arrays["knots"], arrays["logits"])


@dataclass(frozen=True, eq=False)
class Calibration:
    """The curves of a ranker, whose scores have another scale where new items are among the candidates."""

    curves: Mapping[tuple[bool, bool], CalibrationCurve]
    """By whether what comes next is asked for, and whether new items are candidates."""

    def curve(self, *, ask_next: bool, new_items: bool) -> CalibrationCurve | None:
        """The curve for a kind of question; None: nothing was learnt of that kind."""
        return self.curves.get((ask_next, new_items))

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        return {
            f"{int(ask_next)}{int(new_items)}.{name}": values
            for (ask_next, new_items), curve in self.curves.items()
            for name, values in curve.arrays().items()
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The calibration whose `arrays()` these are."""
        curves: dict[str, dict[str, Array]] = {}
        for name, values in arrays.items():
            kind, _, own = name.partition(".")
            curves.setdefault(kind, {})[own] = values
        return cls({(k[0] == "1", k[1] == "1"): CalibrationCurve.restore(x) for k, x in curves.items()})


def uncalibrated(scores: Float64Array) -> Float64Array:
    """1 / (1 + exp(-score)): between 0 and 1 and in the same order, but no probability of anything."""
    return np.asarray(expit(scores))


def _logistic(
    scores: Float64Array, log_asked: Float64Array, labels: Float64Array, penalty: float
) -> tuple[float, float]:
    """The coefficients of the scores and of the numbers of likes in a logistic regression."""
    inputs = np.stack([scores, log_asked])
    mean, deviation = inputs.mean(axis=1), np.maximum(inputs.std(axis=1), 1e-9)
    design = np.stack([*((inputs - mean[:, None]) / deviation[:, None]), np.ones(len(labels))])
    penalties = penalty * np.array([1.0, 1.0, 0.0])

    def loss(weights: Float64Array) -> tuple[float, Float64Array]:
        logits = weights @ design
        value = float((np.logaddexp(0, logits) - labels * logits).mean() + penalties @ weights**2 / 2)
        return value, design @ (expit(logits) - labels) / len(labels) + penalties * weights

    start = np.array([0.0, 0.0, logit(np.clip(labels.mean(), 1e-9, 1 - 1e-9))])
    weights = fmin_l_bfgs_b(loss, start)[0]
    return float(weights[0] / deviation[0]), float(weights[1] / deviation[1])
