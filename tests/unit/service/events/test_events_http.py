"""`POST /events`: what is taken, what is refused and why, and what an event does to a recommendation."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from kg.errors import OutboxError, OutboxFullError, SettingsError
from kg.graph import GraphSnapshot
from service.contract import RecommendRequest
from service.events.contract import MAX_EVENTS
from service.events.histories import LiveHistories
from service.events.live import LiveEvents
from service.events.outbox import Outbox, StoredEvent
from service.events.types import event_types
from service.recommender import Recommender
from service.request_reader import read_request

EVENT = {"event_id": "e1", "type": "READ", "user_id": "u/1", "item_id": "b 1", "value": 4}


@pytest.fixture
def outbox(app: Any) -> Outbox:
    found: Outbox = app.extensions["trailmix"].outbox
    return found


def test_one_event_is_kept_as_it_was_posted(client: FlaskClient, outbox: Outbox) -> None:
    more = {"timestamp": "2024-02-29T12:00:00+02:00", "request_id": "r9", "context": {"page": ["home", 1]}}
    response = client.post("/events", json=EVENT | more)
    assert (response.status_code, response.get_json()) == (
        200,
        {"accepted": 1, "duplicates": 0, "rejected": []},
    )
    (kept,) = outbox.since(0)
    assert (kept.id, kept.user_id, kept.item_id, kept.interaction, kept.value) == (
        *("e1", "u/1", "b 1", "READ", 4),
    )
    assert kept.time == 1709200800, "2024-02-29, 10:00 UTC"
    assert json.loads(kept.posted) == EVENT | more | {"timestamp": 1709200800, "value": 4}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps([EVENT, EVENT | {"event_id": "e2"}]), "application/json"),
        (json.dumps({"events": [EVENT, EVENT | {"event_id": "e2"}]}), "application/json"),
        (f"{json.dumps(EVENT)}\n\n{json.dumps(EVENT | {'event_id': 'e2'})}\r\n", "application/x-ndjson"),
        (f"{json.dumps(EVENT)}\n{json.dumps(EVENT | {'event_id': 'e2'})}", "application/jsonl"),
    ],
)
def test_many_events(client: FlaskClient, body: str, kind: str) -> None:
    for answer in ({"accepted": 2, "duplicates": 0}, {"accepted": 0, "duplicates": 2}):
        response = client.post("/events", data=body, content_type=kind)
        assert response.status_code == 200
        assert response.get_json() == answer | {"rejected": []}


@pytest.mark.parametrize(
    ("change", "pointer", "reason"),
    [
        ({"type": "read"}, "/type", "no event type is called 'read'; there are READ, SOLD, view, click"),
        ({"item_id": 7}, "/item_id", "item_id: input should be a valid string"),
        ({"user_id": ""}, "/user_id", "user_id: string should have at least 1 character"),
        ({"itm": "b1"}, "/itm", "unknown field itm; did you mean item_id?"),
        ({"timestamp": 1700000000000}, "/timestamp", "looks like milliseconds; send seconds"),
        ({"timestamp": 12}, "/timestamp", "12.0 is before 1990 or in the future"),
        ({"timestamp": "29.2.2024"}, "/timestamp", "'29.2.2024' is no time; send seconds since 1970"),
        ({"timestamp": time.time() + 200_000}, "/timestamp", "is before 1990 or in the future"),
        ({"value": float("nan")}, "/value", "value: input should be a finite number"),
        ({"context": {"x": "y" * 10_001}}, "/context", "has more than 10,000 characters"),
    ],
)
def test_each_refused_event_has_its_reason(
    client: FlaskClient, outbox: Outbox, change: dict[str, Any], pointer: str, reason: str
) -> None:
    answer = client.post("/events", json=[EVENT, EVENT | {"event_id": "e2"} | change])
    assert answer.status_code == 200
    (rejected,) = answer.get_json()["rejected"]
    assert (rejected["index"], rejected["pointer"]) == (1, pointer)
    assert reason in rejected["reason"]
    assert [x.id for x in outbox.since(0)] == ["e1"]
    alone = client.post("/events", json=EVENT | change)
    assert alone.status_code == 422
    assert alone.get_json()["accepted"] == 0


def test_a_clock_that_is_an_hour_fast_is_believed(client: FlaskClient, outbox: Outbox) -> None:
    ahead = int(time.time()) + 3600
    assert client.post("/events", json=EVENT | {"timestamp": ahead}).get_json()["accepted"] == 1
    assert outbox.since(0)[0].time == ahead


def test_without_an_id_every_post_counts_at_the_present_time(client: FlaskClient, outbox: Outbox) -> None:
    before = int(time.time())
    for _ in range(2):
        client.post("/events", json={"type": "view", "user_id": "u1", "item_id": "b1"})
    kept = outbox.since(0)
    assert [(x.interaction, x.value) for x in kept] == [("VIEWED", 0)] * 2
    assert all(before <= x.time <= time.time() for x in kept)


@pytest.mark.parametrize(
    ("body", "kind", "status", "detail"),
    [
        (b"{", "application/json", 400, "the body is not JSON"),
        (b"{}\n{", "application/x-ndjson", 400, "line 2 is not JSON"),
        (b"{}", "text/plain", 415, "send application/json or application/x-ndjson, not text/plain"),
        (json.dumps([EVENT] * (MAX_EVENTS + 1)).encode(), "application/json", 413, "1,001 events"),
    ],
)
def test_bodies_that_cannot_be_read(
    client: FlaskClient, body: bytes, kind: str, status: int, detail: str
) -> None:
    response = client.post("/events", data=body, content_type=kind)
    assert response.status_code == status
    assert detail in response.get_json()["detail"]


@pytest.mark.parametrize(("error", "status"), [(OutboxFullError("full"), 507), (OutboxError("no"), 503)])
def test_an_outbox_that_fails_is_said_and_recommendations_go_on(
    client: FlaskClient, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, error: OutboxError, status: int
) -> None:
    def fail(_events: object) -> list[StoredEvent]:
        raise error

    monkeypatch.setattr(outbox, "add", fail)
    assert client.post("/events", json=EVENT).status_code == status
    assert client.post("/recommend", json={}).status_code == 200


def test_types_of_events(films: GraphSnapshot) -> None:
    types = event_types(films.schema, {"stars": "RATED", "thumbs_down": "RATED=1"})
    assert list(types) == [
        *("RATED", "view", "click", "purchase", "dislike", "not_interested", "stars", "thumbs_down"),
    ]
    likes = {name: x.is_like(x.value_of(3.0)) for name, x in types.items()}
    assert likes == dict.fromkeys(types, False) | {"purchase": True}, "RATED is liked from 4"
    assert types["stars"].is_like(4.0)
    assert types["RATED"].is_like(None), "as in training"
    assert types["thumbs_down"].value_of(5.0) == 1
    dislikes = {name for name, x in types.items() if x.is_dislike(x.value_of(None))}
    assert dislikes == {"dislike", "not_interested"}
    with pytest.raises(SettingsError, match="'buy' is 'BOUGHT', which is no interaction of the graph"):
        event_types(films.schema, {"buy": "BOUGHT"})
    with pytest.raises(SettingsError, match="the value of 'buy' is 'x', no number"):
        event_types(films.schema, {"buy": "RATED=x"})


@pytest.fixture
def live(films: GraphSnapshot, model: Any, encoder: Any, tmp_path: Path) -> tuple[Recommender, Outbox]:
    """Scores 8 to 1 for m1 to m8; items are alike only to themselves, but m2 and m3 to each other."""
    outbox = Outbox(tmp_path / "live")
    model.item_vectors = np.eye(films.n_items, dtype=np.float32)
    model.item_vectors[2] = model.item_vectors[1]
    histories = LiveHistories(LiveEvents(outbox), films.schema, {}, 0.0)
    return Recommender(films, model, encoder, live=histories), outbox


def ask(recommender: Recommender, user: str, **fields: Any) -> Any:
    return recommender.recommend(RecommendRequest(user_id=user, **fields), request_id="r")


def listed(answer: Any) -> list[str]:
    return [x.item_id for x in answer.items]


def post(outbox: Outbox, user: str, item: str, interaction: str, value: float | None, time: int = 99) -> None:
    name = f"{user} {item} {interaction} {time}"
    outbox.add([StoredEvent(name, user, item, interaction, value, time, "{}")])


def test_a_new_user_is_known_by_the_first_event(live: tuple[Recommender, Outbox]) -> None:
    recommender, outbox = live
    assert ask(recommender, "neo").warnings
    post(outbox, "neo", "m1", "RATED", 5)
    answer = ask(recommender, "neo")
    assert (answer.user_state, [x.pointer for x in answer.warnings]) == ("warm", ["/k"])
    assert "m1" not in listed(answer)
    assert any(path.nodes[0].id == "m1" for item in answer.items for path in item.paths)


def test_a_like_that_is_taken_back_no_longer_counts(live: tuple[Recommender, Outbox]) -> None:
    recommender, outbox = live
    post(outbox, "neo", "m1", "RATED", 5, 1)
    post(outbox, "neo", "m1", "DISLIKED", -1, 2)
    answer = ask(recommender, "neo", exclude_seen=False)
    assert answer.user_state == "cold"
    assert "m1" not in listed(answer), "disliked items are left out even where seen ones are not"
    post(outbox, "neo", "m1", "RATED", 5, 3)
    assert "m1" in listed(ask(recommender, "neo", exclude_seen=False))


def test_a_dislike_ranks_down_what_is_like_it(live: tuple[Recommender, Outbox]) -> None:
    recommender, outbox = live
    assert listed(ask(recommender, "neo"))[:4] == ["m1", "m2", "m3", "m4"]
    post(outbox, "neo", "m2", "DISLIKED", -1)
    answer = ask(recommender, "neo", score_contributions=True)
    assert listed(answer) == ["m1", "m4", "m3", "m5", "m6", "m7", "m8"]
    rejected = {
        x.item_id: x.score_contributions["rejected"]
        for x in answer.items
        if "rejected" in x.score_contributions
    }
    assert set(rejected) == {"m3"}
    assert rejected["m3"] < 0
    assert not answer.meta.calibrated


def test_a_view_only_counts_as_seen(live: tuple[Recommender, Outbox]) -> None:
    recommender, outbox = live
    post(outbox, "neo", "m2", "VIEWED", 0)
    post(outbox, "neo", "zz", "VIEWED", 0)
    answer = ask(recommender, "neo")
    assert answer.user_state == "cold"
    assert "m2" not in listed(answer)
    assert "m2" in listed(ask(recommender, "neo", exclude_seen=False))


def test_an_event_of_long_ago_does_not_make_the_user_older(live: tuple[Recommender, Outbox]) -> None:
    recommender, outbox = live
    post(outbox, "u1", "m2", "RATED", 5, 50)
    context = read_request(RecommendRequest(user_id="u1"), recommender._lookups)
    assert context.times.tolist() == [50, 150, 200]


def test_an_event_of_a_known_user_comes_after_the_history(live: tuple[Recommender, Outbox]) -> None:
    """u1 liked m1 at 100 and m4 at 200."""
    recommender, outbox = live
    post(outbox, "u1", "m2", "RATED", 5, 299)
    post(outbox, "u1", "m3", "RATED", 1, 300)
    context = read_request(RecommendRequest(user_id="u1"), recommender._lookups)
    assert list(context.history) == [0, 3, 1]
    assert context.times.tolist() == [100, 150, 299]
    assert context.excluded[[1, 2]].all()


def test_a_dislike_of_the_request_ranks_down_what_is_like_it(
    live: tuple[Recommender, Outbox], model: Any, films: GraphSnapshot
) -> None:
    recommender, _ = live
    found = listed(ask(recommender, "neo", dislikes=["m2"]))
    assert "m2" not in found
    assert found.index("m3") > found.index("m4")
    russian = films.node("Language", "ru")
    model.entity_vectors = np.zeros((films.first_user - films.n_items, films.n_items), np.float32)
    model.entity_vectors[russian - films.n_items] = model.item_vectors[3]
    found = listed(ask(recommender, "neo", dislikes=["Language:ru"]))
    assert "m8" not in found
    assert found.index("m4") > found.index("m5")
