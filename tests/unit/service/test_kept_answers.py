"""Kept answers: given again only while user, request and model are the same, and bounded in bytes."""

from typing import Any

from flask.testing import FlaskClient

from service.contract import Meta, Recommendation
from service.kept_answers import KeptAnswer, KeptAnswers


def ask(client: FlaskClient, **fields: Any) -> Any:
    response = client.post("/recommend", json=fields)
    assert response.status_code == 200
    answer = response.get_json()
    assert answer["meta"].pop("request_id") == response.headers["X-Request-ID"]
    return answer


def test_an_equal_request_is_answered_once_until_something_changes(client: FlaskClient, fake: Any) -> None:
    first = ask(client, user_id="u1", k=3)
    assert ask(client, user_id="u1", k=3) == first
    assert len(fake.asked) == 1
    ask(client, user_id="u1", k=4)
    ask(client, user_id="u2", k=3)
    assert len(fake.asked) == 3, "another request"
    fake.events = 7
    assert ask(client, user_id="u1", k=3) == first
    ask(client, user_id="u1", k=3)
    assert len(fake.asked) == 4, "an event of the user"
    fake.model_version = "v2"
    assert ask(client, user_id="u1", k=3)["meta"]["model_version"] == "v2"
    assert len(fake.asked) == 5, "another model"


def test_what_fails_is_not_kept(client: FlaskClient, fake: Any) -> None:
    fake.failure = RuntimeError("bug")
    client.application.testing = False
    assert client.post("/recommend", json={}).status_code == 500
    fake.failure = None
    assert client.post("/recommend", json={}).status_code == 200
    assert client.post("/recommend", json={"k": 0}).status_code == 422
    assert client.post("/recommend", json={"k": 0}).status_code == 422


def kept(text: str, state: int = 0) -> KeptAnswer:
    meta = Meta(request_id="r1", model_version="v1", calibrated=True)
    answer = Recommendation(items=[], recommendation=text, user_state="cold", warnings=[], meta=meta)
    return KeptAnswer.of(answer, None, state)


def test_only_the_request_id_is_replaced() -> None:
    """A text of the answer may look like the id."""
    answer = kept('"request_id":"r1"')
    own = Recommendation.model_validate_json(answer.for_request("r2"))
    assert own.meta.request_id == "r2"
    assert own.recommendation == '"request_id":"r1"'


def test_the_answer_that_was_given_longest_ago_goes_first() -> None:
    size = len(b"a") + len(kept("x").before) + len(kept("x").after) + 500
    answers = KeptAnswers(max_bytes=2 * size)
    answers.keep("v", b"a", kept("x"))
    answers.keep("v", b"b", kept("y"))
    assert answers.find("v", b"a") == kept("x")
    answers.keep("v", b"c", kept("z"))
    assert answers.find("v", b"b") is None
    assert (answers.find("v", b"a"), answers.find("v", b"c")) == (kept("x"), kept("z"))
    answers.keep("v", b"a", kept("w", 1))
    assert answers.find("v", b"a") == kept("w", 1)
    assert answers.find("v", b"c") == kept("z"), "an answer in place of another takes no more room"
    answers.keep("v", b"d", kept("x" * 3 * size))
    assert answers.find("v", b"d") is None
    answers.keep("v", b"a", kept("x"))
    answers.keep("v", b"b", kept("y"))
    assert answers.find("v", b"a") == kept("x"), "the count is right after a removal"


def test_answers_of_another_model_are_not_kept_on() -> None:
    """They would hold memory, and what a forgotten user asked."""
    kept = KeptAnswers()
    answer = KeptAnswer(None, 0, b"{", b"}")
    kept.keep("v1", b"a", answer)
    kept.keep("v1", b"b", answer)
    kept.keep("v2", b"c", answer)
    assert [kept.find("v1", b"a"), kept.find("v1", b"b"), kept.find("v2", b"c")] == [None, None, answer]
