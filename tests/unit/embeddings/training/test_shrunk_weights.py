"""Weights between those of the specs and those that few queries ask for."""

import numpy as np
import pytest

from embeddings.ranking.listwise import Queries
from embeddings.training.shrunk_weights import chosen_penalty


def part(seed: int, weights: list[float], count: int = 12) -> Queries:
    """Queries of six candidates; the relevant one follows from these weights and a little noise."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(count, 6, 2)).astype(np.float32)
    relevant = np.zeros((count, 6), np.bool_)
    best = np.argmax(scores @ weights + 0.3 * rng.gumbel(size=(count, 6)), axis=1)
    relevant[np.arange(count), best] = True
    return Queries(scores.reshape(-1, 2), relevant.ravel(), np.full(count, 6))


EVEN = np.array([0.5, 0.5])


def test_parts_that_agree_move_the_weights() -> None:
    parts = [part(seed, [2.0, 0.0]) for seed in range(4)]
    assert chosen_penalty(parts, EVEN, (100.0, 1.0)) == 1.0


def test_what_one_part_says_and_the_others_do_not_keeps_the_fixed_weights() -> None:
    """Every part wants the opposite of what the other one wants, so what is learnt from one harms the other."""
    parts = [part(0, [2.0, 0.0]), part(1, [0.0, 2.0])]
    assert chosen_penalty(parts, EVEN, (100.0, 1.0)) == np.inf


def test_fixed_weights_that_are_right_stay() -> None:
    parts = [part(seed, [2.0, 2.0], 3) for seed in range(4)]
    assert chosen_penalty(parts, EVEN, (3.0, 0.1)) == np.inf


@pytest.mark.parametrize("count", [0, 1])
def test_one_part_cannot_be_compared_with_another(count) -> None:
    assert chosen_penalty([part(0, [2.0, 0.0])] * count, EVEN, (1.0,)) == np.inf
