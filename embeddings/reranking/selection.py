"""The list itself: one greedy choice by all criteria."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embeddings.reranking.criteria import SMOOTHING, Criteria
from embeddings.reranking.standard import standard_scores
from kg.compiled import compiled
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

_LEAST = 1e-6
"""The unlikeness of an item that is in the span of the list, so that its logarithm stays finite."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The items of a list, in its order."""

    places: IntArray
    """Their places in the pool, int64 [<= k]; fewer than k where the caps admit no more."""
    explored: BoolArray
    """Which of them were drawn from further down the ranking."""


class _Diversity(NamedTuple):
    vectors: FloatArray
    weight: float


class _Mix(NamedTuple):
    starts: IntArray
    values: IntArray
    shares: FloatArray
    wanted: Float64Array
    weight: float


class _Caps(NamedTuple):
    starts: IntArray
    entities: IntArray
    left: IntArray


class _Drawn(NamedTuple):
    places: BoolArray
    priorities: Float64Array


def select(scores: FloatArray | Float64Array, k: int, criteria: Criteria) -> Selection:
    """Choose up to k items of a pool, whose scores [n] descend.

    The next item is that of the highest value among those that the caps admit; of equal ones the first of the
    pool. With the strengths d of diversity, c of the facet mix and n of novelty, the value of an item is

        (1 - d)(1 - c)((1 - n) score + n N information) + d D log unlikeness - c C miscalibration

    where score and information are standard scores over the pool, and N, D and C the scales of the config.
    The unlikeness of an item is the squared length of the part of its vector that is orthogonal to the list:
    the factor by which the item changes the determinant of the list's cosines, as in the greedy inference for
    determinantal point processes (Chen, Zhang, Zhou 2018, equations 6 and 11). Miscalibration is the
    Kullback-Leibler divergence in bits of the user's mix from that of the list with the item (Steck 2018). A
    place that is explored gets the item that is drawn first instead.

    Diversity and miscalibration are about the list as a set, so its items stand in the order of (1 - n) score
    + n N information, but for the explored ones, which keep their places.
    """
    n = len(scores)
    found, explored = np.full(min(k, n), -1, np.int64), np.zeros(min(k, n), np.bool_)
    relevance, share = _relevance(scores, criteria)
    count = _fill(
        share * relevance,
        *(_diversity(criteria, n), _mix(criteria, n), _caps(criteria, n), _drawn(criteria, n, len(found))),
        *(found, explored),
    )
    found, explored = found[:count], explored[:count]
    chosen = found[~explored]
    found[~explored] = chosen[np.lexsort((chosen, -relevance[chosen]))]
    return Selection(found, explored)


def _relevance(scores: FloatArray | Float64Array, criteria: Criteria) -> tuple[Float64Array, float]:
    """The part of each item's value that does not depend on the list, and its weight."""
    relevance = standard_scores(scores)
    if criteria.novelty and criteria.information is not None:
        information = criteria.config.novelty_scale * standard_scores(criteria.information)
        relevance = (1 - criteria.novelty) * relevance + criteria.novelty * information
    strengths = (x.strength for x in (criteria.diversity, criteria.facet_mix) if x)
    return relevance, math.prod(1 - x for x in strengths)


def _diversity(criteria: Criteria, n: int) -> _Diversity:
    given = criteria.diversity
    if given is None:
        return _Diversity(np.zeros((n, 0), np.float32), 0.0)
    weight = given.strength * criteria.config.diversity_scale
    return _Diversity(np.ascontiguousarray(given.vectors, np.float32), weight)


def _mix(criteria: Criteria, n: int) -> _Mix:
    given = criteria.facet_mix
    if given is None:
        nothing = np.zeros(0, np.int64)
        return _Mix(np.zeros(n + 1, np.int64), nothing, np.zeros(0, np.float32), np.zeros(0), 0.0)
    starts, values = (np.asarray(x, np.int64) for x in (given.shares.indptr, given.shares.indices))
    shares = np.asarray(given.shares.data, np.float32)
    return _Mix(starts, values, shares, given.wanted, given.strength * criteria.config.calibration_scale)


