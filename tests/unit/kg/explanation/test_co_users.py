"""Who liked what together. u1 liked m1 m4; u2 and u3 m1 m6; u4 m1 m2 m3 m4 m5; u5 nothing."""

import numpy as np
import pytest

from kg.explanation.co_users import CoUsers
from kg.graph import GraphSnapshot

U1, U2, U3, U4 = range(4)
ALIEN, BLADE_RUNNER, ALIENS, GODFATHER = 0, 1, 3, 5


@pytest.fixture
def co_users(films: GraphSnapshot) -> CoUsers:
    return CoUsers(films)


def test_who_disliked_an_item_is_no_liker(co_users: CoUsers) -> None:
    assert co_users.likers(GODFATHER, None).tolist() == [U2, U3]
    assert co_users.popularity.tolist() == [4, 1, 1, 2, 1, 2, 0, 0]


def test_the_user_is_not_their_own_co_user(co_users: CoUsers) -> None:
    assert co_users.likers(ALIEN, U2).tolist() == [U1, U3, U4]
    assert co_users.in_common(ALIEN, GODFATHER, None) == 2
    assert co_users.in_common(ALIEN, GODFATHER, U2) == 1
    assert co_users.in_common(BLADE_RUNNER, GODFATHER, None) == 0
    assert co_users.in_common(BLADE_RUNNER, ALIEN, U4) == 0


def test_the_sample_is_evenly_spaced_and_begins_with_the_fewest_likes(co_users: CoUsers) -> None:
    assert co_users.sample(ALIENS, None, 10).tolist() == [U1, U4], "two likes before five"
    assert co_users.sample(ALIEN, None, 2).tolist() == [U1, U4], "the first and the last of four"
    assert co_users.sample(ALIEN, None, 3).tolist() == [U1, U2, U4]


def test_liked_sources_of_users_one_after_the_other(films: GraphSnapshot, co_users: CoUsers) -> None:
    sources = np.array([GODFATHER, films.node("Person", "p1"), ALIEN])
    at, of = co_users.liked_sources(sources, np.array([U4, U2, U4]))
    pairs = list(zip(of.tolist(), at.tolist(), strict=True))
    assert pairs == [(0, 2), (1, 2), (1, 0), (2, 2)]
