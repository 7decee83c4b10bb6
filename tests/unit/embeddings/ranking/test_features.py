"""Every feature of a candidate, over 3 users and 5 items, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from fake_scorers import FixedScores, ensemble_of, first_and_previous

from embeddings.candidates.ensemble import arcsinh, standardize, uniform_over
from embeddings.candidates.select import CandidateConfig, Candidates
from embeddings.data.dataset import Dataset, Histories
from embeddings.ranking.features import (
    FeatureConfig,
    ItemFeatures,
    _content_features,
    _context_features,
    _log_ranks,
    _time_share,
    candidate_features,
    feature_names,
    score_features,
)
from kg.graph import NO_TIME

NAN = np.nan
CONFIG = FeatureConfig()
EASE = [3.0, 2.0, 1.0, 0.0, 9.0]
NAMES = (
    *("ease", "ease_ridge", "ease_knn", "blended_score"),
    *("ease.log_rank", "ease_ridge.log_rank", "ease_knn.log_rank", "blended_score.log_rank"),
    *("is_new", "log_degree", "log_facts", "has_text"),
    *("log_history_length", "user_time", "user_time_span", "mean_log_degree_of_history"),
    *(
        "log_degree_less_mean_of_history",
        "user_time_less_first_like",
        "last_like_less_user_time",
        "distance_of_median_like_from_user_time",
        "first_like_less_last_of_history",
        "last_like_less_first_of_history",
    ),
    *("max_text_cosine", "mean_text_cosine", "max_facts_cosine", "mean_facts_cosine"),
)


@pytest.fixture
def histories() -> Histories:
    """One who likes item 0, another who likes 0 and 1, one of whom nothing is known; likes span 0..500 s."""
    when = np.array([[50.0, 100.0, 300.0], [100.0, 400.0, 450.0], [NAN, NAN, NAN]])
    return Histories.of([[0], [0, 1], []], 5, when)


@pytest.fixture
def candidates(board: Dataset, histories):
    items = ItemFeatures.of(board, CONFIG)
    ensemble = ensemble_of(
        {"ease": FixedScores(EASE)}, first_and_previous([1.0, 1.0, 1.0, 1.0, 1.0]), items.known
    )
    return candidate_features(histories, ensemble, items, CandidateConfig(), CONFIG)


def features(candidates, query: int, item: int) -> dict[str, float]:
    """The features of one candidate by name."""
    place = candidates.items[query].tolist().index(item)
    return dict(zip(NAMES, candidates.values[query, place].tolist(), strict=True))


def expect(found: dict[str, float], **by_hand: float) -> None:
    assert {name: found[name] for name in by_hand} == pytest.approx(by_hand, abs=1e-5, nan_ok=True)


def test_the_names_in_order() -> None:
    assert feature_names(("ease", "ease_ridge", "ease_knn")) == NAMES


def test_items_of_the_board(board: Dataset) -> None:
    items = ItemFeatures.of(board, CONFIG)
    np.testing.assert_allclose(items.log_degree, np.log([1 + 3, 1 + 2, 1 + 1, 1, 1]), rtol=1e-6)
    np.testing.assert_allclose(items.log_facts, np.log([1 + 1, 1 + 2, 1 + 1, 1, 1 + 1]), rtol=1e-6)
    assert items.has_text.tolist() == [1, 1, 1, 1, 0]
    assert items.has_interactions.tolist() == [1, 1, 1, 1, 0]  # item 3 has an interaction, though no like
    assert items.known.tolist() == [True, True, True, True, False]
    # item 0 was liked at 0, 100 and 400; of item 1's two times 200 and 300 the later is the middle one
    first, middle, last = [0 / 5, 2 / 5, 5 / 5], [1 / 5, 3 / 5, 5 / 5], [4 / 5, 3 / 5, 5 / 5]
    np.testing.assert_allclose(
        items.like_times, [[*row, NAN, NAN] for row in (first, middle, last)], atol=1e-6
    )
    assert (items.time_quantiles[0], items.time_quantiles[-1], len(items.time_quantiles)) == (0, 500, 513)
    np.testing.assert_array_equal(items.text_vectors, board.content.text)
    np.testing.assert_array_equal(items.fact_vectors, board.content.fact_vectors)


def test_times_of_the_board_unknown(board: Dataset) -> None:
    events = replace(board.events, time=np.where(board.events.item == 0, NO_TIME, board.events.time))
    items = ItemFeatures.of(replace(board, events=events), CONFIG)
    # likes with a time: 200, 300 and 500
    assert (items.time_quantiles[0], items.time_quantiles[-1]) == (200, 500)
    np.testing.assert_allclose(items.like_times[0], [NAN, 0.0, 1.0, NAN, NAN], atol=1e-6)
    np.testing.assert_allclose(items.like_times[2], [NAN, 0.5, 1.0, NAN, NAN], atol=1e-6)
    items = ItemFeatures.of(replace(board, events=replace(board.events, time=np.full(7, NO_TIME))), CONFIG)
    assert len(items.time_quantiles) == 0
    assert np.isnan(items.like_times).all()


def test_kept_as_arrays(board: Dataset) -> None:
    items = ItemFeatures.of(board, CONFIG)
    again = ItemFeatures.restore(items.arrays())
    for name, values in items.arrays().items():
        np.testing.assert_array_equal(getattr(again, name), values)


def test_a_time_is_the_share_of_likes_before_it() -> None:
    clock = np.array([0.0, 10.0, 100.0])
    times = np.array([-5.0, 0.0, 5.0, 10.0, 55.0, 100.0, 900.0, NAN])
    np.testing.assert_allclose(_time_share(times, clock), [0, 0, 0.25, 0.5, 0.75, 1, 1, NAN])
    assert np.isnan(_time_share(times, np.zeros(0))).all()


def test_features_of_the_item(candidates) -> None:
    expect(
        features(candidates, 0, 1), is_new=0, log_degree=np.log(1 + 2), log_facts=np.log(1 + 2), has_text=1
    )
    expect(
        features(candidates, 0, 3), is_new=0, log_degree=np.log(1 + 0), log_facts=np.log(1 + 0), has_text=1
    )
    expect(
        features(candidates, 0, 4), is_new=1, log_degree=np.log(1 + 0), log_facts=np.log(1 + 1), has_text=0
    )


def test_features_of_the_query(candidates) -> None:
    """The middle time is when it is asked; taste is the mean degree of what is liked."""
    for item in (1, 2, 3, 4):
        expect(
            features(candidates, 0, item),
            log_history_length=np.log(2),
            user_time=0.2,
            user_time_span=0.6 - 0.1,
            mean_log_degree_of_history=np.log(4),
        )
    for item in (2, 3, 4):
        taste = (np.log(4) + np.log(3)) / 2
        expect(
            features(candidates, 1, item),
            log_history_length=np.log(3),
            user_time=0.8,
            user_time_span=0.9 - 0.2,
            mean_log_degree_of_history=taste,
        )
    for item in (0, 1, 2, 3, 4):
        expect(
            features(candidates, 2, item),
            log_history_length=0,
            user_time=NAN,
            user_time_span=NAN,
            mean_log_degree_of_history=NAN,
        )


def test_the_degree_of_an_item_less_that_of_what_is_liked(candidates) -> None:
    expect(features(candidates, 0, 1), log_degree_less_mean_of_history=np.log(3) - np.log(4))
    expect(
        features(candidates, 1, 2), log_degree_less_mean_of_history=np.log(2) - (np.log(4) + np.log(3)) / 2
    )
    expect(features(candidates, 1, 4), log_degree_less_mean_of_history=0 - (np.log(4) + np.log(3)) / 2)
    expect(features(candidates, 2, 0), log_degree_less_mean_of_history=NAN)


def test_time_features_and_their_signs(candidates) -> None:
    """Item 1 was liked at 0.4, 0.6 and 0.6 of all likes, item 2 at 1.0; the queries are as in `histories`."""
    expect(
        features(candidates, 0, 1),
        user_time_less_first_like=0.2 - 0.4,
        last_like_less_user_time=0.6 - 0.2,
        distance_of_median_like_from_user_time=0.6 - 0.2,
        first_like_less_last_of_history=0.4 - 0.6,
        last_like_less_first_of_history=0.6 - 0.1,
    )
    expect(
        features(candidates, 1, 2),
        user_time_less_first_like=0.8 - 1.0,
        last_like_less_user_time=1.0 - 0.8,
        distance_of_median_like_from_user_time=1.0 - 0.8,
        first_like_less_last_of_history=1.0 - 0.9,
        last_like_less_first_of_history=1.0 - 0.2,
    )
    for query, item in ((2, 0), (0, 3), (0, 4)):  # no time of the query; no time of the item
        expect(
            features(candidates, query, item),
            user_time_less_first_like=NAN,
            last_like_less_user_time=NAN,
            distance_of_median_like_from_user_time=NAN,
            first_like_less_last_of_history=NAN,
            last_like_less_first_of_history=NAN,
        )


def test_the_middle_of_an_item_may_lie_before_and_after_the_query(board: Dataset, histories) -> None:
    candidates = np.array([[0], [0], [0]])
    from_middle, since_first = (
        _context_features(histories, candidates, ItemFeatures.of(board, CONFIG))[row, :, 0] for row in (11, 9)
    )
    np.testing.assert_allclose(from_middle, [0.2 - 0.2, 0.8 - 0.2, NAN], atol=1e-6)
    np.testing.assert_allclose(since_first, [0.2 - 0.0, 0.8 - 0.0, NAN], atol=1e-6)


def test_cosines_with_what_is_liked(candidates) -> None:
    """Text of items 0, 1, 2, 3: east, west, north, south; item 4 has none."""
    expect(features(candidates, 0, 1), max_text_cosine=-1, mean_text_cosine=-1)
    expect(features(candidates, 0, 2), max_text_cosine=0, mean_text_cosine=0)
    expect(features(candidates, 1, 3), max_text_cosine=0, mean_text_cosine=0)
    expect(features(candidates, 1, 4), max_text_cosine=0, mean_text_cosine=0)
    # items 0 and 4 have the same one fact, item 3 has none
    expect(features(candidates, 0, 4), max_facts_cosine=1, mean_facts_cosine=1)
    expect(features(candidates, 0, 3), max_facts_cosine=0, mean_facts_cosine=0)
    expect(
        features(candidates, 2, 1),
        max_text_cosine=NAN,
        mean_text_cosine=NAN,
        max_facts_cosine=NAN,
        mean_facts_cosine=NAN,
    )


def with_vectors(board: Dataset, text, facts) -> ItemFeatures:
    return replace(ItemFeatures.of(board, CONFIG), text_vectors=np.array(text), fact_vectors=np.array(facts))


def test_the_largest_cosine_and_the_mean_of_the_three_largest(board: Dataset) -> None:
    """Candidate 4 is (1, 0) by text and (0, 1) by facts; candidate 0 the reverse."""
    half = np.sqrt(0.75)
    text = [[0.0, 1.0], [0.8, 0.6], [-0.6, 0.8], [0.5, half], [1.0, 0.0]]
    facts = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, -0.6], [0.0, 1.0]]
    items = with_vectors(board, text, facts)
    found = _content_features(
        Histories.of([[0, 1, 2, 3], [2, 3], []], 5), np.array([[4, 0], [4, 0], [4, 0]]), items, CONFIG
    )
    # text: cosines of 0, 1, 2, 3 with 4 are 0, 0.8, -0.6, 0.5, with 0 they are 1, 0.6, 0.8, half
    of_text = [0.8, (0.8 + 0.5 + 0.0) / 3], [1.0, (1.0 + 0.8 + half) / 3]
    # facts: with 4 they are 0, 1, 0.8, -0.6, with 0 they are 1, 0, 0.6, 0.8
    of_facts = [1.0, (1.0 + 0.8 + 0.0) / 3], [1.0, (1.0 + 0.6 + 0.8) / 3]
    np.testing.assert_allclose(found[:, 0].T, [[*of_text[0], *of_facts[0]], [*of_text[1], *of_facts[1]]])
    few = [[0.5, (-0.6 + 0.5) / 2, 0.8, (0.8 - 0.6) / 2], [half, (0.8 + half) / 2, 0.8, (0.6 + 0.8) / 2]]
    np.testing.assert_allclose(found[:, 1].T, few)
    assert np.isnan(found[:, 2]).all()


def test_only_the_last_hundred_liked_are_compared(board: Dataset) -> None:
    vectors = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    items = with_vectors(board, vectors, vectors)
    histories = Histories.of([[0, *[2] * 99, 1], [0, *[2] * 98, 1]], 5)
    nearest = _content_features(histories, np.array([[4], [4]]), items, CONFIG)[0]
    np.testing.assert_allclose(nearest, [[0.6], [1.0]])


def test_ranks_are_among_the_known_or_among_the_new_and_the_best_has_0(candidates) -> None:
    """Without a history known items are 0, 1, 2, 3 by ease; new item 4 has the first place among its like."""
    found = [features(candidates, 2, item)["ease.log_rank"] for item in range(5)]
    assert found == pytest.approx([np.log(1), np.log(2), np.log(3), np.log(4), np.log(1)])
    found = [features(candidates, 2, item)["blended_score.log_rank"] for item in range(5)]
    assert found == pytest.approx([np.log(1), np.log(2), np.log(3), np.log(4), np.log(1)])
    found = [features(candidates, 2, item)["ease_knn.log_rank"] for item in range(5)]
    # the item before has the scores 3, 3, 2, 1, 0: in a tie the first candidate is the better
    assert found == pytest.approx([np.log(1), np.log(2), np.log(3), np.log(4), np.log(1)])


def test_scores_are_standardized_over_the_known_items(candidates) -> None:
    """Of 3, 2, 1, 0 the mean is 1.5, the variance (2.25 + 0.25 + 0.25 + 2.25) / 4; item 4 scores 9."""
    deviation = np.sqrt(5 / 4)
    for item in range(5):
        expect(features(candidates, 2, item), ease=(EASE[item] - 1.5) / deviation)
    first = np.arcsinh(1.5 / deviation)
    expect(features(candidates, 2, 4), ease_ridge=first, ease_knn=-first, blended_score=0)
    expect(features(candidates, 2, 0), ease_ridge=first, ease_knn=first, blended_score=first)


def test_standardized_by_hand() -> None:
    known = np.array([True, True, False])
    found = standardize(np.array([[1.0, 3.0, 9.0], [2.0, 2.0, 5.0]], np.float32), uniform_over(known))
    np.testing.assert_allclose(found, [[-1.0, 1.0, 7.0], [0.0, 0.0, 0.0]], atol=1e-6)
    nothing = standardize(np.array([[1.0, 3.0, 5.0]], np.float32), uniform_over(np.zeros(3, bool)))
    np.testing.assert_allclose(nothing, [[-2 / np.sqrt(8 / 3), 0.0, 2 / np.sqrt(8 / 3)]], atol=1e-6)


def test_softened_scores_are_their_arcsinh() -> None:
    scores = np.array([-100.0, -1.0, 0.0, 0.01, 2.0, 1000.0], np.float32)
    np.testing.assert_allclose(arcsinh(scores), np.arcsinh(scores), rtol=1e-4, atol=1e-6)


def test_ranks_are_logs_of_places_and_the_best_has_none() -> None:
    scores = np.array([[[0.5, 2.0, 1.0, 2.0], [4.0, 3.0, 2.0, 1.0]]])
    candidates = Candidates(np.zeros((2, 4), np.int64), 4, scores, np.zeros((2, 0)))
    by_hand = [[[np.log(4), np.log(1), np.log(3), np.log(2)], [np.log(n) for n in (1, 2, 3, 4)]]]
    np.testing.assert_allclose(_log_ranks(candidates), by_hand, rtol=1e-6)


def test_ranks_start_anew_with_the_new_items() -> None:
    candidates = Candidates(
        np.zeros((1, 4), np.int64), 2, np.array([[[1.0, 2.0, 4.0, 3.0]]]), np.zeros((1, 0))
    )
    by_hand = [[[np.log(2), np.log(1), np.log(1), np.log(2)]]]
    np.testing.assert_allclose(_log_ranks(candidates), by_hand, rtol=1e-6)


def test_an_empty_place_takes_no_rank() -> None:
    """The empty place scores 9, more than either candidate; still 3 is first and 1 second."""
    scores = np.array([[[1.0, 3.0, 9.0]]], np.float32)
    candidates = Candidates(np.array([[4, 0, -1]]), 3, scores, np.zeros((1, 5), np.float32))
    assert _log_ranks(candidates)[0, 0, :2].tolist() == [np.float32(np.log(2)), 0.0]


def test_score_features_are_the_scores_and_their_ranks() -> None:
    assert score_features(NAMES).tolist() == [True] * 8 + [False] * 18


def test_features_do_not_depend_on_what_else_is_allowed(board: Dataset, histories) -> None:
    """Of the known items the best two are candidates, 0 and 1 for the third query; then others are allowed.

    Items 2 and 3 stand after these two, which are better by every score, so their place is 2. Item 4, the
    only new one, is the first of its group, or no candidate.
    """
    items = ItemFeatures.of(board, CONFIG)
    ensemble = ensemble_of(
        {"ease": FixedScores(EASE)}, first_and_previous([1.0, 1.0, 1.0, 1.0, 1.0]), items.known
    )
    two = CandidateConfig(known_items=2, new_items=1)
    every = candidate_features(histories, ensemble, items, CandidateConfig(), CONFIG)
    best = candidate_features(histories, ensemble, items, two, CONFIG)
    for allowed in ([1, 4], [0, 1, 2, 3, 4], [2, 3]):
        mask = np.isin(np.arange(5), allowed)
        found = candidate_features(histories, ensemble, items, two, CONFIG, allowed=mask)
        for query in range(3):
            own = set(found.items[query].tolist()) - {-1}
            assert own <= set(allowed)
            for item in own:
                whole = best if item in best.items[query] else every
                expected = features(whole, query, item)
                if whole is every:
                    expected |= {name: np.log(1 + 2) for name in NAMES if name.endswith(".log_rank")}
                got = features(found, query, item)
                assert got == pytest.approx(expected, abs=1e-6, nan_ok=True), (allowed, query, item)
    assert found.items.tolist()[2] == [2, 3, -1]
    expect(features(found, 2, 3), **{"ease": features(every, 2, 3)["ease"], "ease.log_rank": np.log(3)})
