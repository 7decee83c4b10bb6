"""One greedy choice by all criteria, against figures by hand and a slow reference."""

from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.item_entities import equal_shares
from embeddings.data.vectors import unit_rows
from embeddings.reranking.criteria import (
    SMOOTHING,
    Caps,
    Criteria,
    Diversity,
    Exploration,
    FacetMix,
    RerankingConfig,
)
from embeddings.reranking.selection import select


def entities_of(*rows: str) -> sp.csr_array:
    """Items x entities from one string a row: "ab" has the entities a and b."""
    names = sorted(set("".join(rows)))
    dense = [[float(name in row) for name in names] for row in rows]
    return sp.csr_array(np.array(dense, np.float32).reshape(len(rows), len(names)))


def places(scores: list[float], k: int, criteria: Criteria) -> list[int]:
    return select(np.array(scores, np.float32), k, criteria).places.tolist()


def standard(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    return (values - values.mean()) / values.std()


def test_without_criteria_the_list_is_the_ranking() -> None:
    assert places([3, 2, 1], 2, Criteria()) == [0, 1]
    assert places([3, 2, 1], 5, Criteria()) == [0, 1, 2]
    assert places([], 3, Criteria()) == []
    assert places([1, 1, 1], 3, Criteria()) == [0, 1, 2], "equal values stand as in the pool"


EQUAL = RerankingConfig(novelty_scale=1.0, diversity_scale=1.0, calibration_scale=1.0)

# standard scores of 3, 2, 1 are (1, 0, -1) * sqrt(3/2); items 0 and 1 have the cosine 0.8, so that
# 1's unlikeness to a list of 0 is 1 - 0.64 = 0.36, and 2's is 1
ALIKE = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)


@pytest.mark.parametrize(("strength", "expected"), [(0.5, [0, 1]), (0.6, [0, 2])])
def test_diversity_by_hand(strength: float, expected: list[int]) -> None:
    """Item 2 is chosen before item 1 as soon as d log 1 - (1 - d) 1.2247 > d log 0.36, which is -1.0217 d."""
    threshold = 1.5**0.5 / (1.5**0.5 - np.log(0.36))
    assert 0.5 < threshold < 0.6
    assert places([3, 2, 1], 2, Criteria(diversity=Diversity(strength, ALIKE), config=EQUAL)) == expected


def slow_determinants(scores: np.ndarray, k: int, vectors: np.ndarray, d: float, scale: float) -> list[int]:
    """Each next item has the highest (1 - d) score + d scale log(ratio of two determinants of cosines)."""
    chosen: list[int] = []

    def determinant(items: list[int]) -> float:
        return float(np.linalg.det(vectors[items] @ vectors[items].T)) if items else 1.0

    for _ in range(k):
        value = {
            n: (1 - d) * score
            + d * scale * np.log(max(determinant([*chosen, n]) / determinant(chosen), 1e-6))
            for n, score in enumerate(standard(scores))
            if n not in chosen
        }
        chosen.append(max(value, key=lambda n: (round(value[n], 6), -n)))
    return chosen


@pytest.mark.parametrize("seed", range(8))
def test_diversity_is_the_greedy_growth_of_the_determinant(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(20, 12)) + 0.5).astype(np.float64)
    scores = np.sort(rng.normal(size=20))[::-1]
    for strength in (0.2, 0.6, 1.0):
        found = select(scores, 7, Criteria(diversity=Diversity(strength, vectors.astype(np.float32))))
        assert found.places.tolist() == sorted(slow_determinants(scores, 7, vectors, strength, 2.0))


def test_of_two_equal_items_a_diverse_list_has_one() -> None:
    vectors = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert places([4, 3.9, 1, 0], 3, Criteria(diversity=Diversity(0.9, vectors))) == [0, 2, 3]


def test_chosen_items_stand_in_the_order_of_the_ranking() -> None:
    """The greedy choice is 0, 3, 1 or 0, 3, 2: the third is unlike the first, and ranks last of the list."""
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    assert places([4, 3, 2, 1], 3, Criteria(diversity=Diversity(0.9, vectors))) == [0, 1, 3]


