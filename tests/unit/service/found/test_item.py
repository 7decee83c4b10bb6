"""`GET /items/{id}`: what the graph knows of an item, whatever characters its id has."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient

from kg.graph import GraphSnapshot, Vocabulary
from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.recommender import Recommender, SinceSnapshot


def client_of(recommender: Recommender, folder: Path) -> FlaskClient:
    return create_app(Settings(home=folder), FakeServing(recommender, Outbox(folder))).test_client()


def test_an_item(real: FlaskClient) -> None:
    """Alien: by the table of facts, in the order of relations; u1, u2, u3 and u4 liked it."""
    assert real.get("/items/m1").get_json() == {
        "item_id": "m1",
        "label": "Movie",
        "title": "Alien",
        "display_title": "Alien",
        "text": "a film",
        "facts": [
            {"relation": relation, "direction": "out", "node": {"label": label, "id": id_, "name": name}}
            for relation, label, id_, name in [
                ("DIRECTED_BY", "Person", "p1", "Ridley Scott"),
                ("STARS", "Person", "p2", "Sigourney Weaver"),
                ("HAS_GENRE", "Genre", "g1", "Sci-Fi"),
                ("HAS_GENRE", "Genre", "5", "Horror"),
                ("IN_LANGUAGE", "Language", "en", "English"),
            ]
        ],
        "likes": 4,
        "near_duplicates": [],
    }


def test_near_duplicates_and_a_deleted_one(
    films: GraphSnapshot, model: Any, encoder: Any, tmp_path: Path
) -> None:
    """Alien, Aliens and The Terminator are one group, and the last is deleted."""
    grouped = replace(films, same_as=("x", "", "", "x", "x", "", "", ""))
    deleted = np.arange(8) == 4
    recommender = Recommender(grouped, model, encoder, since=SinceSnapshot(1, deleted))
    client = client_of(recommender, tmp_path)
    assert client.get("/items/m1").get_json()["near_duplicates"] == [
        {"label": "Movie", "id": "m4", "name": "Aliens"}
    ]
    assert client.get("/items/m5").status_code == 404


@pytest.mark.parametrize("item_id", ["m9", "p1", "M1", "m1/", "/m1", " m1"])
def test_no_such_item(real: FlaskClient, item_id: str) -> None:
    response = real.get("/items/" + quote(item_id, safe=""))
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.get_json()["detail"] == f"no Movie has the id {item_id!r}"


ODD = ("a/b", "..", "%2F", "\U0001f3ac 東京", "a//b", "/", "x?y=1#z", "line\nend")


@pytest.mark.parametrize("item_id", ODD)
def test_an_id_of_any_characters(
    films: GraphSnapshot, model: Any, encoder: Any, tmp_path: Path, item_id: str
) -> None:
    odd = replace(films, vocabularies=(Vocabulary("Movie", ODD), *films.vocabularies[1:]))
    client = client_of(Recommender(odd, model, encoder), tmp_path)
    found = client.get("/items/" + quote(item_id, safe="")).get_json()
    assert found["item_id"] == item_id
    assert found["title"] == films.names[ODD.index(item_id)]


def test_a_slash_of_an_id_may_stand_as_it_is(
    films: GraphSnapshot, model: Any, encoder: Any, tmp_path: Path
) -> None:
    odd = replace(films, vocabularies=(Vocabulary("Movie", ODD), *films.vocabularies[1:]))
    client = client_of(Recommender(odd, model, encoder), tmp_path)
    assert client.get("/items/a/b").get_json()["item_id"] == "a/b"
    assert client.get("/items/a//b").get_json()["item_id"] == "a//b"
