"""`POST /recommend/validate`: what a request would be understood as."""

from pathlib import Path
from typing import Any

import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient

from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.recommender import Recommender


@pytest.fixture
def real(recommender: Recommender, tmp_path: Path) -> FlaskClient:
    return create_app(Settings(home=tmp_path), FakeServing(recommender, Outbox(tmp_path))).test_client()


def named(nodes: list[dict[str, str]]) -> list[str]:
    return [f"{x['label']}:{x['id']}" for x in nodes]


def test_what_is_understood(real: FlaskClient, model: Any) -> None:
    """u1 liked m1 and m4 and has rated m6; the request adds m2, which leaves 8 - 4 = 4 items."""
    fields = {"user_id": "u1", "history": ["m2", "zz"], "likes": ["Genre:g2", "nothing"], "k": 5}
    body = real.post("/recommend/validate", json=fields).get_json()
    assert body["valid"] is True
    found = body["understood"]
    assert (named(found["history"]), named(found["likes"])) == (["Movie:m2"], ["Genre:g2"])
    assert (found["user_known"], found["liked_items"], found["items_left"]) == (True, 3, 4)
    assert found["rejected"] == found["dislikes"] == []
    assert not found["text_counts"]
    assert [x["pointer"] for x in body["warnings"]] == ["/history/1", "/likes/1", "/k"]
    assert (
        body["warnings"][2]["detail"]
        == "only 4 items are left to recommend; of 8, 4 seen or named by the request"
    )
    assert body["user_state"] == "warm"
    assert model.asked == [], "nothing is scored"


def test_warnings_are_those_of_the_answer(real: FlaskClient) -> None:
    fields = {"user_id": "nobody", "history": ["zz"], "likes": ["5"], "text": "no horror", "k": 200}
    said = real.post("/recommend/validate", json=fields).get_json()["warnings"]
    answered = real.post("/recommend", json=fields).get_json()["warnings"]
    assert len(said) == 6
    assert said == answered


def test_a_rejection(real: FlaskClient) -> None:
    """Horror is Genre:5, and Alien alone has it: 7 items are left."""
    found = real.post("/recommend/validate", json={"text": "no horror, but funny"}).get_json()["understood"]
    assert named(found["rejected"]) == ["Genre:5"]
    assert (found["text_counts"], found["items_left"], found["user_known"]) == (True, 7, None)


def test_what_is_disliked(real: FlaskClient) -> None:
    """m6 and the films of Ridley Scott, m1, m2 and m3, are left out: 4 are left."""
    fields = {"dislikes": ["Movie:m6", "Person:p1"]}
    found = real.post("/recommend/validate", json=fields).get_json()["understood"]
    assert (named(found["dislikes"]), found["rejected"]) == (["Movie:m6", "Person:p1"], [])
    assert found["items_left"] == 4


def test_a_form_and_a_wrong_field(real: FlaskClient) -> None:
    assert real.post("/recommend/validate", data={"user_id": "u1"}).get_json()["valid"] is True
    wrong: list[dict[str, Any]] = [
        {"k": 0},
        {"usr_id": "u1"},
        {"max_per": {"DIRECTED": 1}},
        {"filter": {"relation": "DIRECTED"}},
    ]
    for body in wrong:
        response = real.post("/recommend/validate", json=body)
        alone = real.post("/recommend", json=body)
        assert response.status_code == alone.status_code == 422
        assert response.get_json()["errors"] == alone.get_json()["errors"]
