"""The list itself: one greedy choice by all criteria, place by place."""

from dataclasses import dataclass

import numpy as np

from embeddings.reranking.criteria import SMOOTHING, Criteria
from embeddings.reranking.standard import standard_scores
from kg.compiled import compiled
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

_NONE = np.zeros(0, np.int64)
_NO_SHARES = np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class Selection:
    """The items of a list, in its order."""

    places: IntArray
    """Their places in the pool, int64 [<= k]; fewer than k where the caps admit no more."""
    explored: BoolArray
    """Which of them were drawn from further down the ranking."""
    counts: IntArray
    """How many more items of each entity of the caps the list may have."""


def select(scores: FloatArray | Float64Array, k: int, criteria: Criteria) -> Selection:
    """Choose up to k items of a pool, whose scores [n] descend.

    Each place gets the item of the highest value among those that the caps admit; of equal ones the first of
    the pool. With the strengths d of diversity, c of the facet mix and n of novelty, the value of an item is

        (1 - d)(1 - c)((1 - n) score + n information) - d D nearest - c C miscalibration

    where score and information are standard scores over the pool, `nearest` is the largest cosine with an
    item of the list (MMR: Carbonell, Goldstein 1998), miscalibration is the Kullback-Leibler divergence in
    bits of the user's mix from that of the list with the item (Steck 2018), and D and C are the scales of the
    config. A place that is explored gets the item that is drawn first instead.
    """
    n, config = len(scores), criteria.config
    k = min(k, n)
    relevance, diversity, calibration = _weighted(standard_scores(scores), criteria)
    mix, caps, drawn = criteria.facet_mix, criteria.caps, criteria.exploration
    nowhere = np.zeros(n + 1, np.int64)
    left = caps.most.copy() if caps else _NONE.copy()
    found, explored = np.full(k, -1, np.int64), np.zeros(k, np.bool_)
    vectors = criteria.diversity.vectors if criteria.diversity else np.zeros((n, 0), np.float32)
    count = _fill(
        relevance,
        *(np.ascontiguousarray(vectors, np.float32), diversity * config.diversity_scale),
        *((mix.shares.indptr, mix.shares.indices, mix.shares.data) if mix else (nowhere, _NONE, _NO_SHARES)),
        *(mix.wanted if mix else np.zeros(0), calibration * config.calibration_scale),
        *((caps.starts, caps.entities) if caps else (nowhere, _NONE)),
        left,
        *((drawn.places[:k], drawn.priorities) if drawn else (np.zeros(k, np.bool_), np.zeros(n))),
        *(found, explored),
    )
    return Selection(found[:count], explored[:count], left)


def _weighted(relevance: Float64Array, criteria: Criteria) -> tuple[Float64Array, float, float]:
    """The part of each item's value that does not depend on the list, and the two strengths."""
    diversity = criteria.diversity.strength if criteria.diversity else 0.0
    calibration = criteria.facet_mix.strength if criteria.facet_mix else 0.0
    if criteria.novelty and criteria.information is not None:
        information = standard_scores(criteria.information)
        relevance = (1 - criteria.novelty) * relevance + criteria.novelty * information
    return (1 - diversity) * (1 - calibration) * relevance, diversity, calibration


@compiled
def _fill(
    relevance: Float64Array,
    vectors: FloatArray,
    diversity: float,
    starts: IntArray,
    values: IntArray,
    shares: FloatArray,
    wanted: Float64Array,
    calibration: float,
    cap_starts: IntArray,
    entities: IntArray,
    left: IntArray,
    explored: BoolArray,
    priorities: Float64Array,
    found: IntArray,
    drawn: BoolArray,
) -> int:
    """Fill `found`, `drawn` and `left`, in place; returns how many places were filled."""
    n = len(relevance)
    free, nearest, divergence = np.ones(n, np.bool_), np.full(n, -1.0), np.zeros(n)
    mix, mass = np.zeros(len(wanted)), 0.0
    for place in range(len(found)):
        best = -1
        if explored[place]:
            best = _best(priorities, free, cap_starts, entities, left)
            drawn[place] = best >= 0
        if best < 0:
            if calibration > 0:
                _diverge(starts, values, shares, wanted, mix, mass, divergence)
            total = relevance - diversity * nearest - calibration * divergence
            best = _best(total, free, cap_starts, entities, left)
        if best < 0:
            return place
        found[place], free[best] = best, False
        for entry in range(cap_starts[best], cap_starts[best + 1]):
            left[entities[entry]] -= 1
        if diversity > 0:
            nearest = np.maximum(nearest, np.dot(vectors, vectors[best]).astype(np.float64))
        for entry in range(starts[best], starts[best + 1]):
            mix[values[entry]] += shares[entry]
        mass += starts[best + 1] > starts[best]
    return len(found)


@compiled
def _best(
    total: Float64Array, free: BoolArray, cap_starts: IntArray, entities: IntArray, left: IntArray
) -> int:
    """The free item of the highest value that the caps admit, the first of equal ones; -1: there is none."""
    best, highest = -1, -np.inf
    for item in range(len(total)):
        if free[item] and total[item] > highest:
            admitted = True
            for entry in range(cap_starts[item], cap_starts[item + 1]):
                admitted = admitted and left[entities[entry]] > 0
            if admitted:
                best, highest = item, total[item]
    return best


@compiled
def _diverge(
    starts: IntArray,
    values: IntArray,
    shares: FloatArray,
    wanted: Float64Array,
    mix: Float64Array,
    mass: float,
    divergence: Float64Array,
) -> None:
    """The miscalibration of the list with each item; a term changes only where the item has a share."""
    unchanged, with_another = 0.0, 0.0
    for value in range(len(wanted)):
        unchanged += _term(wanted[value], mix[value], mass)
        with_another += _term(wanted[value], mix[value], mass + 1)
    for item in range(len(divergence)):
        if starts[item] == starts[item + 1]:
            divergence[item] = unchanged
            continue
        found = with_another
        for entry in range(starts[item], starts[item + 1]):
            value = values[entry]
            found -= _term(wanted[value], mix[value], mass + 1)
            found += _term(wanted[value], mix[value] + shares[entry], mass + 1)
        divergence[item] = found


@compiled
def _term(wanted: float, total: float, mass: float) -> float:
    """p log2(p / ((1 - a) q + a p)) of one value, where q = total / mass, and 0 in an empty list."""
    if wanted <= 0:
        return 0.0
    share = total / mass if mass > 0 else 0.0
    return wanted * np.log2(wanted / ((1 - SMOOTHING) * share + SMOOTHING * wanted))
