"""From a graph with hardly anything in it to a model and its answers.

Book n of the library is by author n % 6, whose theme its text has: books 0, 6, 12, 18 and 24 are Pratchett's,
about dragons.
"""

from functools import cache

import numpy as np
import pytest
from small_library import AUTHORS, N_BOOKS, ThemeEncoder, library

from embeddings.model.artifact import load_model, load_ranker, save_model
from embeddings.training.config import TrainingConfig
from embeddings.training.train import refresh, train, train_unmeasured
from kg.errors import DataError
from service.contract import RecommendRequest
from service.recommender import Recommender

DRAGONS = {"b00", "b06", "b12", "b18", "b24"}
GODS = {f"b{n:02}" for n in range(1, N_BOOKS, 6)}
OTHERS = [(1, 7), (1, 8), (2, 9), (2, 10), (2, 11)]
"""What other readers like: no dragons."""
TWENTY = [(0, 0), *OTHERS, *((reader, 5 * reader + n) for reader in (3, 4) for n in (1, 2, 3, 4, 5, 7, 8))]


@cache
def served(loans=(), **what) -> Recommender:
    """A recommender over the library with these loans."""
    snapshot = library(loans, **what)
    return Recommender(snapshot, train(snapshot, ThemeEncoder(), TrainingConfig()), ThemeEncoder())


def ask(recommender: Recommender, **request):
    return recommender.recommend(RecommendRequest(**request), request_id="")


def listed(answer) -> list[str]:
    return [item.item_id for item in answer.items]


def details(answer) -> str:
    return "\n".join(remark.detail for remark in answer.warnings)


BOTH, FACTS_ALONE, TEXT_ALONE = {}, {"text": False}, {"facts": False}
ASKED = [
    *(({"history": ["b00"]}, what) for what in (BOTH, FACTS_ALONE, TEXT_ALONE)),
    *(({"likes": ["Author:Pratchett"]}, what) for what in (BOTH, FACTS_ALONE)),
    *(({"text": "dragons"}, what) for what in (BOTH, TEXT_ALONE)),
]
"""Requests for dragons, and what may be missing of the content then."""


@pytest.mark.parametrize(("request_", "what"), ASKED, ids=str)
@pytest.mark.parametrize("loans", [(), OTHERS[:1], OTHERS[:2], OTHERS, TWENTY], ids=len)
def test_what_is_known_of_content_ranks_with_hardly_any_events(loans, request_, what) -> None:
    answer = ask(served(tuple(loans), readers=5, **what), k=4, **request_)
    assert set(listed(answer)) < DRAGONS
    assert answer.items[0].ranking_score > 0.2
    assert answer.items[0].score == pytest.approx(1 / (1 + np.exp(-answer.items[0].ranking_score)), abs=1e-5)
    assert not answer.meta.calibrated


@pytest.mark.parametrize("what", [BOTH, FACTS_ALONE, TEXT_ALONE], ids=["both", "facts", "text"])
@pytest.mark.parametrize("loans", [[(0, 0)], [(0, 0), *OTHERS[:1]], [(0, 0), *OTHERS], TWENTY], ids=len)
def test_a_user_of_one_event_gets_what_is_similar(loans, what) -> None:
    answer = ask(served(tuple(loans), readers=5, **what), user_id="r0", k=5)
    assert set(listed(answer)[:4]) == DRAGONS - {"b00"}
    assert listed(answer)[4] not in DRAGONS
    if what.get("facts", True):
        assert all(item.paths for item in answer.items[:4])


def test_a_text_outweighs_the_only_item_that_anybody_liked() -> None:
    """Book 0 is the only popular one; the theme asked for is another's."""
    assert set(listed(ask(served(((0, 0),)), text="gods", k=5))) == GODS


def test_stated_likes_and_text_outweigh_the_history() -> None:
    assert set(listed(ask(served(), history=["b00"], text="gods", k=5))) == GODS
    assert set(listed(ask(served(), history=["b00"], likes=["Author:Gaiman"], k=5))) == GODS


@pytest.mark.parametrize("loans", [(), ((0, 0),), tuple(TWENTY)], ids=len)
def test_contributions_sum_to_the_score(loans) -> None:
    for exclude_seen in (True, False):
        answer = ask(
            served(loans, readers=5),
            user_id="r0",
            text="gods",
            score_contributions=True,
            exclude_seen=exclude_seen,
            k=N_BOOKS,
        )
        for item in answer.items:
            assert sum(item.score_contributions.values()) == pytest.approx(item.ranking_score, abs=1e-5)


def test_what_the_user_has_stands_last_where_it_is_not_left_out() -> None:
    assert listed(ask(served(((0, 0),)), user_id="r0", exclude_seen=False, k=N_BOOKS))[-1] == "b00"


def test_the_first_event_makes_an_item_popular_and_what_is_similar_after_it() -> None:
    answer = ask(served(((0, 0),)), user_id="somebody new", k=5)
    assert listed(answer)[0] == "b00"
    assert set(listed(answer)) == DRAGONS


def test_without_content_popularity_ranks() -> None:
    """Book 7 has three likes, book 9 two, and book 3 one."""
    loans = ((0, 7), (1, 7), (2, 7), (0, 9), (1, 9), (2, 3))
    answer = ask(served(loans, text=False, facts=False), k=4)
    assert listed(answer)[:3] == ["b07", "b09", "b03"]
    assert "equal scores (rank 4)" in details(answer)