def _caps(criteria: Criteria, n: int) -> _Caps:
    given = criteria.caps
    if given is None:
        return _Caps(np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    return _Caps(given.starts, given.entities, given.most.copy())


def _drawn(criteria: Criteria, n: int, k: int) -> _Drawn:
    given = criteria.exploration
    if given is None:
        return _Drawn(np.zeros(k, np.bool_), np.zeros(n))
    return _Drawn(given.places[:k], given.priorities)


@compiled
def _fill(
    relevance: Float64Array,
    diversity: _Diversity,
    mix: _Mix,
    caps: _Caps,
    drawn: _Drawn,
    found: IntArray,
    explored: BoolArray,
) -> int:
    """Fill `found`, `explored` and what is left of the caps, in place; returns how many places it filled."""
    n = len(relevance)
    free, unlikeness, divergence = np.ones(n, np.bool_), np.ones(n), np.zeros(n)
    components = np.zeros((len(found) if diversity.weight > 0 else 0, n))
    totals, mass = np.zeros(len(mix.wanted)), 0.0
    for place in range(len(found)):
        best = _best(drawn.priorities, free, caps) if drawn.places[place] else -1
        explored[place] = best >= 0
        if best < 0:
            value = relevance.copy()
            if diversity.weight > 0:
                value += diversity.weight * np.log(np.maximum(unlikeness, _LEAST))
            if mix.weight > 0:
                _diverge(mix, totals, mass, divergence)
                value -= mix.weight * divergence
            best = _best(value, free, caps)
        if best < 0:
            return place
        found[place], free[best] = best, False
        for entry in range(caps.starts[best], caps.starts[best + 1]):
            caps.left[caps.entities[entry]] -= 1
        for entry in range(mix.starts[best], mix.starts[best + 1]):
            totals[mix.values[entry]] += mix.shares[entry]
        mass += mix.starts[best + 1] > mix.starts[best]
        if diversity.weight > 0:
            _project(diversity.vectors, best, components, place, unlikeness)
    return len(found)


@compiled
def _best(value: Float64Array, free: BoolArray, caps: _Caps) -> int:
    """The free item of the highest value that the caps admit, the first of equal ones; -1: there is none."""
    best, highest = -1, -np.inf
    for item in range(len(value)):
        if free[item] and value[item] > highest:
            admitted = True
            for entry in range(caps.starts[item], caps.starts[item + 1]):
                admitted = admitted and caps.left[caps.entities[entry]] > 0
            if admitted:
                best, highest = item, value[item]
    return best


@compiled
def _project(
    vectors: FloatArray, chosen: int, components: Float64Array, place: int, unlikeness: Float64Array
) -> None:
    """Take the part along the chosen item off the unlikeness of all: one step of a Cholesky decomposition."""
    cosines = np.dot(vectors, vectors[chosen]).astype(np.float64)
    for earlier in range(place):
        cosines -= components[earlier, chosen] * components[earlier]
    components[place] = cosines / np.sqrt(max(unlikeness[chosen], _LEAST))
    unlikeness -= components[place] ** 2


@compiled
def _diverge(mix: _Mix, totals: Float64Array, mass: float, divergence: Float64Array) -> None:
    """The miscalibration of the list with each item; a term changes only where the item has a share."""
    unchanged, with_another = 0.0, 0.0
    for value in range(len(mix.wanted)):
        unchanged += _term(mix.wanted[value], totals[value], mass)
        with_another += _term(mix.wanted[value], totals[value], mass + 1)
    for item in range(len(divergence)):
        divergence[item] = unchanged
        if mix.starts[item] < mix.starts[item + 1]:
            divergence[item] = with_another
        for entry in range(mix.starts[item], mix.starts[item + 1]):
            value = mix.values[entry]
            before = _term(mix.wanted[value], totals[value], mass + 1)
            after = _term(mix.wanted[value], totals[value] + mix.shares[entry], mass + 1)
            divergence[item] += after - before


@compiled
def _term(wanted: float, total: float, mass: float) -> float:
    """p log2(p / ((1 - a) q + a p)) of one value, where q = total / mass, and 0 in an empty list."""
    if wanted <= 0:
        return 0.0
    share = total / mass if mass > 0 else 0.0
    return float(wanted * np.log2(wanted / ((1 - SMOOTHING) * share + SMOOTHING * wanted)))
