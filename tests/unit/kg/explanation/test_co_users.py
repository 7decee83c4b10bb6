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


def co_likes(co_users: CoUsers, items, sources, user=None, size=100):
    counts, users = co_users.co_likes(np.array(items), np.array(sources), user, size)
    return counts.tolist(), users.tolist()


def test_who_disliked_an_item_is_no_liker(co_users: CoUsers) -> None:
    assert co_likes(co_users, [GODFATHER], [ALIEN, GODFATHER]) == ([[2, 2]], [[U2, U2]])
    assert co_users.popularity.tolist() == [4, 1, 1, 2, 1, 2, 0, 0]


def test_the_user_is_not_their_own_co_user(co_users: CoUsers) -> None:
    assert co_likes(co_users, [GODFATHER], [ALIEN], U2) == ([[1]], [[U3]])
    assert co_likes(co_users, [BLADE_RUNNER], [GODFATHER, ALIEN]) == ([[0, 1]], [[-1, U4]])
    assert co_likes(co_users, [BLADE_RUNNER], [ALIEN], U4) == ([[0]], [[-1]])


def test_the_one_who_represents_all_has_the_fewest_likes(co_users: CoUsers) -> None:
    """u1 has two likes and u4 has five; of u2 and u3, who have two each, u2 comes first."""
    assert co_likes(co_users, [ALIENS, ALIEN], [ALIEN, GODFATHER]) == ([[2, 0], [4, 2]], [[U1, -1], [U1, U2]])


def test_of_many_likers_an_evenly_spaced_part_is_looked_at(co_users: CoUsers) -> None:
    assert co_likes(co_users, [ALIEN], [BLADE_RUNNER, GODFATHER], size=2) == ([[1, 0]], [[U4, -1]]), "u1, u4"
    assert co_likes(co_users, [ALIEN], [GODFATHER, ALIENS], size=3) == ([[1, 2]], [[U2, U1]]), "u1, u2, u4"
    assert co_likes(co_users, [ALIEN], [GODFATHER, ALIENS], U1, size=2) == ([[1, 1]], [[U2, U4]]), "u2, u4"


def test_entities_have_no_likers(films: GraphSnapshot, co_users: CoUsers) -> None:
    assert co_likes(co_users, [ALIEN], [films.node("Person", "p1"), ALIEN]) == ([[0, 4]], [[-1, U1]])


def test_more_items_than_bits(co_users: CoUsers) -> None:
    counts, users = co_likes(co_users, [GODFATHER, ALIENS] * 50, [ALIEN])
    assert counts == [[2], [2]] * 50
    assert users == [[U2], [U1]] * 50
