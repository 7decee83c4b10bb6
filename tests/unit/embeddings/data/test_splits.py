from dataclasses import replace

import numpy as np
import pytest

from embeddings.data.splits import random_split, temporal_split
from embeddings.evaluation.trials import split_tasks
from kg.errors import DataError


def pairs(events, mask):
    return set(zip(events.user[mask].tolist(), events.item[mask].tolist(), strict=True))


@pytest.mark.parametrize("split", [random_split, temporal_split])
def test_every_event_is_on_exactly_one_side(snapshot, split) -> None:
    parts = split(snapshot.interactions)
    assert (parts.train.astype(int) + parts.valid + parts.test == 1).all()


def test_random_takes_a_tenth_of_each_user_at_least_one(snapshot) -> None:
    """Six events a user: round(0.1 * 6) = 1 for validation, 1 for test."""
    parts = random_split(snapshot.interactions, seed=4)
    for mask, each in ((parts.train, 4), (parts.valid, 1), (parts.test, 1)):
        assert np.bincount(snapshot.interactions.user[mask]).tolist() == [each] * snapshot.n_users


def test_the_seed_decides(snapshot) -> None:
    first, again, other = (random_split(snapshot.interactions, seed).test for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_pair_met_twice_is_never_on_two_sides(snapshot) -> None:
    events = snapshot.interactions
    twice = events.select(np.repeat(np.ones(len(events), np.bool_), 1))
    doubled = type(events)(
        *(np.concatenate([getattr(twice, name)] * 2) for name in ("user", "item", "value")),
        np.concatenate([twice.time, twice.time + 100_000]),
        *(np.concatenate([getattr(twice, name)] * 2) for name in ("kind", "liked")),
    )
    for parts in (random_split(doubled), temporal_split(doubled)):
        assert not pairs(doubled, parts.train) & pairs(doubled, parts.test)
        assert not pairs(doubled, parts.train) & pairs(doubled, parts.valid)


def test_temporal_tests_on_what_came_last(snapshot) -> None:
    events = snapshot.interactions
    parts = temporal_split(events)
    assert events.time[parts.train].max() < events.time[parts.valid].min()
    assert events.time[parts.valid].max() < events.time[parts.test].min()


def test_temporal_needs_times(snapshot) -> None:
    events = snapshot.interactions
    with pytest.raises(DataError, match="time"):
        temporal_split(replace(events, time=np.full(len(events), -1)))


def test_no_test_event_reaches_training(snapshot, text) -> None:
    parts = random_split(snapshot.interactions)
    valid, test = split_tasks(snapshot, text, parts)
    shape = (snapshot.n_users, snapshot.n_items)
    held_out = snapshot.interactions.select(parts.test).matrix(*shape)
    assert held_out.multiply(test.dataset.seen).nnz == 0
    assert held_out.multiply(test.excluded).nnz == 0
    assert test.dataset is valid.dataset


def test_disliked_items_leave_the_ranking_and_are_never_relevant(snapshot, text) -> None:
    parts = random_split(snapshot.interactions)
    _, test = split_tasks(snapshot, text, parts)
    disliked = snapshot.interactions.select(~snapshot.interactions.liked)
    disliked_matrix = disliked.matrix(snapshot.n_users, snapshot.n_items)
    assert test.relevant.multiply(disliked_matrix).nnz == 0
    had = snapshot.interactions.select(~snapshot.interactions.liked & ~parts.test)
    for user, item in zip(had.user, had.item, strict=True):
        assert test.excluded[user, item] == 1
