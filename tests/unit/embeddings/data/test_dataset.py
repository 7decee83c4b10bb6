"""Histories and parts of datasets, against loops."""

import numpy as np

from embeddings.data.dataset import Dataset, Histories, first_median_last, liked_histories
from kg.graph import NO_TIME, Interactions, Triples


def random_events(n_users: int, n_items: int, n: int, seed: int) -> Interactions:
    """Many a pair more than once, many a time twice, some unknown; a fifth is not liked."""
    rng = np.random.default_rng(seed)
    user, item = (rng.integers(most, size=n).astype(np.int32) for most in (n_users, n_items))
    time = np.where(rng.random(n) < 0.2, NO_TIME, rng.integers(50, size=n)).astype(np.int64)
    return Interactions(user, item, np.ones(n, np.float32), time, np.zeros(n, np.int8), rng.random(n) < 0.8)


def test_spans_by_hand() -> None:
    """Of 3, 4, 9 (a time is unknown): 3, 4, 9; of 2, 5: (2 + 5) / 2 = 3.5 in the middle; nothing is known."""
    times = np.array([NO_TIME, 3, 4, 9, 2, 5, NO_TIME])
    found = first_median_last(times, np.array([0, 4, 6, 6, 7]))
    np.testing.assert_array_equal(found, [[3, 4, 9], [2, 3.5, 5], [np.nan] * 3, [np.nan] * 3])


def test_histories_against_loops() -> None:
    """Each item where it was liked last, by time, then item number."""
    events = random_events(7, 10, 300, seed=0)
    found, origin = liked_histories(events, 8, 10)
    for user in range(8):
        last: dict[int, int] = {}
        for n in np.flatnonzero(events.liked & (events.user == user)):
            last[int(events.item[n])] = max(last.get(int(events.item[n]), NO_TIME), int(events.time[n]))
        expected = sorted(last, key=lambda item: (last[item], item))
        assert found[user].tolist() == expected
        known = [time for time in last.values() if time != NO_TIME]
        when = [min(known), np.median(known), max(known)] if known else [np.nan] * 3
        np.testing.assert_array_equal(found.times[user], when)
    assert events.item[origin].tolist() == found.items.tolist()


def test_select_is_each_history_in_turn() -> None:
    when = np.arange(12, dtype=np.float64).reshape(4, 3)
    histories = Histories.of([[3, 1], [], [2], [0, 4, 1]], 5, when)
    found = histories.select(np.array([3, 1, 0, 3]))
    assert [found[n].tolist() for n in range(4)] == [[0, 4, 1], [], [3, 1], [0, 4, 1]]
    np.testing.assert_array_equal(found.times, when[[3, 1, 0, 3]])
    assert len(histories.select(np.zeros(0, np.int64)).items) == 0


def test_a_part_is_as_if_made_of_its_events() -> None:
    """Whose order is taken over from the whole, and not sorted again."""
    events = random_events(7, 10, 300, seed=1)
    triples = Triples(np.array([0, 1], np.int32), np.zeros(2, np.int32), np.array([10, 11], np.int32))

    def of(some: Interactions) -> Dataset:
        return Dataset(8, 10, 12, some, triples, ("is",), np.zeros((10, 2), np.float32))

    stays = np.random.default_rng(2).random(300) < 0.6
    part, anew = of(events).select_events(stays), of(events.select(stays))
    np.testing.assert_array_equal(part._liked_order, anew._liked_order)
    np.testing.assert_array_equal(part.histories.items, anew.histories.items)
    np.testing.assert_array_equal(part.histories.starts, anew.histories.starts)
    np.testing.assert_array_equal(part.histories.times, anew.histories.times)
    np.testing.assert_array_equal(part.links.toarray(), anew.links.toarray())
