"""From a request to an answer, with scores that are given: m1 has the highest, m8 the lowest."""

from typing import Any

import numpy as np
import pytest

from embeddings.data.ties import tie_order
from embeddings.model.model import Query, Scores
from kg.graph import GraphSnapshot
from service.contract import Recommendation, RecommendRequest
from service.recommender import Recommender, best


def ask(recommender: Recommender, **fields: Any) -> Recommendation:
    return recommender.recommend(RecommendRequest(**fields), request_id="r1")


def ids(answer: Recommendation) -> list[str]:
    return [item.item_id for item in answer.items]


def test_a_known_user_gets_what_they_have_no_event_with(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u1", k=3)
    assert ids(answer) == ["m2", "m3", "m5"], "u1 rated m1, m4 and, low, m6"
    assert [item.rank for item in answer.items] == [1, 2, 3]
    assert [item.score for item in answer.items] == [7, 6, 4]
    assert answer.items[0].title == "Blade Runner"
    assert answer.meta.model_dump() == {"request_id": "r1", "model_version": "v1"}


def test_parts_are_there_when_asked_for(recommender: Recommender) -> None:
    assert [item.parts for item in ask(recommender, user_id="u1", k=2).items] == [None, None]
    answer = ask(recommender, user_id="u1", k=2, parts=True)
    assert [item.parts for item in answer.items] == [{"fixed": 7.0}, {"fixed": 6.0}]


def test_the_largest_parts_come_first_and_nothings_are_left_out(films: GraphSnapshot, encoder: Any) -> None:
    class Parted:
        manifest: Any = type("Manifest", (), {"model_version": "v1"})
        item_vectors = np.eye(8, dtype=np.float32)

        def score(self, query: Query) -> Scores:
            one = np.ones(8, np.float32)
            parts = {"a": 0.5 * one, "b": -1.5 * one, "nothing": 0 * one, "c": 2 * one}
            return Scores(one, lambda items: {name: x[items] for name, x in parts.items()})

    item = ask(Recommender(films, Parted(), encoder), k=1, parts=True).items[0]
    assert item.parts == {"c": 2.0, "b": -1.5, "a": 0.5}
    assert list(item.parts) == ["c", "b", "a"]
    assert sum(item.parts.values()) == item.score


def test_history_is_what_they_liked_oldest_first_then_the_requests(
    recommender: Recommender, model: Any
) -> None:
    ask(recommender, user_id="u4", history=["m6", "m1"])
    assert model.asked[0].history.tolist() == [1, 3, 4, 2, 5, 0], "m1 again: it counts as new; m6 is 5"


def test_what_is_seen_comes_back_when_asked_for(recommender: Recommender) -> None:
    assert ids(ask(recommender, user_id="u1", exclude_seen=False, k=2)) == ["m1", "m2"]


def test_all_that_the_request_names_is_left_out(recommender: Recommender) -> None:
    assert ids(ask(recommender, history=["m1"], likes=["Movie:m2"], k=1)) == ["m3"]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "cold"),
        ({"user_id": "nobody"}, "cold"),
        ({"history": ["nothing"]}, "cold"),
        ({"user_id": "u5"}, "cold"),  # one low rating
        ({"user_id": "u1"}, "warm"),
        ({"likes": ["g1"]}, "warm"),
        ({"text": "anything"}, "warm"),
        ({"user_id": "u4"}, "hot"),  # five liked films
        ({"history": ["m1", "m2", "m3", "m4", "m5"]}, "hot"),
    ],
)
def test_user_states(recommender: Recommender, fields: dict[str, Any], state: str) -> None:
    answer = ask(recommender, **fields)
    assert answer.user_state == state
    assert answer.items, "an answer is never empty while there is something to recommend"


def test_an_unknown_user_is_no_error_and_is_told(recommender: Recommender, model: Any) -> None:
    answer = ask(recommender, user_id="nobody", k=8)
    assert len(answer.items) == 8
    assert [w.model_dump() for w in answer.warnings] == [
        {"pointer": "/user_id", "detail": "no User has the id 'nobody' yet"}
    ]
    assert len(model.asked[0].history) == 0
    assert all(item.paths == [] for item in answer.items)


def test_unknown_ids_are_warnings_that_name_them(recommender: Recommender) -> None:
    answer = ask(recommender, history=["m1", "zz"], likes=["g1", "Genre:zz", "yy"])
    assert [(w.pointer, w.detail) for w in answer.warnings if w.pointer != "/k"] == [
        ("/history/1", "no Movie has the id 'zz'; it was left out"),
        ("/likes/1", "nothing in the graph has the id 'Genre:zz'; it was left out"),
        ("/likes/2", "nothing in the graph has the id 'yy'; it was left out"),
    ]


