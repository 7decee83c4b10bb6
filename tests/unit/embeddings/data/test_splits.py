from dataclasses import replace

import numpy as np
import pytest

from embeddings.data.dataset import Dataset
from embeddings.data.splits import forward_split, future_split, next_split, random_split
from embeddings.evaluation.trials import split_tasks
from kg.errors import MissingDataError
from kg.graph import Interactions


def pairs(events, mask):
    return set(zip(events.user[mask].tolist(), events.item[mask].tolist(), strict=True))


@pytest.mark.parametrize("split", [random_split, next_split, future_split])
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


def made(rows):
    """Interactions of (user, item, time) rows, all liked."""
    user, item, time = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows))
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        ones.astype(np.float32),
        time.astype(np.int64),
        np.zeros(len(rows), np.int8),
        ones.astype(np.bool_),
    )


def joined(*parts):
    names = ("user", "item", "value", "time", "kind", "liked")
    return Interactions(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


REPEATED = made(
    [
        *((0, item, 10 * item) for item in range(10)),  # user 0: items 0..9 at times 0..90
        (0, 3, 35),  # again, before validation begins: training
        (0, 3, 85),  # again, in the time of validation
        (0, 8, 95),  # a validation item again, in the time of the test
        (0, 9, 99),  # a test item again
        *((1, item, 1000 + item) for item in range(2)),  # too few to hold any out
    ]
)


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        # user 0: item 8 is validation, item 9 the test
        (next_split, {"train": [0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 15], "valid": [8], "test": [9, 13]}),
        # first times 0, 10, ..., 90, 1000, 1001: the cuts are at quantiles .8 (88) and .9 (909)
        (future_split, {"train": [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11], "valid": [9, 13], "test": [14, 15]}),
    ],
)
def test_what_comes_after_the_cut_is_not_learnt_from(split, parts) -> None:
    found = split(REPEATED)
    assert {name: np.flatnonzero(getattr(found, name)).tolist() for name in parts} == parts


def test_an_event_planted_in_the_future_changes_nothing_before_it(snapshot) -> None:
    events = snapshot.interactions
    late = int(events.time.max()) + 1
    user, item = int(events.user[0]), int(events.item[0])
    planted = joined(events, made([(user, item, late)]))
    for split in (next_split, future_split):
        before, after = split(events), split(planted)
        assert (after.train[:-1] == before.train).all()
        assert not np.stack([after.train, after.valid, after.test])[:, -1].any()


def test_forward_where_all_times_are_known(snapshot) -> None:
    events = snapshot.interactions
    some = replace(events, time=np.where(np.arange(len(events)) == 3, -1, events.time))
    nothing = events.select(np.zeros(len(events), np.bool_))
    for given, expected in ((events, next_split), (some, random_split), (nothing, random_split)):
        found, wanted = forward_split(given, 4), expected(given, 4)
        assert (found.test == wanted.test).all()
        assert found.by_time == wanted.by_time == (expected is next_split)


def test_next_draws_among_equal_times(snapshot) -> None:
    events = replace(snapshot.interactions, time=np.zeros(len(snapshot.interactions), np.int64))
    first, again, other = (next_split(events, seed).test for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_pair_met_twice_is_never_on_two_sides(snapshot) -> None:
    events = snapshot.interactions
    doubled = joined(events, replace(events, time=events.time + 100_000))
    for parts in (random_split(doubled), next_split(doubled), future_split(doubled)):
        assert not pairs(doubled, parts.train) & pairs(doubled, parts.test)
        assert not pairs(doubled, parts.train) & pairs(doubled, parts.valid)


def test_future_tests_on_what_came_last(snapshot) -> None:
    events = snapshot.interactions
    parts = future_split(events)
    assert events.time[parts.train].max() < events.time[parts.valid].min()
    assert events.time[parts.valid].max() < events.time[parts.test].min()


def test_future_needs_times(snapshot) -> None:
    events = snapshot.interactions
    with pytest.raises(MissingDataError, match="time"):
        future_split(replace(events, time=np.full(len(events), -1)))
    with pytest.raises(MissingDataError, match=r"next .* 1 of"):
        next_split(replace(events, time=np.where(np.arange(len(events)) == 3, -1, events.time)))


def test_no_test_event_reaches_training(snapshot, text) -> None:
    parts = random_split(snapshot.interactions)
    valid, test = split_tasks(Dataset.from_snapshot(snapshot, text), parts)
    shape = (snapshot.n_users, snapshot.n_items)
    held_out = snapshot.interactions.select(parts.test).matrix(*shape)
    assert held_out.multiply(test.dataset.seen).nnz == 0
    assert held_out.multiply(test.excluded).nnz == 0
    assert test.dataset is valid.dataset


def test_disliked_items_leave_the_ranking_and_are_never_relevant(snapshot, text) -> None:
    parts = random_split(snapshot.interactions)
    _, test = split_tasks(Dataset.from_snapshot(snapshot, text), parts)
    disliked = snapshot.interactions.select(~snapshot.interactions.liked)
    disliked_matrix = disliked.matrix(snapshot.n_users, snapshot.n_items)
    assert test.relevant.multiply(disliked_matrix).nnz == 0
    had = snapshot.interactions.select(~snapshot.interactions.liked & ~parts.test)
    for user, item in zip(had.user, had.item, strict=True):
        assert test.excluded[user, item] == 1


def one_kind(user, item, time) -> Interactions:
    n = len(user)
    user, item = np.array(user, np.int32), np.array(item, np.int32)
    kind, liked = np.zeros(n, np.int8), np.ones(n, bool)
    return Interactions(user, item, np.ones(n, np.float32), np.array(time, np.int64), kind, liked)


def test_the_shares_of_next_are_those_of_validation_and_test() -> None:
    """Of 10 items a share of .4 is 4 and one of .2 is 2, the latest."""
    split = next_split(one_kind([0] * 10, range(10), range(10)), shares=(0.4, 0.2))
    assert np.flatnonzero(split.valid).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(split.test).tolist() == [8, 9]


def test_an_event_at_the_cut_is_before_it() -> None:
    """The cuts of 1 to 5 at .5 and .75 are 3 and 4; the repeat of the first pair is at 3."""
    events = one_kind([0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 5, 3])
    split = future_split(events, shares=(0.25, 0.25))
    assert np.flatnonzero(split.train).tolist() == [0, 1, 2, 5]
    assert np.flatnonzero(split.valid).tolist() == [3]
    assert np.flatnonzero(split.test).tolist() == [4]


def test_no_events_split_into_nothing() -> None:
    for split in (future_split(one_kind([], [], [])), next_split(one_kind([], [], []))):
        assert not np.any([split.train, split.valid, split.test])
