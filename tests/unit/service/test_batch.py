"""`POST /recommend/batch`: a line for each request, in order, and no work for a client that is gone."""

import json
import socket
import struct
import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from kg.errors import ArtifactError
from service.batch import MAX_REQUESTS
from service.contract import Recommendation, RecommendRequest
from service.problems import UNFORESEEN

LINES = "application/x-ndjson"


def lines(response: TestResponse) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response.content_type.startswith(LINES)
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_list_has_a_line_for_each_request_in_order(client: FlaskClient, fake: Any) -> None:
    body = [{"user_id": "u1", "k": 3}, "u2", {"k": 0}, {"usr_id": "x"}, None, {}]
    found = lines(client.post("/recommend/batch", json=body, headers={"X-Request-ID": "r1"}))
    assert [x["index"] for x in found] == [0, 1, 2, 3, 4, 5]
    assert fake.asked == [
        RecommendRequest(user_id="u1", k=3),
        RecommendRequest(user_id="u2"),
        RecommendRequest(),
    ]
    assert found[2] == {
        "index": 2, "pointer": "/k", "reason": "k: input should be greater than or equal to 1"
    }  # fmt: skip
    assert (found[3]["pointer"], found[4]["pointer"]) == ("/usr_id", "")
    assert found[3]["reason"] == "unknown field usr_id; did you mean user_id?"
    assert [found[n]["answer"]["meta"]["request_id"] for n in (0, 1, 5)] == ["r1.0", "r1.1", "r1.5"]


def test_an_answer_is_that_of_recommend(client: FlaskClient) -> None:
    (line,) = lines(client.post("/recommend/batch", json=["u1"], headers={"X-Request-ID": "r"}))
    alone = client.post("/recommend", json={"user_id": "u1"}, headers={"X-Request-ID": "r.0"}).get_json()
    assert line == {"index": 0, "answer": alone}


@pytest.mark.parametrize("content_type", [LINES, "application/jsonl"])
def test_json_lines(client: FlaskClient, fake: Any, content_type: str) -> None:
    body = b'{"user_id": "u1"}\n\n"u2"\nu3\n[]\n' + b"[" * 5000 + b'\n"\xff"\n'
    found = lines(client.post("/recommend/batch", data=body, content_type=content_type))
    assert [x["index"] for x in found] == [0, 1, 2, 3, 4, 5]
    assert [x.user_id for x in fake.asked] == ["u1", "u2"]
    assert found[2]["reason"].startswith("the line is not JSON: ")
    assert found[3]["reason"].startswith("the body: ")
    assert all(x["reason"].startswith("the line is not JSON: ") for x in found[4:])


def test_a_request_id_has_at_most_128_characters(client: FlaskClient, fake: Any) -> None:
    given = "x" * 128
    (line,) = lines(client.post("/recommend/batch", json=["u1"], headers={"X-Request-ID": given}))
    assert line["answer"]["meta"]["request_id"] == "x" * 126 + ".0"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"[", "application/json", 400),
        (b"[]", "text/plain", 415),
        (json.dumps(["u"] * (MAX_REQUESTS + 1)).encode(), "application/json", 413),
        (b'"u"\n' * (MAX_REQUESTS + 1), LINES, 413),
    ],
)
def test_a_body_that_cannot_be_read(
    client: FlaskClient, fake: Any, body: bytes, content_type: str, status: int
) -> None:
    response = client.post("/recommend/batch", data=body, content_type=content_type)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert fake.asked == []


def test_the_most_requests_and_none(client: FlaskClient) -> None:
    assert len(lines(client.post("/recommend/batch", json=["u"] * MAX_REQUESTS))) == MAX_REQUESTS
    assert lines(client.post("/recommend/batch", json=[])) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ArtifactError("the model is away"), "the model is away"), (KeyError("secret"), UNFORESEEN)],
)
def test_a_failure_costs_its_own_line(client: FlaskClient, fake: Any, error: Exception, reason: str) -> None:
    answer = fake.recommend

    def recommend(request: RecommendRequest, *, request_id: str) -> Recommendation:
        if request.user_id == "u2":
            raise error
        found: Recommendation = answer(request, request_id=request_id)
        return found

    fake.recommend = recommend
    found = lines(client.post("/recommend/batch", json=["u1", "u2", "u3"]))
    assert [sorted(x) for x in found] == [
        ["answer", "index"],
        ["index", "pointer", "reason"],
        ["answer", "index"],
    ]
    assert found[1] == {"index": 1, "pointer": "", "reason": reason}


def test_each_line_is_sent_before_the_next_request_is_answered(client: FlaskClient, fake: Any) -> None:
    response = client.post("/recommend/batch", json=["u1", "u2", "u3"], buffered=False)
    assert len(fake.asked) <= 1, "the test client takes the first line to see the status"
    next(iter(response.response))
    assert len(fake.asked) == 1
    response.close()
    assert len(fake.asked) == 1


def test_a_client_that_goes_ends_the_work(app: Flask, fake: Any) -> None:
    answer = fake.recommend

    def recommend(request: RecommendRequest, *, request_id: str) -> Recommendation:
        time.sleep(0.002)
        found: Recommendation = answer(request, request_id=request_id)
        return found

    fake.recommend = recommend
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        body = json.dumps(["u"] * MAX_REQUESTS).encode()
        head = "POST /recommend/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        with socket.create_connection(server.server_address) as client:
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert client.recv(1000)
            # a connection that is reset at once rather than closed in order
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        before = -1
        while before != len(fake.asked):
            before = len(fake.asked)
            time.sleep(0.1)
        assert 0 < before < MAX_REQUESTS / 2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
