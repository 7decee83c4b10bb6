"""Two rankings in one, what is hidden for them to learn from, and the prior for new items."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.data.dataset import Dataset
from embeddings.ranking.features import CandidateFeatures
from embeddings.ranking.ranker import BoosterEnsemble, Ranker, RankerConfig, RankingGroup, _deal_again
from embeddings.training.fit import PRIORS, _ndcg, fit
from embeddings.training.holdout import HoldoutConfig, hide, latest
from kg.graph import NO_TIME, Interactions, Triples

FEATURES = ("voice", "blended_score", "voice.rank", "new")
CONFIG = RankerConfig(rounds=30, smallest_leaf=5, features=1.0)


@pytest.fixture(scope="module")
def group() -> RankingGroup:
    """100 users want, of 10 known items, those the voice is for, and of 4 new ones those it is against."""
    rng = np.random.default_rng(0)
    values = np.zeros((100, 14, 4), np.float32)
    values[:, :, 0] = rng.normal(size=(100, 14))
    values[:, 10:, 3] = 1.0
    wanted = np.where(values[:, :, 3] > 0, values[:, :, 0] < -0.5, values[:, :, 0] > 0.5)
    wanted[:, 0] = values[:, 0, 0] > values[:, 1:10, 0].min(axis=1)  # everybody wants something
    return RankingGroup(values.reshape(-1, 4), wanted.ravel(), np.full(100, 14))


@pytest.fixture(scope="module")
def ranker(group) -> Ranker:
    return Ranker.fit(FEATURES, [group], CONFIG)


@pytest.fixture
def page() -> CandidateFeatures:
    """One user: three known items, two new ones and an empty place."""
    values = np.zeros((1, 6, 4), np.float32)
    values[0, :, 0] = [2.0, 0.0, -2.0, 2.0, -2.0, 0.0]
    values[0, :, 1] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    values[0, 3:, 3] = 1.0
    return CandidateFeatures(np.array([[0, 1, 2, 3, 4, -1]]), values, np.zeros((1, 5), np.float32))


def test_known_and_new_items_are_ranked_by_what_was_learnt_of_each(ranker, page) -> None:
    first, second, third, new_for, new_against, nothing = ranker.score(page)[0]
    assert first > second >= third
    assert new_against > new_for
    assert nothing == -np.inf


def test_known_items_share_out_the_places_that_all_have(ranker, page) -> None:
    known = page.values[0, :3]
    ours = ranker.score(page)[0, :3]
    assert sorted(ours) == sorted(ranker.of_all.score(known))
    assert np.argmax(ours) == np.argmax(ranker.of_known.score(known))


def test_where_nothing_is_new_what_was_learnt_of_the_known_is_the_score(ranker, page) -> None:
    known = CandidateFeatures(page.items[:, :3], page.values[:, :3], page.blended_score)
    assert ranker.score(known)[0].tolist() == ranker.of_known.score(page.values[0, :3]).tolist()


def test_dealt_again_by_hand() -> None:
    rank = np.array([[5.0, 1.0, 3.0, 2.0], [4.0, 9.0, 7.0, -np.inf]])
    among = np.array([[True, False, True, True], [True, True, False, False]])
    # 5, 3, 2 go to the last, the first and the third place; in a tie 9 and 4 stay where they were
    _deal_again(rank, among, np.array([0.5, 0.1, 0.9, 0.3, 0.3]))
    np.testing.assert_array_equal(rank, [[3.0, 1.0, 2.0, 5.0], [4.0, 9.0, 7.0, -np.inf]])


def test_the_prior_is_added_to_new_items_alone(ranker, page) -> None:
    more = replace(ranker, new_item_bias=0.75).score(page)[0, :5] - ranker.score(page)[0, :5]
    np.testing.assert_allclose(more, [0, 0, 0, 0.75, 0.75], atol=1e-5)


def test_contributions_sum_to_the_score(ranker, page) -> None:
    promoted = replace(ranker, new_item_bias=0.75)
    parts = promoted.contributions(page, np.arange(5), ["voice"])
    assert set(parts) == {"voice", "blended_score", "base_value"}
    np.testing.assert_allclose(sum(parts.values()), promoted.score(page)[0, :5], atol=1e-4)


def test_kept_as_arrays(ranker, page) -> None:
    again = Ranker.restore(ranker.arrays())
    np.testing.assert_array_equal(again.score(page), ranker.score(page))


def test_forests_of_either_objective_weigh_the_same(group) -> None:
    both, first, second = (
        BoosterEnsemble.fit(FEATURES, [group], objectives, CONFIG, 0)
        for objectives in (("lambdarank", "binary"), ("lambdarank",), ("binary",))
    )
    assert first.weights == (1.0,)
    values = group.values[: CONFIG.bins]
    second = BoosterEnsemble(second.texts, (both.weights[1] * 2,))
    # the second forest of two has another seed than one alone, so only about the same
    np.testing.assert_allclose(
        both.score(values),
        (first.score(values) + second.score(values)) / 2,
        atol=0.3 * first.score(values).std(),
    )


def test_nothing_wanted_leaves_the_consensus(group, page) -> None:
    bored = Ranker.fit(FEATURES, [replace(group, wanted=np.zeros_like(group.wanted))], CONFIG)
    np.testing.assert_allclose(bored.score(page)[0, :5], [0.1, 0.2, 0.3, 0.4, 0.5])
    np.testing.assert_allclose(bored.contributions(page, np.arange(5), ["voice"])["blended_score"][4], 0.5)
    assert not Ranker.fit(FEATURES, [], CONFIG).of_all.texts


def test_ndcg_of_candidates_by_hand() -> None:
    ranked = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, -np.inf]])
    wanted = np.array([[True, False, True], [True, False, False]])
    first = (1 / np.log2(2) + 1 / np.log2(4)) / (1 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4))
    second = (1 / np.log2(3)) / (1 / np.log2(2))
    np.testing.assert_allclose(_ndcg(ranked, wanted, np.array([3, 1])), [first, second])


def three_users(times) -> Dataset:
    """User 0 likes items 0..9 at the given times; users 1 and 2 items 0..6 before them all, and after."""
    user = np.repeat([0, 1, 2], [10, 7, 7]).astype(np.int32)
    item = np.concatenate([np.arange(10), np.arange(7), np.arange(7)]).astype(np.int32)
    time = np.concatenate([times, np.arange(7), np.arange(7) + 200]).astype(np.int64)
    ones = np.ones(24)
    events = Interactions(user, item, ones.astype(np.float32), time, (0 * ones).astype(np.int8), ones > 0)
    nothing = np.zeros(0, np.int32)
    return Dataset(3, 10, 10, events, Triples(nothing, nothing, nothing), (), np.zeros((10, 0), np.float32))


def test_the_latest_events_are_hidden_from_those_who_stayed_and_those_who_came() -> None:
    fold = latest(three_users(np.arange(10) + 100), HoldoutConfig(latest=0.5), 0.0, np.random.default_rng(0))
    assert fold is not None
    # 24 events: the first 7 are user 1's, then come user 0's 10, then user 2's 7; half of them stay
    assert len(fold.part.events) == 12
    assert not fold.excluded.any()
    stayed, came = fold.questions
    assert [h.tolist() for h in (stayed.histories[0], came.histories[0])] == [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4],
    ]
    assert stayed.wanted.toarray().nonzero()[1].tolist() == [5, 6, 7, 8, 9]
    assert came.wanted.toarray().nonzero()[1].tolist() == [5, 6]


def test_without_times_nothing_is_the_latest() -> None:
    assert latest(three_users(np.full(10, NO_TIME)), HoldoutConfig(), 0.0, np.random.default_rng(0)) is None


def test_newcomers_were_not_there_to_be_chosen() -> None:
    dataset = replace(three_users(np.arange(10) + 100), n_items=12)
    excluded = [
        latest(dataset, HoldoutConfig(), new_items, np.random.default_rng(0)).excluded
        for new_items in (0.0, 1.0)
    ]
    assert not excluded[0].any()
    assert np.flatnonzero(excluded[1]).tolist() == [10, 11]


def test_no_more_askers_than_asked_for() -> None:
    fold = hide(
        three_users(np.arange(10) + 100), HoldoutConfig(users=0.0, max_users=2), np.random.default_rng(0)
    )
    assert [len(question.histories) for question in fold.questions] == [2]


def test_the_prior_learnt_is_one_of_the_priors(config, dataset) -> None:
    assert fit(dataset, config).ranker.new_item_bias in PRIORS
    assert fit(dataset, replace(config, new_item_bias=0.3)).ranker.new_item_bias == 0.3
