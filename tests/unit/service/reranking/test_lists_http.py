"""Lists over HTTP: fields, refusals, and answers that are kept or drawn anew."""

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
def client(recommender: Recommender, tmp_path: Path) -> FlaskClient:
    app = create_app(Settings(home=tmp_path), FakeServing(recommender, Outbox(tmp_path / "outbox")))
    app.testing = True
    return app.test_client()


def listed(client: FlaskClient, **fields: Any) -> list[dict[str, Any]]:
    response = client.post("/recommend", json=fields)
    assert response.status_code == 200, response.get_json()
    items: list[dict[str, Any]] = response.get_json()["items"]
    return items


def test_all_fields_together(client: FlaskClient) -> None:
    items = listed(
        client,
        history=["m8"],
        k=3,
        diversity=0.5,
        novelty=0.2,
        max_per={"DIRECTED_BY": 1},
        calibrated={"relation": "HAS_GENRE", "strength": 0.3},
        explore=0.4,
        seed=1,
        weights={"fixed": 1.5},
    )
    assert len(items) == 3
    directors = {"m1": "p1", "m2": "p1", "m3": "p1", "m4": "p3", "m5": "p3"}
    own = [directors[item["item_id"]] for item in items if item["item_id"] in directors]
    assert len(own) == len(set(own))
    assert {item["stage"] for item in items} <= {"ranked", "reranked", "explored"}
    assert all((item["stage"] == "ranked") == (item["stage_reason"] is None) for item in items)


@pytest.mark.parametrize(
    ("fields", "pointer", "detail"),
    [
        ({"diversity": 1.1}, "/diversity", "diversity: input should be less than or equal to 1"),
        ({"explore": -1}, "/explore", "explore: input should be greater than or equal to 0"),
        ({"max_per": {"STARS": 0}}, "/max_per/STARS",
         "max_per.STARS: input should be greater than or equal to 1"),
        ({"max_per": {"STAR": 1}}, "/max_per/STAR", "no relation is called 'STAR'; did you mean 'STARS'?"),
        ({"weights": {"likes": 11}}, "/weights/likes",
         "weights.likes: input should be less than or equal to 10"),
        ({"weights": {"fixes": 1}}, "/weights/fixes", "no scorer is called 'fixes'; did you mean 'fixed'?"),
        ({"calibrated": {"strength": 1}}, "/calibrated/relation", "calibrated.relation: field required"),
    ],
)  # fmt: skip
def test_what_is_refused(client: FlaskClient, fields: dict[str, Any], pointer: str, detail: str) -> None:
    response = client.post("/recommend", json=fields)
    assert response.status_code == 422
    assert response.get_json()["errors"] == [{"pointer": pointer, "detail": detail}]


def test_every_field_may_be_null(client: FlaskClient) -> None:
    names = ("diversity", "novelty", "max_per", "calibrated", "explore", "seed", "weights")
    assert listed(client, k=2, **dict.fromkeys(names)) == listed(client, k=2)


def test_an_answer_is_kept_unless_it_is_drawn_anew(client: FlaskClient) -> None:
    """Ten requests draw different lists, each by its own id; with a seed, or without drawing, one."""

    def lists(**fields: Any) -> int:
        own = [listed(client, history=["m8"], k=4, **fields) for _ in range(10)]
        return len({tuple(item["item_id"] for item in items) for items in own})

    assert lists(explore=0.5) > 1
    assert lists(explore=0.5, seed=2) == 1
    assert lists() == 1
    headers = {"X-Request-ID": "again"}
    again = [client.post("/recommend", json={"k": 4, "explore": 0.5}, headers=headers).data for _ in range(2)]
    assert again[0] == again[1], "the same id draws the same"