@pytest.mark.parametrize(
    ("given", "label", "external_id"),
    [("Genre:5", "Genre", "5"), ("Person:5", "Person", "5"), ("p1", "Person", "p1")],
)
def test_likes_by_label_and_id_or_by_id(
    recommender: Recommender, model: Any, films: GraphSnapshot, given: str, label: str, external_id: str
) -> None:
    assert ask(recommender, likes=[given]).user_state == "warm"
    assert model.asked[0].likes.tolist() == [films.node(label, external_id)]


def test_an_ambiguous_like_is_left_out_and_says_what_to_write(recommender: Recommender, model: Any) -> None:
    answer = ask(recommender, likes=["5"], k=1)
    assert answer.warnings[0].detail == (
        "the id '5' could be Person:5, Genre:5; it was left out, write one of them"
    )
    assert len(model.asked[0].likes) == 0


def test_a_user_cannot_be_liked(recommender: Recommender) -> None:
    assert "nothing in the graph" in ask(recommender, likes=["User:u1"]).warnings[0].detail


def test_a_liked_item_is_history_that_was_said(recommender: Recommender, model: Any) -> None:
    answer = ask(recommender, likes=["m1"], k=1)
    assert model.asked[0].history.tolist() == [0]
    assert answer.items[0].paths[0].text.startswith("because you like *Alien*, directed by")


def test_text_brings_its_vector_and_the_entities_it_names(
    recommender: Recommender, model: Any, films: GraphSnapshot
) -> None:
    answer = ask(recommender, user_input="science fiction by Ridley Scott", k=2)
    query = model.asked[0]
    assert set(query.likes.tolist()) == {films.node("Person", "p1"), films.node("Genre", "g1")}
    assert query.text is not None
    assert query.text.tolist() == [1, 0, 0, 0]
    assert answer.items[1].paths[0].text == "because you like *Ridley Scott*, who directed *Blade Runner*"


def test_a_path_has_labels_ids_names_and_directions(recommender: Recommender) -> None:
    path = ask(recommender, history=["m1"], k=1).items[0].paths[0]
    assert path.model_dump()["nodes"] == [
        {"label": "Movie", "id": "m1", "name": "Alien"},
        {"label": "Person", "id": "p1", "name": "Ridley Scott"},
        {"label": "Movie", "id": "m2", "name": "Blade Runner"},
    ]
    assert path.model_dump()["edges"] == [
        {"relation": "DIRECTED_BY", "direction": "out"},
        {"relation": "DIRECTED_BY", "direction": "in"},
    ]


def test_another_users_name_is_nowhere_in_an_answer(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u5", history=["m1", "m3"], k=8)
    people = [p for item in answer.items for p in item.paths if p.nodes[1].label == "User"]
    assert people
    assert {p.nodes[1].name for p in people} == {"another user"}
    assert "Secret" not in answer.model_dump_json()


def test_without_explain_there_are_no_paths(recommender: Recommender) -> None:
    assert all(not item.paths for item in ask(recommender, user_id="u1", explain=False).items)


def test_fewer_items_than_asked_for_is_said(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u4", k=5)
    assert ids(answer) == ["m6", "m7", "m8"]
    assert answer.warnings[-1].detail == "only 3 items are left to recommend"


def test_liked_titles_for_people(recommender: Recommender) -> None:
    assert recommender.liked("u1") == ["Alien", "Aliens"]
    assert recommender.liked("nobody") == []


def test_ties_stand_as_when_models_are_measured() -> None:
    scores = np.array([1, 2, 2, 2, 0], np.float32)
    tied = [int(n) for n in tie_order(5) if n in (1, 2, 3)]
    assert best(scores, np.ones(5, bool), 2) == tied[:2]
    assert best(scores, scores != 0, 4) == [*tied, 0]
    assert best(scores, np.zeros(5, bool), 3) == []


def test_best_is_a_full_sort_cut_off() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        scores = rng.integers(0, 9, 40).astype(np.float32)
        allowed = rng.random(40) < 0.7
        place = np.argsort(tie_order(40))
        slow = sorted(np.flatnonzero(allowed).tolist(), key=lambda n: (-scores[n], place[n]))
        assert best(scores, allowed, 7) == slow[:7]
