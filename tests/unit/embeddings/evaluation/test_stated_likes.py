"""Who states which entities, and what is then asked of a method; every number is worked out by hand."""

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.evaluation.protocols import ProtocolConfig, hidden_users_trial
from embeddings.evaluation.stated_likes import (
    StatedLikesConfig,
    _revealed,
    stated_entities,
    stated_likes_task,
)
from embeddings.evaluation.trials import scorer_scores
from embeddings.scorers.popularity import Popularity
from kg.errors import MissingDataError
from kg.graph import Interactions, Triples

N_ITEMS = 8
GENRE, DIRECTOR, ACTOR, ALL = range(N_ITEMS, N_ITEMS + 4)
FACTS = {GENRE: [0, 1, 2, 3], DIRECTOR: [0, 1], ACTOR: [0, 4], ALL: range(N_ITEMS)}
"""The items of each entity."""


def events(rows):
    user, item, value = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    n = len(user)
    return Interactions(
        user, item, value.astype(np.float32), np.zeros(n, np.int64), np.zeros(n, np.int8), value > 0
    )


def dataset(rows, n_users, facts=FACTS):
    head = [item for items in facts.values() for item in items]
    tail = [entity for entity, items in facts.items() for _ in items]
    triples = Triples(np.int32(head), np.zeros(len(head), np.int32), np.int32(tail))
    nodes, text = N_ITEMS + 4, np.zeros((N_ITEMS, 2), np.float32)
    return Dataset(n_users, N_ITEMS, nodes, events(rows), triples, ("HAS",), text)


def stated(items, **settings):
    revealed = np.zeros((1, N_ITEMS), np.float32)
    revealed[0, items] = 1
    config = StatedLikesConfig(**settings)
    return stated_entities(sp.csr_array(revealed), dataset([(0, 0, 1)], 1), config).indices.tolist()


def test_the_stated_entities_are_those_of_the_highest_tf_idf() -> None:
    """Genre 4 log(8 / 4) = 2.77 and director 2 log(8 / 2) = 2.77 tie, then actor 2 log(8 / 2) as well.

    The entity of all items has log(8 / 8) = 0.
    """
    assert stated([0, 1, 2, 3]) == [GENRE, DIRECTOR]
    assert stated([0, 1, 2, 3], max_likes=1) == [GENRE]
    assert stated([0, 1, 2]) == [GENRE, DIRECTOR]  # 3 log 2 = 2.08 < 2 log 4 = 2.77
    assert stated([0, 1, 2], max_likes=1) == [DIRECTOR]
    assert stated([0, 1, 2, 4], max_likes=2) == [DIRECTOR, ACTOR]
    assert stated([0, 1, 2, 4], max_likes=3) == [GENRE, DIRECTOR, ACTOR]
    assert stated([5, 6, 7]) == []


def test_an_entity_is_joined_to_several_revealed_items() -> None:
    assert stated([0, 5]) == []
    assert stated([0, 5], min_items=1, max_likes=9) == [GENRE, DIRECTOR, ACTOR]


def test_what_is_asked_of_a_user() -> None:
    """Of 4 liked items 2 are revealed; item 5 is disliked, so it is neither relevant nor excluded."""
    rows = [(1, item, 1) for item in (0, 1, 2, 3)] + [(1, 5, 0), (2, 6, 1), (2, 7, 1)]
    task = stated_likes_task(dataset([(0, 0, 1)], 3), events(rows), seed=0)
    revealed, relevant = set(task.excluded[[1]].indices), set(task.relevant[[1]].indices)
    assert (len(revealed), len(relevant)) == (2, 2)
    assert revealed | relevant == {0, 1, 2, 3}
    expected = [GENRE, DIRECTOR] if revealed == {0, 1} else [GENRE]
    assert task.histories.likes[[1]].indices.tolist() == expected
    assert not task.histories.lengths.any()
    # user 2 has one item revealed, so nothing to state
    assert not task.relevant[[2]].nnz
    assert task.left_out == 1


def test_few_items_are_revealed_of_many() -> None:
    rows = [(0, item, 1) for item in range(8)]
    task = stated_likes_task(dataset(rows, 1), events(rows), 0, StatedLikesConfig(max_revealed=3))
    assert (task.excluded.nnz, task.relevant.nnz) == (3, 5)


def test_an_item_liked_twice_is_not_revealed_and_relevant() -> None:
    rows = [(0, item, 1) for item in (0, 0, 0, 1, 1, 1, 2, 2)]
    for seed in range(5):
        task = stated_likes_task(dataset(rows, 1), events(rows), seed)
        assert not set(task.excluded.indices) & set(task.relevant.indices)


def test_without_facts_nobody_can_be_asked() -> None:
    rows = [(user, item, 1) for user in range(20) for item in range(8)]
    with pytest.raises(MissingDataError, match="needs facts"):
        hidden_users_trial(dataset(rows, 20, {}))


def test_held_out_users_are_hidden_from_training() -> None:
    """Of 20 users 4 are for the test and 3 of the other 16 for validation; what they like is unseen."""
    rows = [(user, item, 1) for user in range(20) for item in range(8)]
    trial = hidden_users_trial(dataset(rows, 20), 0, ProtocolConfig(hidden=0.2, min_events=8))
    asked = {
        name: set(task.relevant.nonzero()[0])
        for name, task in vars(trial).items()
        if name in ("valid", "test")
    }
    assert (len(asked["valid"]), len(asked["test"])) == (3, 4)
    assert not asked["valid"] & asked["test"]
    assert trial.test.dataset.histories.lengths[list(asked["test"])].sum() == 0
    assert trial.valid.dataset.histories.lengths[[*asked["valid"], *asked["test"]]].sum() == 0
    assert np.count_nonzero(trial.test.dataset.histories.lengths) == 16
    assert np.count_nonzero(trial.valid.dataset.histories.lengths) == 13


def test_a_scorer_that_cannot_score_likes_sees_an_empty_history() -> None:
    likes = sp.csr_array(np.eye(2, 12, 9, dtype=np.float32))
    histories = Histories.of([[], []], 8, likes=likes)
    counts = np.arange(8, dtype=np.float32)
    assert scorer_scores(Popularity(counts))(histories).tolist() == [counts.tolist()] * 2
    assert histories.select(np.array([1])).likes.nonzero()[1].tolist() == [10]


def test_an_item_that_facts_join_to_items_is_no_entity() -> None:
    revealed = np.zeros((1, N_ITEMS), np.float32)
    revealed[0, [0, 1]] = 1
    whole = dataset([(0, 0, 1)], 1, {GENRE: [0, 1], 2: [0, 1]})
    assert stated_entities(sp.csr_array(revealed), whole, StatedLikesConfig()).indices.tolist() == [GENRE]


def test_half_of_the_likes_are_revealed_rounded_down() -> None:
    liked = events([(0, 0, 1), (0, 1, 1), (0, 2, 1), *((1, item, 1) for item in range(5))])
    revealed = _revealed(liked, 0, StatedLikesConfig())
    assert np.bincount(liked.user[revealed]).tolist() == [1, 2]
