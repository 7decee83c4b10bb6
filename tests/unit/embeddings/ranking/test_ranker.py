"""Two rankings in one: of all candidates, and of the known items among themselves."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.ranking.boosters import BoosterConfig, BoosterEnsemble
from embeddings.ranking.features import CandidateFeatures
from embeddings.ranking.groups import RankerGroups, RankingGroup
from embeddings.ranking.linear import LinearRanker
from embeddings.ranking.ranker import KnownItemRanker, Ranker, RankerConfig, rerank_within

FEATURES = ("column", "blended_score", "column.log_rank", "is_new", "log_history_length")
BOOSTERS = BoosterConfig(rounds=30, min_leaf_size=5, feature_fraction=1.0)
CONFIG = RankerConfig(boosters=BOOSTERS)
PRIOR = {"column": 1.0}


def known_part(group: RankingGroup) -> RankingGroup:
    return group.select_rows(group.values[:, FEATURES.index("is_new")] == 0)


@pytest.fixture(scope="module")
def group() -> RankingGroup:
    """To each of 100 users known items of a high score and new items of a low score are relevant."""
    rng = np.random.default_rng(0)
    values = np.zeros((100, 14, 5), np.float32)
    values[:, :, 0] = rng.normal(size=(100, 14))
    values[:, 10:, 3] = 1.0
    relevant = np.where(values[:, :, 3] > 0, values[:, :, 0] < -0.5, values[:, :, 0] > 0.5)
    relevant[:, 0] = values[:, 0, 0] > values[:, 1:10, 0].min(axis=1)  # each user has a relevant item
    return RankingGroup(values.reshape(-1, 5), relevant.ravel(), np.full(100, 14))


@pytest.fixture(scope="module")
def ranker(group) -> Ranker:
    of_known = known_part(group)
    turned = replace(of_known, values=-of_known.values)  # what comes next has low scores
    return Ranker.fit(FEATURES, RankerGroups([group], [of_known], [turned]), CONFIG, PRIOR, PRIOR)


@pytest.fixture
def candidates() -> CandidateFeatures:
    """One user: three known items, two new ones and an empty place; items of any time are asked for."""
    values = np.zeros((1, 6, 5), np.float32)
    values[0, :, 0] = [2.0, 0.0, -2.0, 2.0, -2.0, 0.0]
    values[0, :, 1] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    values[0, 3:, 3] = 1.0
    items, blended = np.array([[0, 1, 2, 3, 4, -1]]), np.zeros((1, 5), np.float32)
    return CandidateFeatures(items, values, blended, 3, ask_next=False)


def test_known_and_new_items_are_ranked_by_what_was_learnt_of_each(ranker, candidates) -> None:
    first, second, third, new_for, new_against, nothing = ranker.score(candidates)[0]
    assert first > second >= third
    assert new_against > new_for
    assert nothing == -np.inf


def test_known_items_are_reranked_within_their_positions(ranker, candidates) -> None:
    known = candidates.values[0, :3]
    ours = ranker.score(candidates)[0, :3]
    assert sorted(ours) == sorted(ranker.all_items.score(known))
    assert np.argmax(ours) == np.argmax(ranker.known_items.score(known, FEATURES))


def test_new_items_are_reranked_by_trees_and_a_linear_ranker_together(ranker, candidates) -> None:
    """The linear ranker learnt from new items that high scores are bad; turned round, and heavy, it decides.

    The new items share the positions that the trees gave them, and known items keep theirs.
    """
    of_new = candidates.values[0, 3:5]
    assert ranker.new_items.weights[0] < 0
    scores = ranker.score(candidates)[0]
    assert sorted(scores[3:5]) == sorted(ranker.all_items.score(of_new))
    by = ranker.all_items.score(of_new) + ranker.new_item_linear_weight * ranker.new_items.score(
        of_new, FEATURES
    )
    assert np.argmax(scores[3:5]) == np.argmax(by) == 1
    turned = replace(ranker, new_items=LinearRanker.prior(PRIOR), new_item_linear_weight=1000.0)
    again = turned.score(candidates)[0]
    assert again.tolist() == [*scores[:3], scores[4], scores[3], -np.inf]


def test_the_linear_ranker_of_new_items_weighs_as_much_as_the_trees(group) -> None:
    """Half of each, in their own deviations over the new items; without a relevant new item it has none."""
    fitted = Ranker.fit(FEATURES, RankerGroups([group], [known_part(group)], []), CONFIG, PRIOR, PRIOR)
    of_new = group.select_rows(group.values[:, FEATURES.index("is_new")] > 0)
    starts = np.repeat(np.cumsum(of_new.sizes) - of_new.sizes, of_new.sizes)

    def deviation(scores):
        means = np.array([scores[starts == start].mean() for start in np.unique(starts)])
        return np.sqrt(np.mean((scores - np.repeat(means, of_new.sizes)) ** 2))

    weight = deviation(fitted.all_items.score(of_new.values)) / deviation(
        fitted.new_items.score(of_new.values, FEATURES)
    )
    assert fitted.new_item_linear_weight == pytest.approx(weight, rel=1e-4)
    mostly = replace(CONFIG, linear_share=0.75)
    groups = RankerGroups([group], [known_part(group)], [])
    fitted = Ranker.fit(FEATURES, groups, mostly, PRIOR, PRIOR)
    assert fitted.new_item_linear_weight == pytest.approx(3 * weight, rel=1e-4)
    alone = Ranker.fit(
        FEATURES, RankerGroups([known_part(group)], [known_part(group)], []), CONFIG, PRIOR, PRIOR
    )
    assert alone.new_item_linear_weight == 0.0


def test_where_nothing_is_new_what_was_learnt_of_the_known_is_the_score(ranker, candidates) -> None:
    known = replace(candidates, items=candidates.items[:, :3], values=candidates.values[:, :3])
    expected = ranker.known_items.score(candidates.values[0, :3], FEATURES)
    assert ranker.score(known)[0].tolist() == expected.tolist()


def test_what_comes_next_has_a_ranker_of_its_own(ranker, group, candidates) -> None:
    following = replace(candidates, ask_next=True)
    assert np.argsort(ranker.score(candidates)[0, :3]).tolist()[-1] == 0
    assert np.argsort(ranker.score(following)[0, :3]).tolist()[-1] == 2
    parts = ranker.contributions(following, np.arange(3), ["column"])
    np.testing.assert_allclose(sum(parts.values()), ranker.score(following)[0, :3], atol=1e-4)
    assert np.argmax(parts["column"]) == 2
    without = Ranker.fit(FEATURES, RankerGroups([group], [known_part(group)], []), CONFIG, PRIOR, PRIOR)
    assert without.next_items is without.known_items
    assert not any(name.startswith("next_items") for name in without.arrays())


def test_reranked_by_hand() -> None:
    rank = np.array([[5.0, 1.0, 3.0, 2.0], [4.0, 9.0, 7.0, -np.inf]])
    among = np.array([[True, False, True, True], [True, True, False, False]])
    # 5, 3, 2 go to the last, the first and the third place; in a tie 9 and 4 stay where they were
    rerank_within(rank, among, np.array([0.5, 0.1, 0.9, 0.3, 0.3]))
    np.testing.assert_array_equal(rank, [[3.0, 1.0, 2.0, 5.0], [4.0, 9.0, 7.0, -np.inf]])


def test_the_bias_is_added_to_new_items_alone(ranker, candidates) -> None:
    for ask_next, name in ((False, "new_item_bias"), (True, "next_new_item_bias")):
        asked = replace(candidates, ask_next=ask_next)
        promoted = replace(ranker, **{name: 0.75})
        more = promoted.score(asked)[0, :5] - ranker.score(asked)[0, :5]
        np.testing.assert_allclose(more, [0, 0, 0, 0.75, 0.75], atol=1e-5)
        other = replace(asked, ask_next=not ask_next)
        assert promoted.score(other).tolist() == ranker.score(other).tolist()
        assert getattr(Ranker.restore(promoted.arrays()), name) == 0.75


def test_contributions_sum_to_the_score(ranker, candidates) -> None:
    promoted = replace(ranker, new_item_bias=0.75)
    parts = promoted.contributions(candidates, np.arange(5), ["column"])
    assert set(parts) == {"column", "blended_score", "base_value"}
    np.testing.assert_allclose(sum(parts.values()), promoted.score(candidates)[0, :5], atol=1e-4)


def test_kept_as_arrays(ranker, candidates) -> None:
    again = Ranker.restore(ranker.arrays())
    for ask_next in (False, True):
        asked = replace(candidates, ask_next=ask_next)
        np.testing.assert_array_equal(again.score(asked), ranker.score(asked))


def test_boosters_of_either_objective_weigh_the_same(group) -> None:
    both, first, second = (
        BoosterEnsemble.fit(FEATURES, [group], objectives, BOOSTERS, 0)
        for objectives in (("lambdarank", "binary"), ("lambdarank",), ("binary",))
    )
    assert first.weights == (1.0,)
    values = group.values[: BOOSTERS.bins]
    second = BoosterEnsemble(second.models, (both.weights[1] * 2,))
    # the second forest of two has another seed than one alone, so only about the same
    np.testing.assert_allclose(
        both.score(values),
        (first.score(values) + second.score(values)) / 2,
        atol=0.3 * first.score(values).std(),
    )


def test_without_relevant_items_nothing_is_learnt(group) -> None:
    nothing = replace(group, relevant=np.zeros_like(group.relevant))
    for groups in (RankerGroups([nothing], [known_part(group)], []), RankerGroups([group], [], [])):
        assert not Ranker.fit(FEATURES, groups, CONFIG, PRIOR, PRIOR).learnt


def test_as_many_queries_as_configured_are_needed(group) -> None:
    """There are 100 queries, and 40 of known items; what comes next needs as many to have its own ranker."""
    relevant = group.relevant.reshape(100, 14).copy()
    relevant[40:] = np.arange(14) == 13
    known = known_part(replace(group, relevant=relevant.ravel()))
    groups = RankerGroups([group], [known], [known])
    for least, learnt in ((100, False), (41, False), (40, True)):
        assert Ranker.fit(FEATURES, groups, replace(CONFIG, min_queries=least), PRIOR, PRIOR).learnt == learnt
    many = RankerGroups([group], [known_part(group)], [known])
    for least, own in ((40, True), (41, False)):
        fitted = Ranker.fit(FEATURES, many, replace(CONFIG, min_queries=least), PRIOR, PRIOR)
        assert (fitted.next_items is not fitted.known_items) == own


def test_trees_of_a_single_leaf_are_nothing_learnt(group) -> None:
    """A leaf has at least as many rows as there are, so no tree can split."""
    config = replace(CONFIG, boosters=replace(BOOSTERS, min_leaf_size=len(group.values)))
    assert not BoosterEnsemble.fit(FEATURES, [group], config.all_items, config.boosters, 0).learnt
    assert not Ranker.fit(
        FEATURES, RankerGroups([group], [known_part(group)], []), config, PRIOR, PRIOR
    ).learnt


def test_both_parts_weigh_as_configured(group) -> None:
    """Each in its standard deviation within queries; a share of 0 or 1 leaves one of them out."""
    of_known = known_part(group)
    for share in (0.25, 0.5):
        both = KnownItemRanker.fit(FEATURES, [of_known], replace(CONFIG, linear_share=share), PRIOR, 0)
        deviations = []
        for scores in (both.boosters.score(of_known.values), both.linear.score(of_known.values, FEATURES)):
            queries = np.split(scores.astype(np.float64), np.cumsum(of_known.sizes)[:-1])
            deviations.append(np.concatenate([own - own.mean() for own in queries]).std())
        expected = deviations[0] / deviations[1] * share / (1 - share)
        np.testing.assert_allclose(both.linear_weight, expected, rtol=1e-5)
        total = both.boosters.score(of_known.values) + np.float32(expected) * both.linear.score(
            of_known.values, FEATURES
        )
        np.testing.assert_allclose(both.score(of_known.values, FEATURES), total, rtol=1e-4)
    linear = KnownItemRanker.fit(FEATURES, [of_known], replace(CONFIG, linear_share=1.0), PRIOR, 0)
    assert not linear.boosters.models
    np.testing.assert_array_equal(
        linear.score(of_known.values, FEATURES), linear.linear.score(of_known.values, FEATURES)
    )


def test_contributions_are_shapley_values_of_the_trees_for_known_and_for_new(ranker, candidates) -> None:
    """A score and its rank are one; the blended score stands alone; the base value is in the remainder."""
    parts = ranker.contributions(candidates, np.array([3, 0, 1]), ["column"])
    new, known = (
        trees.shapley_values(candidates.values[0, places])
        for trees, places in ((ranker.all_items, [3]), (ranker.known_items.boosters, [0, 1]))
    )
    linear = ranker.known_items.linear_weight * ranker.known_items.linear.contributions(
        candidates.values[0, [0, 1]], FEATURES
    )
    known[:, :1] += linear
    new[:, :1] += ranker.new_item_linear_weight * ranker.new_items.contributions(
        candidates.values[0, [3]], FEATURES
    )
    assert new.shape == (1, len(FEATURES) + 1)
    shares = np.concatenate([new, known])
    np.testing.assert_allclose(parts["column"], shares[:, 0] + shares[:, 2], atol=1e-6)
    np.testing.assert_allclose(parts["blended_score"], shares[:, 1], atol=1e-6)
    rest = ranker.score(candidates)[0, [3, 0, 1]] - shares[:, :3].sum(axis=1)
    np.testing.assert_allclose(parts["base_value"], rest, atol=1e-6)
    assert abs(shares[:, 0]).min() > 0.1


def test_shapley_values_sum_to_the_score_of_the_trees(ranker, group) -> None:
    for trees in (ranker.known_items.boosters, ranker.all_items):
        values = group.values[:50]
        np.testing.assert_allclose(trees.shapley_values(values).sum(axis=1), trees.score(values), atol=1e-4)


def test_without_rows_there_are_no_scores(ranker) -> None:
    nothing = np.zeros((0, len(FEATURES)), np.float32)
    assert ranker.all_items.score(nothing).shape == (0,)
    assert ranker.all_items.shapley_values(nothing).shape == (0, len(FEATURES) + 1)


def test_some_rows_of_the_queries_with_a_relevant_one_among_them() -> None:
    """Three queries of 3, 2 and 2 rows; the relevant row of the second is dropped, the third has none."""
    relevant = np.array([True, False, True, True, False, False, False])
    rows = np.array([False, True, True, False, True, True, True])
    kept = RankingGroup(np.arange(7.0)[:, None], relevant, np.array([3, 2, 2])).select_rows(rows)
    assert kept.values.tolist() == [[1.0], [2.0]]
    assert kept.relevant.tolist() == [False, True]
    assert kept.sizes.tolist() == [2]


def test_each_part_learns_from_its_own_groups(ranker, group) -> None:
    of_known = known_part(group)
    assert (
        ranker.known_items.boosters.models
        == BoosterEnsemble.fit(FEATURES, [of_known], CONFIG.known_items, BOOSTERS, 0).models
    )
    assert (
        ranker.all_items.models
        == BoosterEnsemble.fit(FEATURES, [group], CONFIG.all_items, BOOSTERS, 0).models
    )
    assert ranker.next_items.boosters.models != ranker.known_items.boosters.models


def test_trees_are_fitted_as_configured(group) -> None:
    config = BoosterConfig(
        rounds=3,
        leaves=7,
        learning_rate=0.11,
        min_leaf_size=9,
        l2=2.5,
        truncation=13,
        feature_fraction=0.5,
        row_fraction=0.75,
        bins=31,
    )
    first, second = BoosterEnsemble.fit(FEATURES, [group], ("lambdarank", "binary"), config, 3).models
    for text, objective, seed in ((first, "lambdarank", 6), (second, "binary", 7)):
        for line in (
            f"[objective: {objective}]",
            f"[seed: {seed}]",
            "[num_iterations: 3]",
            "[num_leaves: 7]",
            "[learning_rate: 0.11]",
            "[min_data_in_leaf: 9]",
            "[lambda_l2: 2.5]",
            "[lambdarank_truncation_level: 13]",
            "[feature_fraction: 0.5]",
            "[bagging_fraction: 0.75]",
            "[bagging_freq: 1]",
            "[max_bin: 31]",
        ):
            assert line in text


def test_without_context_features_trees_split_on_scores_alone(group) -> None:
    values = group.values.copy()
    values[:, 3] = group.relevant  # were it seen, nothing else would be needed
    without_context_features = BoosterEnsemble.fit(
        FEATURES,
        [replace(group, values=values)],
        CONFIG.all_items,
        replace(BOOSTERS, without_context_features=True),
        0,
    )
    (booster,) = without_context_features._boosters
    used = dict(zip(booster.feature_name(), booster.feature_importance(), strict=True))
    assert used["column"] > 0
    assert used["is_new"] == 0


def test_weights_of_a_ranker_that_learnt_nothing_are_kept() -> None:
    weights = {"ease": 0.25, "popularity_ridge": 0.75}
    ranker = replace(Ranker.unfitted(FEATURES, PRIOR), shrunk_weights=weights)
    assert Ranker.restore(ranker.arrays()).shrunk_weights == weights
    assert Ranker.restore(Ranker.unfitted(FEATURES, PRIOR).arrays()).shrunk_weights == {}
