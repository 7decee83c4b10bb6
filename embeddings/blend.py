"""From many experts' scores to one: weights that know how much is known about the asker and the item."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from embeddings.dataset import Histories
from embeddings.files import Array
from kg.graph import FloatArray, IntArray

LENGTHS = np.array([0, 1, 3, 5, 10, 30], np.float32)
"""Knots of history length; weights between them are interpolated in log(1 + length)."""

DEGREES = np.array([1, 5, 20], np.int64)
"""Item groups by how many users liked them: none, under 5, under 20, more."""


class Blend(Protocol):
    """The boundary of whatever turns experts' scores into one ranking."""

    def parts(self, histories: Histories, scores: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """What each expert contributes, [askers, n_items] each; their sum is the ranking."""

    def arrays(self) -> dict[str, Array]:
        """All that was learnt."""


def standardised(scores: FloatArray) -> FloatArray:
    """asinh of rows with mean 0 and deviation 1 (zeros where a row is constant), float32.

    Experts' scores have long tails and grow about as the chance that an item is liked; asinh grows as its
    logarithm there, which is what a softmax adds up.
    """
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
    return np.asarray(np.arcsinh(scaled, out=scaled), np.float32)


def length_basis(lengths: IntArray) -> FloatArray:
    """Shares of the two nearest knots for each history length, float32 [b, knots]."""
    knots = np.log1p(LENGTHS)
    place = np.clip(np.log1p(lengths.astype(np.float32)), knots[0], knots[-1])
    return np.stack([np.interp(place, knots, row) for row in np.eye(len(knots))], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Gate:
    """total = sum over experts of weight[expert, length] * scale[expert, degree] * standardised score
    + bias[length, degree], the last counted as the expert "prior".
    """

    experts: tuple[str, ...]
    weight: FloatArray
    """[experts, knots of length]"""
    scale: FloatArray
    """[experts, groups of degree]"""
    bias: FloatArray
    """[knots of length, groups of degree]"""
    group: IntArray
    """The group of each item, int64 [n_items]."""

    def parts(self, histories: Histories, scores: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """What each expert contributes, [askers, n_items] each."""
        basis = length_basis(histories.lengths)
        parts = {"prior": (basis @ self.bias)[:, self.group]}
        for n, name in enumerate(self.experts):
            by_item = self.scale[n][self.group]
            parts[name] = standardised(scores[name]) * (basis @ self.weight[n])[:, None] * by_item
        return parts

    def with_new_share(self, learnt: float, expected: float) -> "Gate":
        """The same with another prior for how often what is liked next is an item nobody has liked yet.

        A softmax learnt where that share was `learnt` fits one where it is `expected` when the difference of
        the log-odds is added (Saerens et al. 2002, equation 4, for two classes).
        """
        bias = self.bias.copy()
        bias[:, 0] += _log_odds(expected) - _log_odds(learnt)
        return replace(self, bias=bias)

    def arrays(self) -> dict[str, Array]:
        """All that was learnt."""
        names = np.frombuffer("\n".join(self.experts).encode(), np.uint8)
        return {
            "experts": names,
            "weight": self.weight,
            "scale": self.scale,
            "bias": self.bias,
            "group": self.group,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> "Gate":
        """The gate whose `arrays()` these are."""
        names = tuple(arrays["experts"].tobytes().decode().split("\n"))
        return cls(names, arrays["weight"], arrays["scale"], arrays["bias"], arrays["group"])


def total(parts: Mapping[str, FloatArray]) -> FloatArray:
    """The sum of all parts, float32."""
    return np.asarray(np.sum(list(parts.values()), axis=0), np.float32)


def _log_odds(share: float) -> float:
    bounded = min(max(share, 1e-4), 1 - 1e-4)
    return float(np.log(bounded / (1 - bounded)))


def degree_groups(degrees: IntArray) -> IntArray:
    """The group of each item by how many users liked it, int64."""
    return np.searchsorted(DEGREES, degrees, side="right").astype(np.int64)