def test_items_of_which_nothing_is_known_are_unlike_all_others() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    assert places([3, 2, 1], 2, Criteria(diversity=Diversity(0.9, vectors))) == [0, 2]


def test_fused_cosines_are_means_by_the_squared_weights() -> None:
    one, two = np.array([[1, 0], [1, 0]], np.float32), np.array([[1, 0], [0, 1]], np.float32)
    fused = Diversity.of(0.5, [one, two], (1, 2)).vectors
    assert fused[0] @ fused[1] == pytest.approx((1 * 1 + 4 * 0) / 5)


def test_novelty_by_hand() -> None:
    """Standard scores of (3, 2, 1) and of the bits (1, 2, 6): (1.22, 0, -1.22) and (-.93, -.46, 1.39)."""
    bits = np.array([1.0, 2.0, 6.0])
    assert places([3, 2, 1], 3, Criteria(novelty=0.3, information=bits, config=EQUAL)) == [0, 1, 2]
    assert places([3, 2, 1], 3, Criteria(novelty=0.9, information=bits, config=EQUAL)) == [2, 1, 0]
    # at one half: 0.147, -0.231, 0.083
    assert places([3, 2, 1], 3, Criteria(novelty=0.5, information=bits, config=EQUAL)) == [0, 2, 1]


def slow_divergence(chosen: list[int], shares: np.ndarray, wanted: np.ndarray) -> float:
    mix = shares[chosen].sum(axis=0)
    mix = mix / mix.sum() if mix.sum() else mix
    smoothed = (1 - SMOOTHING) * mix + SMOOTHING * wanted
    return float(sum(p * np.log2(p / q) for p, q in zip(wanted, smoothed, strict=True) if p > 0))


def test_a_calibrated_list_by_hand() -> None:
    """A user of 3/4 comedies and 1/4 dramas gets 3 and 1, although the comedies rank last."""
    shares = entities_of("d", "d", "d", "c", "c", "c")
    mix = FacetMix.of(1.0, shares, np.array([0.75, 0.25]))
    assert places([6, 5, 4, 3, 2, 1], 4, Criteria(facet_mix=mix)) == [0, 3, 4, 5]


@pytest.mark.parametrize("seed", range(8))
def test_calibration_is_the_greedy_least_divergence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.permutation(list("abcde"))[: rng.integers(0, 4)]) for _ in range(25)]
    shares = equal_shares(entities_of(*names))
    wanted = rng.dirichlet(np.ones(shares.shape[1])) * (rng.random(shares.shape[1]) < 0.8)
    wanted = wanted / wanted.sum()
    scores = np.sort(rng.normal(size=25))[::-1]
    for strength in (0.0, 0.3, 0.7, 1.0):
        chosen: list[int] = []
        for _ in range(10):
            value = {
                n: (1 - strength) * score
                - strength * slow_divergence([*chosen, n], shares.toarray().astype(float), wanted)
                for n, score in enumerate(standard(scores))
                if n not in chosen
            }
            highest = max(value.values())
            chosen.append(next(n for n, x in value.items() if x > highest - 1e-6))
        found = select(scores, 10, Criteria(facet_mix=FacetMix.of(strength, shares, wanted), config=EQUAL))
        expected = slow_divergence(chosen, shares.toarray().astype(float), wanted)
        reached = slow_divergence(found.places.tolist(), shares.toarray().astype(float), wanted)
        assert reached == pytest.approx(expected, abs=1e-5)
        if strength < 1:
            assert found.places.tolist() == sorted(chosen)


def slow_caps(entities: list[str], k: int, most: int) -> list[int]:
    chosen: list[int] = []
    for n, own in enumerate(entities):
        if all(sum(entity in entities[c] for c in chosen) < most for entity in own):
            chosen.append(n)
    return chosen[:k]


def test_caps_by_hand() -> None:
    directors = ["ab", "a", "b", "", "c", "a"]
    caps = Caps.of([(entities_of(*directors), 1)])
    assert places([6, 5, 4, 3, 2, 1], 6, Criteria(caps=caps)) == [0, 3, 4], "a and b are used up by item 0"
    both = Caps.of([(entities_of(*directors), 2), (entities_of("x", "x", "y", "x", "x", "y"), 2)])
    assert places([6, 5, 4, 3, 2, 1], 6, Criteria(caps=both)) == [0, 1, 2], "x is used up, then a"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("most", [1, 2, 3])
