"""`GET /search`: names and texts in one ranking, personal if a user is given."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient

from kg.graph import GraphSnapshot
from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.found.contract import SearchAnswer, SearchRequest
from service.recommender import Recommender, SinceSnapshot


def search(recommender: Recommender, q: str, **fields: Any) -> SearchAnswer:
    return recommender.finder.search(SearchRequest(q=q, **fields), request_id="r")


def hits(answer: SearchAnswer) -> list[str]:
    return [f"{hit.label}:{hit.id}" for hit in answer.hits]


def test_a_search(real: FlaskClient) -> None:
    """A misspelt name of an entity, as the name index scores it; it alone is found, so it is in the middle
    of all preferences: (.9 x .9 x (1 - 1 / 6) x factor + .1 x .5) / 1.1."""
    body = real.get("/search?q=Ridlye Scott", headers={"X-Request-ID": "r9"}).get_json()
    (hit,) = body["hits"]
    assert {k: hit[k] for k in ("rank", "label", "id", "name", "display_name")} == {
        "rank": 1, "label": "Person", "id": "p1", "name": "Ridley Scott", "display_name": "Ridley Scott"
    }  # fmt: skip
    (match,) = hit["matches"]
    assert (match["by"], match["words"]) == ("name", {"ridlye": "ridley", "scott": "scott"})
    assert hit["score"] == pytest.approx((match["score"] + 0.05) / 1.1, abs=1e-4)
    assert body["warnings"] == []
    assert body["meta"] == {"request_id": "r9", "model_version": "v1"}


def test_texts_join_names(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    """Cosines .45 and .2 give (.45 - .2) / .5 x .7 = .35 and 0. Alien: 1 - 0 x .65 = 1 by its name; Aliens
    begins with it: .9 (.8 + .2 x 5 / 6) = .87, and 1 - .13 x .65 = .9155 with its text; Solaris .35 alone."""
    model.near_text = np.array([0.45, 0.2, 0.2, 0.45, 0.1, -1, 0.2, 0.45], np.float32)
    answer = search(Recommender(films, model, encoder), "alien")
    assert hits(answer) == ["Movie:m1", "Movie:m4", "Movie:m8"]
    found = [{match.by: match.score for match in hit.matches} for hit in answer.hits]
    assert found == [
        pytest.approx({"name": 1.0, "text": 0.35}),
        pytest.approx({"name": 0.87, "text": 0.35}),
        pytest.approx({"text": 0.35}),
    ]
    # liked by 4, 2 and 0 users: preferences 1, .5 and 0
    expected = [(1 + 0.1) / 1.1, (1 - 0.13 * 0.65 + 0.05) / 1.1, 0.35 / 1.1]
    assert [hit.score for hit in answer.hits] == pytest.approx(expected, abs=1e-4)


def test_near_ties_are_ordered_by_the_model(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    """All texts fit equally. Without a user the likes decide: m1 has 4, m6 2 and m4 2; for a user the scores
    of the model, from m8 down."""
    model.near_text = np.full(8, 0.5, np.float32)
    model.scores = np.arange(8, dtype=np.float32)
    recommender = Recommender(films, model, encoder)
    assert hits(search(recommender, "something cosy", k=3)) == ["Movie:m1", "Movie:m4", "Movie:m6"]
    assert hits(search(recommender, "something cosy", k=3, user_id="u1")) == [
        "Movie:m8", "Movie:m7", "Movie:m6"
    ]  # fmt: skip


def test_an_unknown_user_is_a_warning(recommender: Recommender, model: Any) -> None:
    answer = search(recommender, "alien", user_id="nobody")
    assert hits(answer)[0] == "Movie:m1"
    assert [w.pointer for w in answer.warnings] == ["/user_id"]
    assert model.asked == [], "nothing is known of them, so the model is not asked"


def test_entities_are_worth_what_their_items_are(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    """Two genres of one name: the films of g2 have 1 + 2 + 0 likes, the one of 5 has 4."""
    names = list(films.names)
    for genre in ("g2", "5"):
        names[films.node("Genre", genre)] = "Night"
    recommender = Recommender(replace(films, names=tuple(names)), model, encoder)
    answer = search(recommender, "night")
    assert hits(answer) == ["Genre:5", "Genre:g2"]
    assert [hit.display_name for hit in answer.hits] == ["Night [5]", "Night [g2]"]
    assert [hit.score for hit in answer.hits] == pytest.approx([1, 1 / 1.1], abs=1e-4)


def test_labels(recommender: Recommender, real: FlaskClient) -> None:
    assert hits(search(recommender, "horror")) == ["Genre:5"]
    assert hits(search(recommender, "horror", label=["Movie", "Person"])) == []
    assert hits(search(recommender, "e", label=["Language"])) == ["Language:en"]
    for label, near in (("Persn", "did you mean 'Person'?"), ("User", "there is ")):
        response = real.get("/search", query_string={"q": "e", "label": ["Genre", label]})
        assert response.status_code == 422
        (error,) = response.get_json()["errors"]
        assert error["pointer"] == "/label/1"
        assert near in error["detail"]


def test_users_are_never_found(recommender: Recommender) -> None:
    assert hits(search(recommender, "Ann Secret")) == []


def test_a_list_has_one_item_of_a_group_and_no_deleted_one(
    films: GraphSnapshot, model: Any, encoder: Any
) -> None:
    grouped = replace(films, same_as=("x", "", "", "x", "", "", "", ""))
    assert hits(search(Recommender(grouped, model, encoder), "alien")) == ["Movie:m1"]
    gone = SinceSnapshot(1, np.arange(8) == 0)
    assert hits(search(Recommender(films, model, encoder, since=gone), "alien")) == ["Movie:m4"]


def test_only_allowed_items(recommender: Recommender, model: Any) -> None:
    """With a filter of items there are no entities."""
    model.near_text = np.full(8, 0.5, np.float32)
    allowed = np.isin(np.arange(8), [3, 5])
    found = recommender.finder.search(SearchRequest(q="alien scott"), request_id="r", allowed_items=allowed)
    assert sorted(hits(found)) == ["Movie:m4", "Movie:m6"]
    request = SearchRequest(q="alien scott", label=["Person", "Movie"])
    found = recommender.finder.search(request, request_id="r", allowed_items=allowed)
    assert sorted(hits(found)) == ["Movie:m4", "Movie:m6"]


def test_a_language_that_is_not_read(recommender: Recommender, model: Any) -> None:
    model.near_text = np.full(8, 0.5, np.float32)
    answer = search(recommender, "Blade Runner bitte nicht")
    assert hits(answer) == ["Movie:m2"]
    assert [(w.pointer, w.detail) for w in answer.warnings] == [
        ("/q", "the text encoder does not know German; only names are searched")
    ]
    assert hits(search(recommender, "солярис")) == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("", "/q"),
        ("q=", "/q"),
        ("q=a&k=0", "/k"),
        ("q=a&k=many", "/k"),
        ("q=a&usr_id=1", "/usr_id"),
        ("q=a&user_id=", "/user_id"),
        ("q=" + "x" * 2_001, "/q"),
    ],
)
def test_a_wrong_parameter(real: FlaskClient, query: str, pointer: str) -> None:
    response = real.get(f"/search?{query}")
    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert [x["pointer"] for x in response.get_json()["errors"]] == [pointer]


def test_an_item_without_texts_or_likes(
    films: GraphSnapshot, model: Any, encoder: Any, tmp_path: Path
) -> None:
    """A graph without events: nothing is preferred, and names decide."""
    nothing = films.interactions.select(np.zeros(len(films.interactions), bool))
    recommender = Recommender(replace(films, interactions=nothing), model, encoder)
    client = create_app(Settings(), FakeServing(recommender, Outbox(tmp_path))).test_client()
    body = client.get("/search?q=alien&k=1").get_json()
    assert [x["id"] for x in body["hits"]] == ["m1"]


def test_a_filter_keeps_items_alone(real: FlaskClient) -> None:
    """m1, m2 and m3 are by Ridley Scott; m3 is a Drama."""
    drama = json.dumps({"relation": "HAS_GENRE", "any": ["Drama"]})
    every = real.get("/search", query_string={"q": "ridley scott"}).get_json()["hits"]
    assert "Person" in {x["label"] for x in every}
    kept = real.get("/search", query_string={"q": "thelma", "filter": drama}).get_json()["hits"]
    assert {x["label"] for x in kept} <= {"Movie"}
    assert {x["id"] for x in kept} <= {"m3", "m6", "m7"}
    wrong = real.get("/search", query_string={"q": "x", "filter": json.dumps({"relation": "HAS_GENR"})})
    assert wrong.status_code == 422
    assert wrong.get_json()["errors"][0]["pointer"] == "/filter/relation"
    assert real.get("/search", query_string={"q": "x", "filter": "no json"}).status_code == 422
