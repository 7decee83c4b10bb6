"""The HTTP layer over a fake recommender: what goes in, what comes out, and what every mistake is told."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kg.errors import ArtifactError, GraphUnavailableError, TrailmixError, UnknownIdError, UsageError
from kg.names import LONGEST_NAME
from kg.schema import LONGEST_ID
from kg.settings import Settings
from service.app import create_app
from service.contract import MAX_IDS, MAX_TEXT, RecommendRequest
from service.http import MAX_BODY


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(body)
    assert body["status"] == status
    assert body["request_id"] == response.headers["X-Request-ID"]
    return dict(body)


def test_a_recommendation(client: FlaskClient, fake: Any) -> None:
    response = client.post("/recommend", json={"user_id": "u1", "k": 5, "user_input": " scary "})
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.get_json()["items"] == [
        {"item_id": "m1", "rank": 1, "score": 0.5, "ranking_score": 2.5, "title": "Alien",
         "display_title": "Alien", "paths": [], "stage": "ranked", "stage_reason": None,
         "score_contributions": None}
    ]  # fmt: skip
    asked = fake.asked[0]
    assert (asked.user_id, asked.k, asked.free_text, asked.exclude_seen, asked.explain) == (
        "u1",
        5,
        "scary",
        True,
        True,
    )


@pytest.mark.parametrize("field", list(RecommendRequest.model_fields))
def test_null_is_absent(client: FlaskClient, fake: Any, field: str) -> None:
    assert client.post("/recommend", json={field: None}).status_code == 200
    assert fake.asked[0] == RecommendRequest()


def test_all_fields_null_or_one_of_two_texts(client: FlaskClient, fake: Any) -> None:
    client.post("/recommend", json=dict.fromkeys(RecommendRequest.model_fields))
    client.post("/recommend", json={"text": None, "user_input": "scary", "k": 3, "history": None})
    assert fake.asked == [RecommendRequest(), RecommendRequest(user_input="scary", k=3)]


LONG = "\U0001f600" * (LONGEST_ID - 4) + " /\n%"


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": LONG},
        {"history": [LONG]},
        {"likes": [LONG]},
        {"likes": [f"{'L' * LONGEST_NAME}:{LONG}"]},
    ],
)
def test_the_longest_id_is_asked_with_as_it_was_ingested(
    client: FlaskClient, fake: Any, fields: dict[str, Any]
) -> None:
    assert len(LONG) == LONGEST_ID
    assert client.post("/recommend", json=fields).status_code == 200
    assert fake.asked == [RecommendRequest(**fields)]


def test_the_longest_request_that_the_fields_allow_is_answered(client: FlaskClient, fake: Any) -> None:
    like = f"{'L' * LONGEST_NAME}:" + "\U0001f600" * LONGEST_ID
    text = "\U0001f600" * MAX_TEXT
    body = json.dumps({"history": [LONG] * MAX_IDS, "likes": [like] * MAX_IDS, "text": text, "user_id": LONG})
    assert 45_000_000 < len(body) < MAX_BODY
    response = client.post("/recommend", data=body, content_type="application/json")
    assert response.status_code == 200
    assert len(fake.asked[0].history) == MAX_IDS


def test_an_empty_object_is_a_request(client: FlaskClient) -> None:
    assert client.post("/recommend", json={}).get_json()["user_state"] == "cold"


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"usr_id": "1"}, "/usr_id", "unknown field usr_id; did you mean user_id?"),
        (
            {"zzz": 1},
            "/zzz",
            "unknown field zzz; the fields are user_id, history, session, likes, dislikes, ",
        ),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown field a/b~c; "),
        ({"k": 0}, "/k", "k: input should be greater than or equal to 1"),
        ({"k": 201}, "/k", "k: input should be less than or equal to 200"),
        ({"k": "10"}, "/k", "k: input should be a valid integer"),
        ({"k": True}, "/k", "k: input should be a valid integer"),
        ({"k": 1.5}, "/k", "k: input should be a valid integer"),
        ({"user_id": 1}, "/user_id", "user_id: input should be a valid string"),
        ({"user_id": ""}, "/user_id", "user_id: string should have at least 1 character"),
        ({"history": "m1"}, "/history", "history: input should be a valid array"),
        ({"history": ["m1", 2]}, "/history/1", "history.1: input should be a valid string"),
        ({"history": ["m1", None]}, "/history/1", "history.1: input should be a valid string"),
        ({"likes": [None]}, "/likes/0", "likes.0: input should be a valid string"),
        ({"zzz": None}, "/zzz", "unknown field zzz; "),
        ({"user_id": "x" * 2_001}, "/user_id", "user_id: string should have at most 2000 characters"),
        ({"history": ["x" * 2_001]}, "/history/0", "history.0: string should have at most 2000 characters"),
        ({"likes": ["x" * 2_065]}, "/likes/0", "likes.0: string should have at most 2064 characters"),
        ({"history": ["m"] * 1001}, "/history", "history: list should have at most 1000 items"),
        ({"text": "x" * 2001}, "/text", "text: string should have at most 2000 characters"),
        ({"text": "x", "user_input": "y"}, "", "the body: text and user_input are one field"),
        ([], "", "the body: "),
        ("text", "", "the body: "),
    ],
)
def test_a_wrong_field_is_pointed_at(client: FlaskClient, body: Any, pointer: str, detail: str) -> None:
    found = problem(client.post("/recommend", json=body), 422)
    assert found["title"] in {"Unprocessable Entity", "Unprocessable Content"}
    assert found["instance"] == "/recommend"
    assert found["errors"][0]["pointer"] == pointer
    assert found["errors"][0]["detail"].startswith(detail)
    assert detail in found["detail"]


def test_every_wrong_field_is_told_at_once(client: FlaskClient) -> None:
    errors = problem(client.post("/recommend", json={"k": 0, "likes": [1], "histroy": []}), 422)["errors"]
    assert {e["pointer"] for e in errors} == {"/k", "/likes/0", "/histroy"}


@pytest.mark.parametrize("body", [b"", b"{", b"{'k': 1}", b"\xff", b'{"k": 1} x', b"[" * 5000])
def test_what_is_no_json(client: FlaskClient, body: bytes) -> None:
    found = problem(client.post("/recommend", data=body, content_type="application/json"), 400)
    assert found["detail"].startswith("the body is not JSON: ")
    assert "errors" not in found


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_wrong_content_type(client: FlaskClient, content_type: str | None) -> None:
    found = problem(client.post("/recommend", data=b"{}", content_type=content_type), 415)
    assert found["detail"].startswith(
        ("send application/json or ", "send this JSON as application/json, not ")
    )


def test_json_by_another_name_is_json(client: FlaskClient) -> None:
    for content_type in ("application/json; charset=utf-8", "application/vnd.films+json"):
        assert client.post("/recommend", data=b"{}", content_type=content_type).status_code == 200


def test_a_body_that_is_too_large(client: FlaskClient, fake: Any) -> None:
    body = b'{"text": "' + b"x" * MAX_BODY + b'"}'
    problem(client.post("/recommend", data=body, content_type="application/json"), 413)
    assert fake.asked == []


def test_a_chunked_body_that_is_too_large(client: FlaskClient, fake: Any) -> None:
    response = client.post(
        "/recommend",
        input_stream=io.BytesIO(b'{"text": "' + b"x" * 2 * MAX_BODY + b'"}'),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    problem(response, 413)
    assert fake.asked == []


def test_no_such_page_and_no_such_method(client: FlaskClient) -> None:
    assert problem(client.get("/nowhere"), 404)["instance"] == "/nowhere"
    response = client.get("/recommend")
    problem(response, 405)
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("that cannot be"), 400),
        (UnknownIdError("Movie", "zz"), 404),
        (GraphUnavailableError("the graph is away"), 503),
        (ArtifactError("the model is damaged"), 503),
    ],
)
def test_our_errors_become_statuses(
    client: FlaskClient, fake: Any, error: TrailmixError, status: int
) -> None:
    fake.failure = error
    assert problem(client.post("/recommend", json={}), status)["detail"] == str(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("secret path /etc"), TrailmixError("secret"), KeyError("secret")]
)
def test_a_bug_is_logged_and_not_told(client: FlaskClient, fake: Any, error: Exception) -> None:
    fake.failure = error
    with structlog.testing.capture_logs() as logs:
        response = client.post("/recommend", json={})
    problem(response, 500)
    assert "secret" not in response.text
    assert [x["exc_info"] for x in logs if x["event"] == "request_failed"] == [error]


@pytest.mark.parametrize("given", ["abc-123", "9f.A_b:c"])
def test_a_sane_request_id_is_kept(client: FlaskClient, given: str) -> None:
    response = client.post("/recommend", json={}, headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert response.get_json()["meta"]["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, '"><script>'])
def test_another_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": given})
    assert len(response.headers["X-Request-ID"]) == 32


def test_the_log_has_the_request_and_not_what_was_said(client: FlaskClient) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        client.post("/recommend", json={"text": "my private wish"}, headers={"X-Request-ID": "r7"})
    (entry,) = logs
    assert {k: entry[k] for k in ("event", "method", "path", "status", "request_id")} == {
        "event": "request", "method": "POST", "path": "/recommend", "status": 200, "request_id": "r7",
    }  # fmt: skip
    assert entry["ms"] >= 0
    assert "private" not in repr(logs)


def test_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready", "model_version": "v1"}


def test_without_a_model_it_is_alive_and_says_what_to_do(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        client = create_app(Settings(home=tmp_path)).test_client()
    assert [x["event"] for x in logs] == ["model_not_loaded"]
    assert client.get("/healthz").status_code == 200
    for response in (client.get("/readyz"), client.post("/recommend", json={})):
        detail = problem(response, 503)["detail"]
        assert detail.startswith("no model is loaded: ")
        assert "trailmix train" in detail


def test_a_form(client: FlaskClient, fake: Any) -> None:
    """What curl -d sends; lists are repeated fields, and numbers and booleans are written out."""
    response = client.post("/recommend", data={"user_input": " scary "})
    assert response.status_code == 200
    assert response.get_json()["recommendation"] == "I recommend Alien."
    assert fake.asked == [RecommendRequest(user_input=" scary ")]
    fields = {"user_id": "15", "k": "3", "explain": "false", "history": ["1", "2"], "likes": ["Genre:x"]}
    client.post("/recommend", data=fields)
    assert fake.asked[1] == RecommendRequest(
        user_id="15", k=3, explain=False, history=["1", "2"], likes=["Genre:x"]
    )


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"k": "many"}, "/k"), ({"explain": "perhaps"}, "/explain"), ({"usr_id": "15"}, "/usr_id")],
)
def test_a_wrong_field_of_a_form(client: FlaskClient, fields: dict[str, str], pointer: str) -> None:
    body = problem(client.post("/recommend", data=fields), 422)
    assert [x["pointer"] for x in body["errors"]] == [pointer]
