"""The nearest by text, against all of them sorted."""

import numpy as np
import pytest

from embeddings.text import similar
from embeddings.text.similar import nearest


def slow(vectors, k, threshold):
    found = []
    for row, vector in enumerate(vectors):
        scores = [
            (-(float(vector @ other)), n) for n, other in enumerate(vectors) if n != row and other.any()
        ]
        best = sorted(x for x in scores if -x[0] >= threshold and vector.any())[:k]
        found += [(row, n) for _, n in best]
    return found


@pytest.mark.parametrize("k", [1, 3, 50])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.99])
def test_as_the_slow_way(k, threshold, monkeypatch):
    monkeypatch.setattr(similar, "BLOCK", 7)
    generator = np.random.default_rng(0)
    # halves, so that many are equally near, whatever the order of adding up
    vectors = (generator.integers(-1, 2, (40, 4)) / 2).astype(np.float32)
    vectors[5] = 0
    assert [(a, b) for a, b, _ in nearest(vectors, k, threshold)] == slow(vectors, k, threshold)


def test_by_hand():
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0, 0]], np.float32)
    assert [(a, b, round(score, 4)) for a, b, score in nearest(vectors, 1, 0.0)] == [
        (0, 1, 0.6),
        (1, 2, 0.8),  # 0.8 beats 0.6
        (2, 1, 0.8),
    ]
    assert list(nearest(vectors, 5, 0.81)) == []


def test_of_a_group_the_nearest_alone_and_none_of_the_own() -> None:
    angles = np.deg2rad([0, 5, 10, 20, 30])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    group = np.array([0, 0, 2, 2, 4])  # the first two rows are one, and the third and the fourth
    found = [(a, b) for a, b, _ in nearest(vectors, 2, 0.5, group)]
    assert found == [(0, 2), (0, 4), (1, 2), (1, 4), (2, 1), (2, 4), (3, 4), (3, 1), (4, 3), (4, 1)]
