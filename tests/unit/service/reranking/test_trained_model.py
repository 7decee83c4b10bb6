"""Lists of a trained model over HTTP: thirty books by six authors, whose themes their texts have."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient
from small_library import N_AUTHORS, ThemeEncoder, library

from embeddings.training.config import TrainingConfig
from embeddings.training.train import train
from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.recommender import Recommender


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Reader 0 liked a book about dragons, reader 1 two about gods."""
    snapshot = library([(0, 0), (1, 1), (1, 7)])
    model = train(snapshot, ThemeEncoder(), TrainingConfig())
    home: Path = tmp_path_factory.mktemp("home")
    serving = FakeServing(Recommender(snapshot, model, ThemeEncoder()), Outbox(home / "outbox"))
    return create_app(Settings(home=home), serving).test_client()


def listed(client: FlaskClient, **fields: Any) -> list[dict[str, Any]]:
    answer = client.post("/recommend", json={"user_id": "r0", "k": 6, **fields})
    assert answer.status_code == 200, answer.get_json()
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def authors(items: list[dict[str, Any]]) -> Counter[int]:
    return Counter(int(item["item_id"][1:]) % N_AUTHORS for item in items)


def test_the_ranking_is_of_one_author_first(client: FlaskClient) -> None:
    assert authors(listed(client))[0] == 4, "the four other books about dragons"


def test_a_diverse_list_has_more_authors(client: FlaskClient) -> None:
    plain, diverse = (len(authors(listed(client, diversity=x))) for x in (0, 0.9))
    assert diverse > plain
    assert len(authors(listed(client, diversity=1))) == N_AUTHORS, "one book of each: the least alike"


def test_a_capped_list_has_one_of_each_author(client: FlaskClient) -> None:
    items = listed(client, max_per={"WRITTEN_BY": 1})
    assert authors(items) == dict.fromkeys(range(N_AUTHORS), 1)
    assert all(path["nodes"][-1]["id"] == item["item_id"] for item in items for path in item["paths"])


def test_a_calibrated_list_has_the_author_of_the_history(client: FlaskClient) -> None:
    mix = {"relation": "WRITTEN_BY", "strength": 1}
    assert authors(listed(client, user_id="r1", k=3, calibrated=mix)) == {1: 3}


def test_weights_move_scores_by_their_contributions(client: FlaskClient) -> None:
    """Fixed weights rank here: the ranking score is the sum of the weighted scores, those of a factor of 2
    twice as large."""
    plain = {x["item_id"]: x for x in listed(client, k=29, score_contributions=True)}
    weighted = listed(client, k=29, weights={"text": 2}, score_contributions=True)
    assert len(weighted) == 29
    for item in weighted:
        before = plain[item["item_id"]]["score_contributions"].get("text", 0)
        assert item["score_contributions"].get("text", 0) == pytest.approx(2 * before, abs=2e-6)
        moved = plain[item["item_id"]]["ranking_score"] + before
        assert item["ranking_score"] == pytest.approx(moved, abs=2e-6)
