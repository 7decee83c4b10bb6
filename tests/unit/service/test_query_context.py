"""What the query context makes of what was read into it, in a catalogue of three items."""

import numpy as np
import pytest

from service.query_context import QueryContext

RATED = 0
ENTITY = 3


def test_an_item_liked_again_moves_to_the_end() -> None:
    context = QueryContext(n_items=3)
    for item in (0, 1, 0):
        context.like(item, RATED)
    assert context.history == {1: RATED, 0: RATED}
    assert list(context.history) == [1, 0]


def test_items_are_history_and_other_nodes_are_likes() -> None:
    context = QueryContext(n_items=3)
    context.like(2, None)
    context.like(ENTITY, None)
    query = context.query()
    assert query.history.tolist() == [2]
    assert query.likes.tolist() == [3]
    assert query.text is None
    assert np.isnan(query.times).all()


def test_sources_weigh_from_the_oldest_to_the_newest_and_what_was_named_in_full() -> None:
    context = QueryContext(n_items=3, user=9)
    context.like(0, RATED)
    context.like(1, None)
    context.like(2, RATED)
    context.like(ENTITY, None)
    sources = context.sources(oldest_weight=0.8)
    assert sources.nodes.tolist() == [0, 1, 2, 3]
    assert sources.weights.tolist() == pytest.approx([0.8, 1, 1, 1]), "the second would have .9"
    assert sources.kinds == (RATED, None, RATED, None)
    assert sources.user == 9


def test_a_user_is_hot_from_so_many_items_on() -> None:
    context = QueryContext(n_items=3)
    assert context.user_state(hot_from=2) == "cold"
    context.like(0, RATED)
    assert context.user_state(hot_from=2) == "warm"
    context.like(1, RATED)
    assert context.user_state(hot_from=2) == "hot"


def test_a_text_alone_makes_a_user_warm() -> None:
    assert QueryContext(n_items=3, text=np.ones(2, np.float32)).user_state(hot_from=1) == "warm"


def test_a_warning_points_at_its_field() -> None:
    context = QueryContext(n_items=3)
    context.warn("/likes/0", "nothing")
    assert [w.model_dump() for w in context.warnings] == [{"pointer": "/likes/0", "detail": "nothing"}]
