"""What holdouts hide, and the queries about it."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from fake_random import FixedDraws

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import sampled
from embeddings.training.holdout import (
    Holdout,
    HoldoutConfig,
    HoldoutQueries,
    _remaining_likes,
    _revealed,
    draw_holdouts,
    last_events_holdout,
    random_holdout,
    with_unpopular_items,
)
from kg.graph import NO_TIME, Interactions, Triples

NAN = np.nan
STAYS, HIDDEN = 0.5, 0.05


def pairs(events: Interactions) -> list[tuple[int, int]]:
    return list(zip(events.user.tolist(), events.item.tolist(), strict=True))


def listed(histories: Histories) -> list[list[int]]:
    return [histories[n].tolist() for n in range(len(histories))]


def relevant_of(queries: HoldoutQueries) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in queries.relevant.toarray()]


def test_users_items_and_events_are_hidden(board: Dataset) -> None:
    """User 1 and item 2 are hidden whole, and the first event; 0.1 itself is not below a share of 0.1."""
    draws = ([0.1, HIDDEN, STAYS], [STAYS, 0.1, HIDDEN, STAYS, STAYS], [HIDDEN, 0.1, 0.1, *[STAYS] * 4])
    holdout = random_holdout(board, HoldoutConfig(), FixedDraws(*draws))
    assert pairs(holdout.train.events) == [(0, 1), (2, 0)]
    (queries,) = holdout.queries
    assert listed(queries.histories) == [[1], [0]]
    assert relevant_of(queries) == [[0, 2], []]
    assert queries.relevant.nnz == 2
    assert holdout.excluded.tolist() == [
        False,
        False,
        False,
        False,
        True,
    ]  # item 3 has an interaction, though no like


def test_users_without_a_remaining_history_are_no_query(board: Dataset) -> None:
    draws = ([STAYS] * 3, [STAYS] * 5, [STAYS] * 4 + [HIDDEN] + [STAYS] * 2)
    (queries,) = random_holdout(board, HoldoutConfig(), FixedDraws(*draws)).queries
    assert listed(queries.histories) == [[0, 1, 2], [0, 1]]
    assert relevant_of(queries) == [[], []]


def test_shares_of_one_hide_everything_and_shares_of_nothing_nothing(board: Dataset) -> None:
    rng = np.random.default_rng(0)
    nothing = HoldoutConfig(events=0.0, items=0.0, users=0.0)
    assert len(random_holdout(board, nothing, rng).train.events) == 7
    for name in ("events", "items", "users"):
        assert len(random_holdout(board, replace(nothing, **{name: 1.0}), rng).train.events) == 0


def test_holdouts_hide_different_parts(board: Dataset) -> None:
    config = HoldoutConfig(cold_holdouts=3, random_holdouts=4, last_shares=(0.4, 0.9), events=0.5)
    holdouts = draw_holdouts(board, config, np.random.default_rng(0))
    cold, random, last = list(holdouts.cold), list(holdouts.random), list(holdouts.last)
    assert [len(x) for x in (cold, random, last)] == [3, 4, 2]
    for some in (cold, random, last):
        assert len({tuple(pairs(holdout.train.events)) for holdout in some}) > 1
    for holdout in random:  # no user is new, as far as any event is left
        assert all(not queries.new_users for queries in holdout.queries)
    asked = {queries.histories.ask_next for holdout in (*cold, *random) for queries in holdout.queries}
    assert asked == {False}
    assert all(queries.histories.ask_next for holdout in last for queries in holdout.queries)
    time = np.where(np.arange(7) == 3, NO_TIME, board.events.time)
    without = replace(board, events=replace(board.events, time=time))
    assert not list(draw_holdouts(without, config, np.random.default_rng(0)).last)


def test_random_holdouts_hide_no_item_and_no_user(board: Dataset) -> None:
    """With a share of no event they hide nothing, and cold holdouts everything."""
    config = HoldoutConfig(cold_holdouts=1, random_holdouts=1, events=0.0, items=1.0, users=1.0)
    holdouts = draw_holdouts(board, config, np.random.default_rng(0))
    (cold,), (of_events,) = holdouts.cold, holdouts.random
    assert pairs(cold.train.events) == []
    assert pairs(of_events.train.events) == pairs(board.events)


def test_the_last_events_of_each_user(wide: Dataset) -> None:
    """Of 7, 5 and 4 events a share of .3 hides 2, 2 and 1; of two events it hides none."""
    holdout = last_events_holdout(wide, 0.3, HoldoutConfig(), np.random.default_rng(0))
    (queries,) = holdout.queries
    assert listed(queries.histories) == [[3, 2, 1, 0, 6], [0, 1, 2], [0, 1, 2]]
    assert relevant_of(queries) == [[4, 5], [3, 4], [3]]
    np.testing.assert_array_equal(queries.histories.times[0], [0, 2, 4])
    few = replace(wide, events=wide.events.select(np.isin(np.arange(16), [0, 1, 7, 8, 9])))
    (queries,) = last_events_holdout(few, 0.01, HoldoutConfig(), np.random.default_rng(0)).queries
    assert listed(queries.histories) == [[3, 2], [0, 1]]
    assert relevant_of(queries) == [[], [2]]


def test_the_last_of_equal_times_is_drawn(wide: Dataset) -> None:
    same = replace(wide, events=replace(wide.events, time=np.zeros(16, np.int64)))
    found = {
        tuple(
            relevant_of(last_events_holdout(same, 0.1, HoldoutConfig(), np.random.default_rng(n)).queries[0])[
                0
            ]
        )
        for n in range(20)
    }
    assert len(found) > 3
    assert all(len(hidden) == 1 for hidden in found)


@pytest.fixture
def wide() -> Dataset:
    """User 0 likes 3, 2, 1, 0, 6, 5, 4 in this order, user 1 likes 0..4, user 2 likes 0..3; 7 has no like."""
    user = np.repeat([0, 1, 2], [7, 5, 4]).astype(np.int32)
    item = np.array([3, 2, 1, 0, 6, 5, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3], np.int32)
    ones, time = np.ones(16), np.arange(16, dtype=np.int64)
    events = Interactions(user, item, ones.astype(np.float32), time, (0 * ones).astype(np.int8), ones > 0)
    nothing = np.zeros(0, np.int32)

    return Dataset(3, 8, 8, events, Triples(nothing, nothing, nothing), (), np.zeros((8, 0), np.float32))


def test_hidden_users_reveal_some_likes_and_the_others_are_relevant(wide: Dataset) -> None:
    """Users 0 and 1 are hidden; 5 likes are too few to reveal 5. Only 0..3 still have events."""
    times = [[STAYS], [STAYS], [HIDDEN], [STAYS]]
    draws = ([HIDDEN, HIDDEN, STAYS], [STAYS] * 8, [STAYS] * 16, *times)
    holdout = random_holdout(wide, HoldoutConfig(), FixedDraws(*draws))
    assert [listed(queries.histories) for queries in holdout.queries] == [
        [[0, 1, 2, 3]],
        [[]],
        [[0]],  # of 3, 2, 1, 0 the reverse permutation takes the last first
        [[2, 1, 0]],
        [[3, 2, 1, 0]],  # 5 are wanted, 4 are liked by another user
    ]
    assert [relevant_of(queries)[0] for queries in holdout.queries] == [
        [],
        [0, 1, 2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6],
        [3, 4, 5, 6],
        [4, 5, 6],
    ]
    when = [queries.histories.times[0].tolist() for queries in holdout.queries[1:]]
    np.testing.assert_array_equal(when, [[NAN] * 3, [0, 3, 6], [NAN] * 3, [0, 3, 6]])
    assert np.flatnonzero(holdout.excluded).tolist() == [7]


def test_no_more_new_users_than_configured(wide: Dataset) -> None:
    """Of 8 a half is for new users, shared among 4 lengths."""
    events = replace(wide.events, user=np.where(wide.events.user == 1, 0, wide.events.user))
    events = replace(events, user=np.repeat([0, 1], 8).astype(np.int32), item=np.tile(np.arange(8), 2))
    dataset = replace(wide, events=events)
    for count, expected in ((7, []), (8, [1] * 4), (16, [2] * 4)):
        draws = [[HIDDEN, HIDDEN, STAYS], [STAYS] * 8, [STAYS] * 16]
        draws += [[STAYS] * max(1, n) for n in expected or [0] * 4]
        found = random_holdout(
            dataset, replace(HoldoutConfig(), max_users=count), FixedDraws(*draws)
        ).queries[1:]
        assert [len(queries.histories) for queries in found] == expected


def test_as_many_users_as_sampled_in_order() -> None:
    users = np.array([4, 5, 9])
    assert sampled(users, 2, FixedDraws()).tolist() == [5, 9]
    assert sampled(users, 3, FixedDraws()).tolist() == [4, 5, 9]


def test_revealed_are_only_items_with_interactions(board: Dataset) -> None:
    """User 0 likes 0, 1, 2 and user 1 likes 0, 1; without interactions are item 0, then 2, then all three."""
    users = np.array([0, 1])
    for has_interactions, expected in (
        ([0, 1, 1, 1, 1], [[1, 2], [1]]),
        ([1, 1, 0, 1, 1], [[0, 1], [0, 1]]),
        ([0, 0, 0, 1, 1], [[], []]),
    ):
        revealed = _revealed(
            board, users, np.array(has_interactions, bool), 5, 0.0, FixedDraws([STAYS, STAYS])
        )
        assert listed(revealed) == expected


def test_revealed_are_at_most_so_many_in_their_order(board: Dataset) -> None:
    everything, users = np.ones(5, bool), np.array([0, 1])
    lists = [
        listed(_revealed(board, users, everything, n, 0.0, FixedDraws([STAYS, STAYS])))
        for n in (0, 1, 2, 3, 4)
    ]
    assert lists == [[[], []], [[2], [1]], [[1, 2], [0, 1]], [[0, 1, 2], [0, 1]], [[0, 1, 2], [0, 1]]]


def test_some_new_users_have_no_times(board: Dataset) -> None:
    everything, users = np.ones(5, bool), np.array([0, 1])
    revealed = _revealed(board, users, everything, 1, 0.15, FixedDraws([0.15, 0.1]))
    # user 0 likes at 0, 200 and 500
    np.testing.assert_array_equal(revealed.times, [[0, 200, 500], [NAN] * 3])
    revealed = _revealed(board, users, everything, 0, 0.15, FixedDraws([STAYS, STAYS]))
    assert np.isnan(revealed.times).all()


def test_relevant_is_what_is_liked_beyond_what_is_revealed(board: Dataset) -> None:
    revealed = Histories.of([[0], [1, 0]], 5)
    queries = _remaining_likes(board, np.array([2, 1]), revealed)
    assert relevant_of(queries) == [[], []]  # a dislike is not relevant
    assert queries.relevant.nnz == 0
    assert queries.histories.ask_next
    assert not _remaining_likes(board, np.array([2, 1]), revealed, ask_next=False).histories.ask_next
    assert relevant_of(_remaining_likes(board, np.array([0, 1]), revealed)) == [[1, 2], []]


def test_of_the_items_without_events_those_that_are_not_new_are_candidates(board: Dataset) -> None:
    draws = [0.2, 0.2, 0.2, 0.2, 0.4]
    whole = Holdout(board, np.ones(5, np.bool_), ())
    for share, expected in ((0.0, []), (0.4, []), (0.41, [4]), (1.0, [4])):
        holdout = with_unpopular_items(whole, board, share, FixedDraws(draws))
        assert np.flatnonzero(holdout.excluded).tolist() == expected
        assert holdout.train is board


def test_queries_in_batches(board: Dataset) -> None:
    first = HoldoutQueries(Histories.of([[0], [1], [2]], 5), sp.csr_array(np.eye(3, 5)), np.array([7, 8, 9]))
    second = HoldoutQueries(Histories.of([[3]], 5), sp.csr_array(np.eye(1, 5)))
    parts = [*first.batches(2), *second.batches(2)]
    assert [listed(part.histories) for part in parts] == [[[0], [1]], [[2]], [[3]]]
    assert [relevant_of(part) for part in parts] == [[[0], [1]], [[2]], [[0]]]
    assert [part.users.tolist() for part in parts] == [[7, 8], [9], []]


def test_some_users_alone_are_asked_about(wide: Dataset) -> None:
    """All users' events are hidden alike; of the new users, user 2 alone, and of the known ones 0 and 2."""
    some, rng = np.array([True, False, True]), np.random.default_rng(0)
    holdout = last_events_holdout(wide, 0.3, HoldoutConfig(), rng, some)
    (queries,) = holdout.queries
    assert queries.users.tolist() == [0, 2]
    assert listed(queries.histories) == [[3, 2, 1, 0, 6], [0, 1, 2]]
    assert len(holdout.train.events) == 16 - 2 - 2 - 1
    config = HoldoutConfig(events=0.5, items=0.0, users=0.5, history_lengths=(1,))
    for seed in range(20):
        with_all, with_some = (
            random_holdout(wide, config, np.random.default_rng(seed), users) for users in (None, some)
        )
        assert pairs(with_all.train.events) == pairs(with_some.train.events)
        for all_queries, queries in zip(with_all.queries, with_some.queries, strict=False):
            assert queries.users.tolist() == [x for x in all_queries.users.tolist() if x != 1]


def three_users(times) -> Dataset:
    """User 0 likes items 0..9 at the given times; users 1 and 2 items 0..6 before them all, and after."""
    user = np.repeat([0, 1, 2], [10, 7, 7]).astype(np.int32)
    item = np.concatenate([np.arange(10), np.arange(7), np.arange(7)]).astype(np.int32)
    time = np.concatenate([times, np.arange(7), np.arange(7) + 200]).astype(np.int64)
    ones = np.ones(24)
    events = Interactions(user, item, ones.astype(np.float32), time, (0 * ones).astype(np.int8), ones > 0)
    nothing = np.zeros(0, np.int32)
    return Dataset(3, 10, 10, events, Triples(nothing, nothing, nothing), (), np.zeros((10, 0), np.float32))


def test_no_more_users_than_configured() -> None:
    holdout = random_holdout(
        three_users(np.arange(10) + 100), HoldoutConfig(users=0.0, max_users=2), np.random.default_rng(0)
    )
    assert [len(queries.histories) for queries in holdout.queries] == [2]
