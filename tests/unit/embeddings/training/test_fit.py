"""From a dataset to a two-stage recommender: which candidates the ranker learns from."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from fake_random import FixedDraws

from embeddings.candidates.ensemble import score_columns
from embeddings.candidates.specs import select_specs
from embeddings.data.dataset import Histories
from embeddings.ranking.boosters import BoosterConfig
from embeddings.ranking.calibration import Calibration, CalibrationConfig, CalibrationCurve
from embeddings.ranking.features import CandidateFeatures, extrapolated_features, feature_names
from embeddings.ranking.groups import RankingGroup
from embeddings.ranking.ranker import RankerConfig
from embeddings.training import fit as fitting
from embeddings.training.calibrate import CalibrationUsers
from embeddings.training.config import GroupConfig
from embeddings.training.fit import fit, ranker_groups, ranking_group, refit
from embeddings.training.holdout import HoldoutQueries, Holdouts, draw_holdouts
from embeddings.training.scored_queries import ScoredQueries


def thinned(relevant, keep: float, draws):
    """Candidates are 90 known items, the numbers 29 to 118 descending, and 28 new ones, 27 to 0; 119 none.

    A row's one feature is its item's number. One query for each of `relevant`, a list of items.
    """
    row = [*range(118, 28, -1), *range(27, -1, -1)]
    items = np.array([row] * len(relevant))
    values, blended_score = items[:, :, None].astype(np.float32), np.zeros((len(relevant), 120), np.float32)
    liked = np.zeros((len(relevant), 120))
    for query, own in enumerate(relevant):
        liked[query, own] = 1
    queries = HoldoutQueries(Histories.of([[]] * len(relevant), 120), sp.csr_array(liked))
    scored = ScoredQueries(queries, CandidateFeatures(items, values, blended_score, 90))
    group = ranking_group(scored, GroupConfig(keep=keep), FixedDraws(np.broadcast_to(draws, items.shape)))
    return group.values[:, 0].astype(int).tolist(), group.relevant.tolist(), group.sizes.tolist()


FIRST = [*range(118, 38, -1), *range(27, 7, -1)]
"""The 80 known items and the 20 new ones that stand first."""


def test_thinning_keeps_the_first_80_known_and_20_new() -> None:
    """Item 38 is the 81st known item, 7 the 21st new one: they are dropped, though liked."""
    rows, relevant, sizes = thinned([[118, 39, 38, 27, 8, 7]], 0.0, 0.0)
    assert rows == FIRST
    assert sizes == [100]
    assert [item for item, own in zip(rows, relevant, strict=True) if own] == [118, 39, 27, 8]


def test_thinning_keeps_a_random_share_of_the_others_liked_or_not() -> None:
    """Known 38, 37, ... 29 and new 7, 6, ... 0 are the others; every second is drawn below the share."""
    draws = np.where(np.arange(118) % 2 == 0, 0.59, 0.6)
    rows, relevant, sizes = thinned([[118, 38, 37, 7, 6]], 0.6, draws)
    known, new = [38, 36, 34, 32, 30], [7, 5, 3, 1]
    assert rows == [*FIRST[:80], *known, *FIRST[80:], *new]
    assert [item for item, own in zip(rows, relevant, strict=True) if own] == [118, 38, 7]
    assert sizes == [109]


def test_without_thinning_all_is_kept() -> None:
    rows, _, sizes = thinned([[118]], 1.0, 0.99)
    assert rows == [*range(118, 28, -1), *range(27, -1, -1)]
    assert sizes == [118]


def test_queries_without_a_relevant_row_are_left_out() -> None:
    rows, relevant, sizes = thinned([[], [118], [29], [0, 27]], 0.0, 0.5)
    assert sizes == [100, 100]
    assert rows == FIRST * 2
    assert [n for n, own in enumerate(relevant) if own] == [0, 100 + 80]


def test_an_empty_place_is_no_row() -> None:
    items = np.array([[2, 0, -1, 4]])
    candidates = CandidateFeatures(items, np.array([[[2.0], [0.0], [9.0], [4.0]]]), np.zeros((1, 5)), 3)
    queries = HoldoutQueries(Histories.of([[]], 5), sp.csr_array(np.array([[1.0, 0, 0, 0, 0]])))
    scored = ScoredQueries(queries, candidates)
    group = ranking_group(scored, GroupConfig(keep=1.0), FixedDraws(np.zeros((1, 4))))
    assert group.values[:, 0].tolist() == [2.0, 0.0, 4.0]
    assert group.relevant.tolist() == [False, True, False]
    assert group.sizes.tolist() == [3]


def test_an_empty_place_is_none_of_the_first() -> None:
    """Known 3 and 2 and an empty place, then new 1 and 0: the first known and the first new one are kept."""
    items, values = np.array([[3, 2, -1, 1, 0]]), np.array([[[3.0], [2.0], [9.0], [1.0], [0.0]]])
    queries = HoldoutQueries(Histories.of([[]], 4), sp.csr_array(np.array([[0, 0, 0, 1.0]])))
    scored = ScoredQueries(queries, CandidateFeatures(items, values, np.zeros((1, 4)), 3))
    config = GroupConfig(first_known=1, first_new=1, keep=0.0)
    group = ranking_group(scored, config, FixedDraws(np.full((1, 5), 0.5)))
    assert group.values[:, 0].tolist() == [3.0, 1.0]


def test_by_default_six_of_ten_others_are_kept() -> None:
    assert GroupConfig().keep == 0.6


def test_the_same_seed_gives_the_same_scores(dataset, config) -> None:
    first, second = (fit(dataset, config, seed=3).score(dataset.histories) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_refitted_scorers_keep_the_ranker(dataset, config) -> None:
    """On the same events all scores are the same."""
    fitted = fit(dataset, config, seed=3)
    again = refit(fitted.ranker, dataset, config, seed=3)
    assert again.ranker is fitted.ranker
    np.testing.assert_array_equal(again.score(dataset.histories), fitted.score(dataset.histories))


@pytest.mark.parametrize("names", [("kge",), ("text", "gnn"), ("popularity", "ease")])
def test_a_model_of_few_scorers(dataset, config, small_configs, names) -> None:
    """Whoever likes two of a colour gets it, also without the scorers that usually select candidates."""
    scorers = select_specs(names, {name: x for name, x in small_configs.items() if name in names})
    ranker = RankerConfig(min_queries=1, boosters=BoosterConfig(rounds=5, min_leaf_size=5))
    small = replace(config, scorers=scorers, ranker=ranker)
    fitted = fit(dataset, small, seed=1)
    scores = fitted.score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert np.isfinite(scores).all()
    assert scores[0, [4, 6, 8]].mean() > scores[0, [5, 7, 9]].mean()
    assert scores[1, [5, 7, 9]].mean() > scores[1, [4, 6, 8]].mean()


def test_the_calibration_is_learnt_from_users_that_the_ranker_did_not_learn_from(
    dataset, config, monkeypatch
) -> None:
    asked, learnt = [], []
    monkeypatch.setattr(fitting, "draw_holdouts", lambda *own: (asked.append(own[3]), draw_holdouts(*own))[1])
    curves = Calibration({(True, True): CalibrationCurve(0.0, 1.0, np.zeros(1), np.zeros(1))})
    monkeypatch.setattr(
        fitting, "learn_calibration", lambda ranker, queries, _: (learnt.extend(queries), curves)[1]
    )
    some = replace(config, calibration=CalibrationConfig(users=0.5))
    ranker = fit(dataset, some, seed=1).ranker
    others = CalibrationUsers.draw(dataset.n_users, some.calibration, 1).users
    assert asked[0].tolist() == (~others).tolist()
    assert 4 < others.sum() < 20
    assert others.sum() <= sum(len(x.lengths) for x in learnt) <= 2 * others.sum(), "in two holdouts"
    assert ranker.calibration is curves


def test_new_users_are_for_the_rankers_of_known_items_as_well(dataset, config, monkeypatch) -> None:
    """Group 1 is of known users and 2 of new ones, both cold; 3 is random and 4 is of last events.

    Each group has a known item, which is relevant, and a new one.
    """
    features = feature_names(score_columns(config.scorers))
    queries = {"cold": [(1, False), (2, True)], "random": [(3, False)], "last": [(4, False)]}

    def scored(kind, *_):
        return [SimpleNamespace(number=n, queries=SimpleNamespace(new_users=new)) for n, new in queries[kind]]

    def group(some, *_) -> RankingGroup:
        values = np.zeros((2, len(features)), np.float32)
        values[:, 0], values[1, features.index("is_new")] = some.number, 1
        return RankingGroup(values, np.array([True, False]), np.array([2]))

    monkeypatch.setattr(
        fitting, "draw_holdouts", lambda *_: Holdouts(iter(["cold"]), iter(["random"]), iter(["last"]))
    )
    monkeypatch.setattr(fitting, "score_queries", scored)
    monkeypatch.setattr(fitting, "ranking_group", group)
    found = ranker_groups(dataset, None, config, seed=0)
    rows = [
        [own.values[:, 0].tolist() for own in part]
        for part in (found.all_items, found.known_items, found.next_items)
    ]
    assert rows == [[[1, 1], [2, 2]], [[2], [3]], [[2], [4]]]
    extrapolated = extrapolated_features(features, config.scorers)
    assert [x for x, own in zip(features, extrapolated, strict=True) if own][:2] == [
        "popularity_ridge",
        "popularity_knn",
    ]
    for groups, missing in ((found.all_items, False), (found.known_items, True), (found.next_items, True)):
        for own in groups:
            assert (np.isnan(own.values[:, extrapolated]) == missing).all()
            assert np.isfinite(own.values[:, ~extrapolated]).all()


def test_a_group_of_known_items_alone_stays_as_it_is_for_the_ranker_of_all(config) -> None:
    features = feature_names(score_columns(config.scorers))
    group = RankingGroup(np.ones((2, len(features)), np.float32), np.array([True, False]), np.array([2]))
    group.values[:, features.index("is_new")] = 0
    known = fitting._of_known_items(group, config)
    assert np.isnan(known.values).any()
    assert np.isfinite(group.values).all()
