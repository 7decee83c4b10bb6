"""From a request to an answer, with scores that are given: m1 has the highest, m8 the lowest."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embeddings.data.ties import tie_order, top_k
from embeddings.model.model import Query, Scores
from kg.graph import GraphSnapshot
from service.contract import Recommendation, RecommendRequest
from service.recommender import Recommender


def ask(recommender: Recommender, **fields: Any) -> Recommendation:
    return recommender.recommend(RecommendRequest(**fields), request_id="r1")


def ids(answer: Recommendation) -> list[str]:
    return [item.item_id for item in answer.items]


def test_a_known_user_gets_what_they_have_no_event_with(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u1", k=3)
    assert ids(answer) == ["m2", "m3", "m5"], "u1 rated m1, m4 and, low, m6"
    assert [item.rank for item in answer.items] == [1, 2, 3]
    assert [item.ranking_score for item in answer.items] == [7, 6, 4]
    assert [item.score for item in answer.items] == [2**-1, 2**-2, 2**-4], "as the model says"
    assert answer.items[0].title == "Blade Runner"
    assert answer.meta.model_dump() == {"request_id": "r1", "model_version": "v1", "calibrated": True}


@pytest.mark.parametrize(
    ("fields", "calibrated"),
    [
        ({"user_id": "u1", "history": ["m2"]}, True),
        ({"text": "robots"}, False),
        ({"likes": ["Person:p1"]}, False),
        ({"user_id": "u1", "text": "without dragons"}, False),
    ],
)
def test_scores_by_more_than_the_history_are_not_calibrated(
    recommender: Recommender, model: Any, fields: dict[str, Any], calibrated: bool
) -> None:
    model.near_text = np.array([0, 1, 0, 0, 0, 0, 0, 0], np.float32)
    assert ask(recommender, **fields).meta.calibrated is calibrated


def test_score_contributions_are_there_when_asked_for(recommender: Recommender) -> None:
    assert [item.score_contributions for item in ask(recommender, user_id="u1", k=2).items] == [None, None]
    answer = ask(recommender, user_id="u1", k=2, score_contributions=True)
    assert [item.score_contributions for item in answer.items] == [{"fixed": 7.0}, {"fixed": 6.0}]


def test_the_largest_contributions_come_first_and_zeros_are_left_out(
    films: GraphSnapshot, encoder: Any
) -> None:
    class Additive:
        manifest: Any = type("Manifest", (), {"model_version": "v1", "ranked_by": ""})
        item_vectors = np.eye(8, dtype=np.float32)

        def score(self, query: Query) -> Scores:
            one = np.ones(8, np.float32)
            parts = {"a": 0.5 * one, "b": -1.5 * one, "nothing": 0 * one, "c": 2 * one}
            contributions = lambda items: {name: x[items] for name, x in parts.items()}  # noqa: E731
            return Scores(one, contributions, lambda scores: scores / 4, calibrated=True)

    item = ask(Recommender(films, Additive(), encoder), k=1, score_contributions=True).items[0]
    assert item.score_contributions == {"c": 2.0, "b": -1.5, "a": 0.5}
    assert list(item.score_contributions) == ["c", "b", "a"]
    assert sum(item.score_contributions.values()) == item.ranking_score == 1
    assert item.score == 1 / 4


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


def test_a_liked_item_is_history_that_was_said(recommender: Recommender, model: Any) -> None:
    answer = ask(recommender, likes=["m1"], k=1)
    assert model.asked[0].history.tolist() == [0]
    assert answer.items[0].paths[0].text.startswith("because you like *Alien*, directed by")


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
    assert answer.warnings[-1].detail == (
        "only 3 items are left to recommend; of 8, 5 seen or named by the request"
    )


def test_liked_titles_for_people(recommender: Recommender) -> None:
    assert recommender.liked("u1") == ["Alien", "Aliens"]
    assert recommender.liked("nobody") == []


def test_ties_stand_as_when_models_are_measured() -> None:
    scores = np.array([1, 2, 2, 2, 0], np.float32)
    tied = [int(n) for n in tie_order(5) if n in (1, 2, 3)]
    assert top_k(scores, np.ones(5, bool), 2) == tied[:2]
    assert top_k(scores, scores != 0, 4) == [*tied, 0]
    assert top_k(scores, np.zeros(5, bool), 3) == []


def test_top_k_is_a_full_sort_cut_off() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        scores = rng.integers(0, 9, 40).astype(np.float32)
        allowed = rng.random(40) < 0.7
        place = np.argsort(tie_order(40))
        slow = sorted(np.flatnonzero(allowed).tolist(), key=lambda n: (-scores[n], place[n]))
        assert top_k(scores, allowed, 7) == slow[:7]


def test_items_near_to_what_is_rejected_rank_lower(recommender: Recommender, model: Any) -> None:
    model.near_text = np.array([0, 1, 0, 0, 0, 0, 0, 0], np.float32)  # Blade Runner alone
    plain = ask(recommender, text="robots", k=3)
    assert ids(plain) == ["m1", "m2", "m3"]
    answer = ask(recommender, text="robots without dragons", k=8, score_contributions=True)
    assert ids(answer) == ["m1", "m3", "m4", "m5", "m6", "m7", "m8", "m2"]
    parts = answer.items[-1].score_contributions
    assert parts is not None
    deviation = float(np.arange(1, 9).std())
    assert parts["rejected"] == pytest.approx(-3 * deviation * (7**0.5 - 1), abs=1e-4), (
        "sqrt(7) above the mean"
    )
    assert sum(parts.values()) == pytest.approx(answer.items[-1].ranking_score, abs=1e-5)
    assert "rejected" not in (answer.items[0].score_contributions or {})


def test_what_is_rejected_by_name_is_in_no_list(recommender: Recommender) -> None:
    answer = ask(recommender, text="nothing by Ridley Scott", k=8)
    assert ids(answer) == ["m4", "m5", "m6", "m7", "m8"]
    assert answer.user_state == "cold"
    assert answer.warnings[-1].detail == "only 5 items are left to recommend; of 8, 3 rejected by the text"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("\U0001f600", "cold"),
        ("ужасы", "cold"),
        ("ужасы Ridley Scott", "warm"),
        ("no horror", "cold"),
        ("?", "cold"),
    ],
)
def test_a_text_that_says_nothing_wanted_makes_no_user_warm(
    recommender: Recommender, text: str, state: str
) -> None:
    answer = ask(recommender, text=text, k=2)
    assert answer.user_state == state
    assert answer.warnings[0].pointer == "/text"
    assert ask(recommender, text=text, user_id="u4", k=2).user_state == "hot"


def test_a_list_has_one_item_of_a_group(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    groups = ("one", "one", "", "one", "two", "", "two", "")  # m1 m2 m4, m5 m7
    grouped = Recommender(replace(films, same_as=groups), model, encoder)
    assert ids(ask(grouped, k=3)) == ["m1", "m3", "m5"]
    assert ids(ask(grouped, history=["m2"], k=3)) == ["m3", "m5", "m6"]
    full = ask(grouped, k=8)
    assert ids(full) == ["m1", "m3", "m5", "m6", "m8"]
    assert full.warnings[-1].detail == (
        "only 5 items are left to recommend; of 8, 3 of a group that has a better one"
    )


def test_two_items_of_one_title_are_told_apart(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    names = ("Alien", "Solaris", *films.names[2:])  # m2 is called as m8 is
    twins = Recommender(replace(films, names=names, years={1: "2002", 7: "1972"}), model, encoder)
    answer = ask(twins, history=["m1"], k=8)
    told = {item.item_id: (item.title, item.display_title) for item in answer.items}
    assert told["m2"] == ("Solaris", "Solaris (2002)")
    assert told["m8"] == ("Solaris", "Solaris (1972)")
    assert told["m3"] == ("Gladiator", "Gladiator")
    texts = [path.text for item in answer.items if item.item_id == "m2" for path in item.paths]
    assert texts[0].endswith("*Solaris (2002)*")
    assert answer.items[0].paths[0].nodes[-1].name == "Solaris", "as stored"
    assert twins.liked("u4")[1] == "Solaris (2002)"


def test_the_first_item_is_told_as_a_sentence(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u2", k=3)
    first = answer.items[0]
    assert first.paths
    told = first.paths[0].text.replace("*", "")
    assert answer.recommendation == f"I recommend {first.display_title}, {told}."
    assert "because" in answer.recommendation
    alone = ask(recommender, user_id="u2", k=3, explain=False)
    assert alone.recommendation == f"I recommend {first.display_title}."
    nothing = ask(recommender, history=[f"m{n}" for n in range(1, 9)])
    assert (nothing.items, nothing.recommendation) == ([], "There is nothing to recommend.")
