"""Each field of a request, read into the query context; what cannot be found becomes a warning."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from kg.graph import GraphSnapshot, Vocabulary
from service.config import RecommenderConfig
from service.contract import MAX_IDS, Id, RecommendRequest
from service.field_table import field_table
from service.query_context import QueryContext
from service.recommender import Recommender
from service.request_reader import FIELD_READERS, Lookups, read_request

READ_BY_THE_RECOMMENDER = {"k", "explain", "score_contributions", "rules"} | {
    *("diversity", "novelty", "max_per", "calibrated", "explore", "seed")
}


@pytest.fixture
def lookups(films: GraphSnapshot, encoder: Any) -> Lookups:
    return Lookups(replace(films, texts=("a film",) * films.n_items), encoder, RecommenderConfig())


def read(lookups: Lookups, **fields: Any) -> QueryContext:
    return read_request(RecommendRequest(**fields), lookups)


def warnings(context: QueryContext) -> list[tuple[str, str]]:
    return [(w.pointer, w.detail) for w in context.warnings]


def test_every_field_of_the_contract_has_a_reader() -> None:
    another_name_for_text = {"user_input"}
    assert set(FIELD_READERS) == (
        set(RecommendRequest.model_fields) - READ_BY_THE_RECOMMENDER - another_name_for_text
    )


def test_an_empty_request_says_nothing(lookups: Lookups) -> None:
    context = read(lookups)
    assert (context.user, context.history, context.likes, context.text) == (None, {}, {}, None)
    assert not context.excluded.any()
    assert context.warnings == []


def test_a_known_user_brings_likes_and_times(lookups: Lookups, films: GraphSnapshot) -> None:
    context = read(lookups, user_id="u4")
    assert context.user == films.users.index("u4")
    assert list(context.history) == [0, 1, 3, 4, 2], "m1 m2 m4 m5 m3, by time"
    assert context.times.tolist() == [10, 30, 50]


def test_an_unknown_user_is_a_warning(lookups: Lookups) -> None:
    context = read(lookups, user_id="nobody")
    assert context.user is None
    assert warnings(context) == [("/user_id", "no User has the id 'nobody' yet")]


def test_the_history_of_the_request_is_newer_than_the_graphs(lookups: Lookups) -> None:
    context = read(lookups, user_id="u4", history=["m6", "m1"])
    assert list(context.history) == [1, 3, 4, 2, 5, 0], "m1 again: it counts as new; m6 is 5"


def test_the_history_is_worded_as_the_configured_interaction(films: GraphSnapshot, encoder: Any) -> None:
    lookups = Lookups(films, encoder, RecommenderConfig(history_interaction=7))
    assert read(lookups, history=["m1"]).history == {0: 7}


def test_unknown_ids_are_warnings_that_point_at_them(lookups: Lookups) -> None:
    assert warnings(read(lookups, history=["m1", "zz"], likes=["g1", "Genre:zz", "yy"])) == [
        ("/history/1", "no Movie has the id 'zz'; it was left out"),
        ("/likes/1", "nothing in the graph has the id 'Genre:zz'; it was left out"),
        ("/likes/2", "nothing in the graph has the id 'yy'; it was left out"),
    ]


@pytest.mark.parametrize(
    ("name", "label", "external_id"),
    [("Genre:5", "Genre", "5"), ("Person:5", "Person", "5"), ("p1", "Person", "p1")],
)
def test_likes_by_label_and_id_or_by_id(
    lookups: Lookups, films: GraphSnapshot, name: str, label: str, external_id: str
) -> None:
    assert list(read(lookups, likes=[name]).likes) == [films.node(label, external_id)]


def test_an_ambiguous_like_is_left_out_and_says_what_to_write(lookups: Lookups) -> None:
    context = read(lookups, likes=["5"])
    assert warnings(context) == [
        ("/likes/0", "the id '5' could be Person:5, Genre:5; it was left out, write one of them")
    ]
    assert context.likes == {}


def test_of_one_id_the_entity_is_meant_rather_than_the_item(films: GraphSnapshot, encoder: Any) -> None:
    items, *others = films.vocabularies
    renamed = replace(films, vocabularies=(Vocabulary("Movie", (*items.ids[:-1], "g3")), *others))
    context = read(Lookups(renamed, encoder, RecommenderConfig()), likes=["g3"])
    assert list(context.likes) == [films.node("Genre", "g3")]
    assert context.history == {}


def test_a_user_cannot_be_liked(lookups: Lookups) -> None:
    assert "nothing in the graph" in read(lookups, likes=["User:u1"]).warnings[0].detail


def test_a_rejected_item_that_likes_name_is_said_to_be_rejected(lookups: Lookups) -> None:
    context = read(lookups, likes=["m1"], history=["m2"], text="no Alien, no Blade Runner")
    said = [detail for _, detail in warnings(context) if "which `likes` names" in detail]
    assert len(said) == 1


def test_one_item_is_left_out(lookups: Lookups) -> None:
    assert "1 item with it is left out" in read(lookups, text="no Alien").warnings[0].detail


def test_a_liked_item_is_history_that_the_request_names(lookups: Lookups) -> None:
    context = read(lookups, likes=["m1"])
    assert context.history == {0: None}
    assert context.likes == {}


@pytest.mark.parametrize("field", ["text", "user_input"])
def test_text_brings_its_vector_and_the_entities_it_names(
    lookups: Lookups, films: GraphSnapshot, field: str
) -> None:
    context = read(lookups, **{field: " science fiction by Ridley Scott "})
    assert set(context.likes) == {films.node("Person", "p1"), films.node("Genre", "g1")}
    assert context.text is not None
    assert context.text.tolist() == [1, 0, 0, 0]


def test_blank_text_is_no_text(lookups: Lookups) -> None:
    assert read(lookups, text="  ").text is None


def test_what_is_seen_or_named_is_excluded(lookups: Lookups) -> None:
    fields: dict[str, Any] = {"user_id": "u1", "history": ["m2"], "likes": ["Movie:m7"]}
    seen = read(lookups, **fields).excluded
    assert [n for n, x in enumerate(seen, start=1) if x] == [1, 2, 4, 6, 7], "u1: m1, m4 and, low, m6"
    assert not read(lookups, **fields, exclude_seen=False).excluded.any()


def test_what_a_text_rejects_is_left_out_and_said(lookups: Lookups, films: GraphSnapshot) -> None:
    context = read(lookups, text="horror but nothing by James Cameron")
    assert [n for n, x in enumerate(context.excluded, start=1) if x] == [4, 5], "m4 and m5"
    assert set(context.likes) == {films.node("Genre", "5")}
    assert warnings(context) == [
        ("/text", "understood as not wanted: 'James Cameron'; 2 items with it are left out")
    ]


def test_a_text_that_only_rejects_makes_no_user_warm(lookups: Lookups) -> None:
    context = read(lookups, user_input="never again Ridley Scott")
    assert context.is_empty()
    assert context.text is None
    assert warnings(context) == [
        ("/user_input", "understood as not wanted: 'Ridley Scott'; 3 items with it are left out"),
        ("/user_input", "it only says what is not wanted, and nothing else is known of the user"),
    ]
    known = read(lookups, user_id="u1", text="never again Ridley Scott")
    assert [pointer for pointer, _ in warnings(known)] == ["/text"]


def test_a_text_that_rejects_what_is_liked_counts(lookups: Lookups) -> None:
    context = read(
        lookups, likes=["p1", "Movie:m8"], history=["m1"], text="no Ridley Scott, nothing like Solaris"
    )
    assert context.likes == {}
    assert context.history == {0: 0}, "m1; m8 is rejected"
    assert warnings(context)[1] == ("/text", "rejects Ridley Scott, which `likes` names; the text counts")
    assert context.excluded[7]


def test_a_meaning_that_is_rejected_ranks_lower(lookups: Lookups, films: GraphSnapshot) -> None:
    context = read(lookups, text="funny, without scary scenes")
    assert context.rejected_vectors is not None
    assert context.rejected_vectors.tolist() == [[0, 0, 1, 0]]
    assert context.rejected_meanings == [films.node("Genre", "5")]
    assert not context.excluded.any()
    assert warnings(context) == [
        ("/text", "understood as not wanted: 'scary'; items near it in meaning are ranked lower")
    ]


def test_a_text_that_cannot_be_read_is_said_and_changes_nothing(lookups: Lookups) -> None:
    for text in ("\U0001f600", "ужасы", "?!", "7"):
        context = read(lookups, text=text)
        assert context.is_empty()
        assert [pointer for pointer, _ in warnings(context)] == ["/text"]


GROUPED = ("one", "", "", "one", "", "two", "two", "")
"""m1 and m4 are one group, m6 and m7 another."""


def test_an_item_that_is_seen_or_rejected_stands_for_its_group(films: GraphSnapshot, encoder: Any) -> None:
    lookups = Lookups(replace(films, same_as=GROUPED), encoder, RecommenderConfig())

    def excluded(**fields: Any) -> list[int]:
        return [n for n, x in enumerate(read(lookups, **fields).excluded, start=1) if x]

    assert excluded(history=["m4"]) == [1, 4]
    assert excluded(likes=["Movie:m2"]) == [2]
    assert excluded(user_id="u2") == [1, 4, 6, 7], "u2 rated m1 and m6"
    assert excluded(history=["m4"], exclude_seen=False) == []
    assert excluded(text="nothing like The Godfather", exclude_seen=False) == [6, 7]


class ToyRequest(RecommendRequest):
    exclude: list[Id] = Field(
        default_factory=list, max_length=MAX_IDS, description="Ids of items to leave out."
    )


def _read_exclude(request: Any, context: QueryContext, lookups: Lookups) -> None:
    for n, item_id in enumerate(request.exclude):
        item = lookups.snapshot.items.find(item_id)
        if item is None:
            context.warn(f"/exclude/{n}", f"no item has the id {item_id!r}")
        else:
            context.excluded[item] = True


def test_a_new_field_is_a_line_in_the_contract_and_a_reader(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FIELD_READERS, "exclude", _read_exclude)
    answer = recommender.recommend(ToyRequest(exclude=["m1", "zz"], k=2), request_id="r1")
    assert [item.item_id for item in answer.items] == ["m2", "m3"]
    assert [w.pointer for w in answer.warnings] == ["/exclude/1"]
    assert (
        "| `exclude` | up to 1,000 strings, up to 2,000 characters each |  | Ids of items to leave out. |\n"
        in field_table(ToyRequest)
    )


def test_a_disliked_entity_takes_its_items_out(lookups: Lookups, films: GraphSnapshot) -> None:
    context = read(lookups, user_id="u1", likes=["Genre:g1"], dislikes=["Genre:g1", "m4"], exclude_seen=False)
    genre = films.node("Genre", "g1")
    joined = {int(x) for x in films.triples.head[films.triples.tail == genre]} | {3}
    assert set(np.flatnonzero(context.excluded)) == joined
    assert list(context.disliked) == [genre, 3]
    assert not context.likes
    assert warnings(context) == [
        ("/dislikes/0", f"dislikes {films.display_names[genre]}, which `likes` names; `dislikes` counts")
    ]


def test_unknown_dislikes_and_items_of_a_session_are_warnings(lookups: Lookups) -> None:
    assert warnings(read(lookups, dislikes=["zz"], session=["m1", "zz"])) == [
        ("/session/1", "no Movie has the id 'zz'; it was left out"),
        ("/dislikes/0", "nothing in the graph has the id 'zz'; it was left out"),
    ]


def test_a_session_is_the_end_of_the_history(lookups: Lookups) -> None:
    context = read(lookups, user_id="u4", session=["m1", "m6", "m1"], dislikes=["m5"])
    assert list(context.history) == [1, 3, 2, 5, 0]
    assert list(context.session) == [5, 0]
