"""Which places are explored, and what is drawn for them."""

from collections import Counter

import numpy as np
import pytest

from embeddings.reranking.exploration import draw_exploration
from embeddings.reranking.novelty import self_information

SCORES = np.arange(20, 0, -1.0)


def test_the_same_seed_draws_the_same() -> None:
    one, again = (draw_exploration(0.4, 5, SCORES, 1.0, "a") for _ in range(2))
    other = draw_exploration(0.4, 5, SCORES, 1.0, "b")
    assert (one.priorities == again.priorities).all()
    assert (one.places == again.places).all()
    assert (one.priorities[5:] != other.priorities[5:]).all()


@pytest.mark.parametrize(("share", "k", "least", "most"), [(0.2, 10, 2, 2), (0.05, 10, 0, 1), (1, 7, 7, 7)])
def test_as_many_places_are_explored_as_the_share_says(share: float, k: int, least: int, most: int) -> None:
    counts = [draw_exploration(share, k, SCORES, 1.0, str(n)).places.sum() for n in range(400)]
    assert min(counts) == least
    assert max(counts) == most
    assert np.mean(counts) == pytest.approx(share * k, abs=0.1), "the mean over 400 seeds"


def test_nothing_of_the_first_k_is_drawn() -> None:
    drawn = draw_exploration(0.5, 8, SCORES, 1.0, "a")
    assert np.isneginf(drawn.priorities).tolist() == [True] * 8 + [False] * 12


def test_items_are_drawn_by_the_softmax_of_their_standard_scores() -> None:
    """Of three items, 1 and 2 may be drawn: at a temperature t with the odds exp((z1 - z2) / t)."""
    scores = np.array([3.0, 2.0, 1.0])  # standard scores sqrt(3/2), 0, -sqrt(3/2)
    for temperature in (0.5, 2.0):
        first = Counter(
            int(np.argmax(draw_exploration(1, 1, scores, temperature, str(n)).priorities))
            for n in range(3000)
        )
        odds = np.exp(1.5**0.5 / temperature)
        assert first[1] / 3000 == pytest.approx(odds / (1 + odds), abs=0.03)


def test_self_information_by_hand() -> None:
    """Of 7 users 0, 1, 3 and 7 like an item: shares 1/8, 2/8, 4/8 and 8/8."""
    assert self_information(np.array([0, 1, 3, 7]), 7).tolist() == [3, 2, 1, 0]
