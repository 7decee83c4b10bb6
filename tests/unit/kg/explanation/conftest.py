"""A short way to ask about the graph of eight films."""

from collections.abc import Callable

import numpy as np
import pytest

from kg.explanation.paths import Sources
from kg.graph import GraphSnapshot

MakeSources = Callable[..., Sources]


@pytest.fixture
def sources(films: GraphSnapshot) -> MakeSources:
    """Sources of weight 1 by `(label, id)`: items liked by the first interaction, all else stated."""

    def make(*nodes: tuple[str, str], stated: bool = False, user: str | None = None) -> Sources:
        numbers = np.array([films.node(*x) for x in nodes], np.int64)
        kinds = tuple(None if stated or n >= films.n_items else 0 for n in numbers)
        known = None if user is None else films.users.index(user)
        return Sources(numbers, np.ones(len(nodes), np.float32), kinds, known)

    return make
