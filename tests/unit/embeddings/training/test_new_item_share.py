"""New or merely unpopular items: told apart by what content says of popularity."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.data.dataset import Dataset
from embeddings.training.new_item_share import NewItemShareConfig, new_item_share
from kg.graph import Interactions, Triples

N_ITEMS, N_USERS = 600, 60
CONFIG = NewItemShareConfig()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Items of the first half are popular (20 likes or so) and say so by their text; others get 0 or 1."""
    rng = np.random.default_rng(0)
    popular = np.arange(N_ITEMS) < N_ITEMS // 2
    chance = np.where(popular, 20, 1.0) / N_USERS
    user, item = np.nonzero(rng.random((N_USERS, N_ITEMS)) < chance)
    ones = np.ones(len(user))
    events = Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        ones.astype(np.float32),
        np.arange(len(user)),
        (0 * ones).astype(np.int8),
        ones > 0,
    )
    text = np.where(popular[:, None], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]) + rng.normal(0, 0.1, (N_ITEMS, 3))
    text = (text / np.linalg.norm(text, axis=1, keepdims=True)).astype(np.float32)
    nothing = np.zeros(0, np.int32)
    return Dataset(N_USERS, N_ITEMS, N_ITEMS, events, Triples(nothing, nothing, nothing), (), text)


def without(dataset: Dataset, items) -> Dataset:
    return dataset.select_events(~np.isin(dataset.events.item, items))


def test_unpopular_items_are_not_new(dataset) -> None:
    assert (~dataset.has_interactions).sum() > 50
    assert new_item_share(dataset, CONFIG) < 0.1


def test_items_with_all_events_hidden_are_new(dataset) -> None:
    has_interactions = np.flatnonzero(dataset.has_interactions)
    all_known = Dataset(
        dataset.n_users,
        len(has_interactions),
        len(has_interactions),
        replace(dataset.events, item=np.searchsorted(has_interactions, dataset.events.item).astype(np.int32)),
        dataset.triples,
        (),
        dataset.text[has_interactions],
    )
    assert new_item_share(all_known, CONFIG) == 0.0  # every item has interactions
    hidden = np.random.default_rng(1).permutation(len(has_interactions))[:60]
    assert new_item_share(without(all_known, hidden), CONFIG) > 0.8


def test_a_mixture_lies_between(dataset) -> None:
    without_events = int((~dataset.has_interactions).sum())
    hidden = np.random.default_rng(1).permutation(np.flatnonzero(dataset.has_interactions))[:without_events]
    assert 0.25 < new_item_share(without(dataset, hidden), CONFIG) < 0.75


def test_without_content_nothing_is_known(dataset) -> None:
    assert new_item_share(replace(dataset, text=np.zeros((N_ITEMS, 0), np.float32)), CONFIG) == pytest.approx(
        0.5, abs=0.01
    )
