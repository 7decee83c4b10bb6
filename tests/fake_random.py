"""A generator of random numbers that are given beforehand."""

import numpy as np


class FixedDraws:
    """Returns the given draws one after another; a permutation is the reverse."""

    def __init__(self, *draws) -> None:
        self.draws = [np.asarray(draw) for draw in draws]

    def random(self, shape):
        draw = self.draws.pop(0)
        assert draw.shape == (shape if isinstance(shape, tuple) else (shape,))
        return draw

    def permutation(self, x):
        return (np.arange(x) if np.isscalar(x) else np.asarray(x))[::-1]