@pytest.mark.parametrize(
    ("what", "remark"),
    [
        ({}, "no events to learn from: items are ranked by what is known of them (text and facts) alone"),
        ({"text": False}, "ranked by what is known of them (facts) alone"),
        ({"facts": False}, "ranked by what is known of them (text) alone"),
        ({"facts": False, "text": False}, "no events to learn from, and neither text nor facts of items"),
        ({"readers": 0}, "no events to learn from: items are ranked"),
        ({"loans": ((0, 0, 1), (1, 3, 2))}, "none of the 2 events counts as liked: items are ranked"),
    ],
    ids=str,
)
def test_an_answer_says_what_its_order_rests_on_without_events(what, remark) -> None:
    for request in ({"user_id": "r0"}, {"history": ["b00"]}, {"text": "dragons"}, {"user_id": "new"}):
        assert remark in details(ask(served(**what), **request))


@pytest.mark.parametrize("what", [{}, {"text": False, "facts": False}], ids=str)
def test_an_arbitrary_order_is_said_to_be_one(what) -> None:
    assert "tells these items apart: their order is fixed but arbitrary" in details(ask(served(**what)))


def test_ranks_of_equal_scores_are_named() -> None:
    """By facts alone the other four dragons are equal, and so are all other books."""
    answer = ask(served(((0, 0), (1, 0), (1, 6)), text=False), user_id="r0", k=5)
    assert listed(answer)[0] == "b06"
    assert "(ranks 2-4, 5)" in details(answer)


def test_items_that_differ_are_not_remarked_on() -> None:
    assert ask(served(((0, 0), *OTHERS)), user_id="r0", k=10).warnings == []


def test_a_text_that_no_item_can_be_compared_with_is_said_not_to_count() -> None:
    recommender = served(((0, 0),), text=False)
    assert "no Book has a text" in details(ask(recommender, text="dragons"))
    assert "no Book has a text" not in details(ask(recommender, text="something by Pratchett"))
    assert "no Book has a text" not in details(ask(served(((0, 0),)), text="dragons"))


@pytest.mark.parametrize("loans", [(), ((0, 0),)], ids=len)
def test_a_text_that_does_not_count_makes_nobody_warm(loans) -> None:
    """Not even beside a like, which counts."""
    recommender = served(loans, text=False)
    assert ask(recommender, text="dragons").user_state == "cold"
    beside = ask(recommender, text="dragons", likes=["Author:Pratchett"])
    assert beside.user_state == "warm"
    assert "no Book has a text" in details(beside)


def test_nothing_is_said_to_be_ranked_lower_where_no_item_can_be_compared() -> None:
    without = details(ask(served(((0, 0),), text=False), text="no dragons"))
    assert "ranked lower" not in without
    assert "understood as not wanted: 'dragons'; nothing else is known of it" in without
    assert "ranked lower" in details(ask(served(((0, 0),)), text="no dragons"))


DEGENERATE = {
    "one item": {"books": 1},
    "one item that everybody likes": {"books": 1, "loans": ((0, 0), (1, 0))},
    "two items": {"books": 2, "loans": ((0, 0), (1, 1))},
    "one user": {"readers": 1, "loans": tuple((0, n) for n in range(20))},
    "no users": {"readers": 0},
    "all events disliked": {"loans": ((0, 0, 1), (1, 3, 2))},
    "all like all": {"loans": tuple((reader, n) for reader in range(3) for n in range(N_BOOKS))},
    "no names": {"loans": ((0, 0),), "named": False},
    "no times": {"loans": ((0, 0), (0, 6), (1, 7), (1, 13), (1, 19)), "times": False},
    "nothing but ids": {"text": False, "facts": False},
}


@pytest.mark.parametrize("what", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("fit", [train, train_unmeasured])
def test_degenerate_graphs_are_trained_saved_refreshed_and_served(what, fit, tmp_path) -> None:
    snapshot = library(**what)
    path = save_model(fit(snapshot, ThemeEncoder(), TrainingConfig()), tmp_path)
    manifest, ranker = load_ranker(path)
    again = save_model(refresh(ranker, manifest, snapshot, ThemeEncoder()), tmp_path)
    for version in (path, again):
        recommender = Recommender(snapshot, load_model(version, snapshot), ThemeEncoder())
        for request in ({"user_id": "r0"}, {"history": ["b00"]}, {"text": "dragons"}, {}):
            answer = ask(recommender, k=3, **request)
            assert len(set(listed(answer))) == len(answer.items)
        assert len(answer.items) == min(3, snapshot.n_items)


@pytest.mark.parametrize("what", [{"facts": False}, {}], ids=["nothing", "entities"])
def test_a_graph_without_items_is_one_clear_error(what) -> None:
    snapshot = library(books=0, **what)
    if what == {}:
        assert len(snapshot.vocabulary("Author")) == len(AUTHORS)
    for fit in (train, train_unmeasured):
        with pytest.raises(
            DataError, match="the graph has no Book, so there is nothing to recommend: ingest"
        ):
            fit(snapshot, ThemeEncoder(), TrainingConfig())


def test_nothing_is_measured_where_nothing_can_be_held_out() -> None:
    manifest = train(library([(0, 0)]), ThemeEncoder(), TrainingConfig()).manifest
    assert manifest.metrics == {}
    assert manifest.ranked_by == (
        "too few events to learn a ranker from (likes: 1, users: 1): items are ranked by fixed weights of "
        "text, facts, popularity and EASE"
    )
    measured = train(library([(0, n) for n in range(5)]), ThemeEncoder(), TrainingConfig()).manifest
    assert measured.metrics["trailmix"]["users"] == 1