def test_caps_are_exact(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.permutation(list("abcdef"))[: rng.integers(0, 4)]) for _ in range(30)]
    criteria = Criteria(caps=Caps.of([(entities_of(*names), most)]))
    assert places(list(range(30, 0, -1)), 10, criteria) == slow_caps(names, 10, most)


@pytest.mark.parametrize("seed", range(20))
def test_no_criterion_breaks_a_cap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.permutation(list("abcd"))[: rng.integers(0, 3)]) for _ in range(40)]
    entities = entities_of(*names)
    criteria = Criteria(
        novelty=rng.random(),
        information=rng.random(40),
        diversity=Diversity(rng.random(), unit_rows(rng.normal(size=(40, 8)))),
        facet_mix=FacetMix.of(rng.random(), equal_shares(entities), np.full(entities.shape[1], 0.25)),
        caps=Caps.of([(entities, 2)]),
        exploration=Exploration(rng.random(10) < 0.5, rng.random(40)),
    )
    found = select(np.sort(rng.normal(size=40))[::-1], 10, criteria)
    assert len(set(found.places.tolist())) == len(found.places)
    assert entities[found.places].sum(axis=0).max() <= 2


def test_explored_places_get_what_is_drawn_first() -> None:
    priorities = np.array([-np.inf, -np.inf, 0.1, 0.9, 0.5])
    drawn = Exploration(np.array([False, True, True]), priorities)
    found = select(np.arange(5, 0, -1.0), 3, Criteria(exploration=drawn))
    assert found.places.tolist() == [0, 3, 4]
    assert found.explored.tolist() == [False, True, True]


def test_explored_items_keep_their_places_among_sorted_ones() -> None:
    """Of the items 0, 1 and 3 that diversity chooses, 1 and 3 stand around the explored place."""
    vectors = np.array([[1, 0, 0], [0.6, 0.8, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]], np.float32)
    drawn = Exploration(np.array([False, False, True, False]), np.array([-np.inf] * 4 + [1.0]))
    criteria = Criteria(diversity=Diversity(0.9, vectors), exploration=drawn)
    found = select(np.arange(5, 0, -1.0), 4, criteria)
    assert found.places.tolist() == [0, 1, 4, 3]
    assert found.explored.tolist() == [False, False, True, False]


def test_an_explored_place_with_nothing_to_draw_keeps_the_ranking() -> None:
    drawn = Exploration(np.array([True, True]), np.array([-np.inf, -np.inf, 1.0]))
    found = select(np.arange(3, 0, -1.0), 2, Criteria(exploration=drawn))
    assert found.places.tolist() == [2, 0]
    assert found.explored.tolist() == [True, False]


def test_strengths_of_zero_change_nothing() -> None:
    rng = np.random.default_rng(3)
    shares = equal_shares(entities_of(*("ab", "c", "a", "b", "bc", "", "a", "c")))
    criteria = Criteria(
        novelty=0.0,
        information=rng.random(8),
        diversity=Diversity(0.0, unit_rows(rng.normal(size=(8, 3)))),
        facet_mix=FacetMix.of(0.0, shares, np.array([0.2, 0.3, 0.5])),
        exploration=Exploration(np.zeros(5, np.bool_), rng.random(8)),
    )
    assert places([8, 7, 6, 5, 4, 3, 2, 1], 5, criteria) == [0, 1, 2, 3, 4]


def test_full_calibration_comes_near_the_best_of_all_lists() -> None:
    rng = np.random.default_rng(5)
    names = ["".join(rng.permutation(list("abc"))[: rng.integers(1, 3)]) for _ in range(12)]
    shares, wanted = equal_shares(entities_of(*names)), np.array([0.6, 0.3, 0.1])
    mix = FacetMix.of(1.0, shares, wanted)
    found = places(list(range(12, 0, -1)), 5, Criteria(facet_mix=mix))
    dense = shares.toarray().astype(float)
    best = min(slow_divergence(list(some), dense, wanted) for some in combinations(range(12), 5))
    assert slow_divergence(found, dense, wanted) <= best + 0.1
