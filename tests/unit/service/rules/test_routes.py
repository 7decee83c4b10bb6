"""`/rules` over HTTP, with a graph that answers as told."""

from pathlib import Path
from typing import Any

import pytest
from fake_rules import FakeRuleGraph, put
from fake_serving import FakeServing
from flask.testing import FlaskClient
from pydantic import SecretStr

from kg.errors import StatementRefusedError
from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.recommender import Recommender
from service.rules.store import RuleBook

RULE = {"cypher": "MATCH (m:Movie) RETURN m.id AS id;\n", "effect": "deny"}


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> FakeRuleGraph:
    graph = FakeRuleGraph(rows=["m1", "zz"])
    monkeypatch.setattr("kg.store.connect.open_store", graph)
    return graph


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    return RuleBook(tmp_path / "rules")


def client_of(recommender: Recommender, book: RuleBook, token: str | None = None) -> FlaskClient:
    settings = Settings(home=book.folder.parent, admin_token=None if token is None else SecretStr(token))
    app = create_app(settings, FakeServing(recommender, Outbox(book.folder.parent / "outbox"), rules=book))
    app.testing = True
    return app.test_client()


@pytest.fixture
def client(recommender: Recommender, book: RuleBook) -> FlaskClient:
    return client_of(recommender, book)


def best(client: FlaskClient) -> str:
    answer = client.post("/recommend", json={"k": 1, "explain": False}).get_json()
    return str(answer["items"][0]["item_id"])


def test_a_rule_is_put_shown_refreshed_and_removed(
    client: FlaskClient, graph: FakeRuleGraph, book: RuleBook
) -> None:
    """Each change counts in the next answer to the same request, which was kept."""
    assert client.get("/rules").get_json() == {"rules": []}
    assert best(client) == best(client) == "m1"
    view = client.put("/rules/no-horror", json=RULE).get_json()
    assert best(client) == "m2"
    state = view.pop("state")
    assert view == {
        "name": "no-horror",
        "rule": {
            "cypher": "MATCH (m:Movie) RETURN m.id AS id",
            "parameters": {},
            "effect": "deny",
            "weight": None,
            "position": None,
            "applies": "default",
            "description": "",
        },
    }
    assert state.pop("evaluated_at").endswith("Z")
    assert state == {"items": 1, "unknown": 1, "seconds": 0.25, "stale_since": None, "reason": None}
    assert client.get("/rules/no-horror").get_json() == client.get("/rules").get_json()["rules"][0]
    graph.rows = ["m2"]
    assert client.post("/rules/no-horror/refresh").get_json()["state"]["items"] == 1
    assert best(client) == "m1"
    graph.rows = ["m1", "m2"]
    client.post("/rules/no-horror/refresh")
    assert best(client) == "m3"
    assert client.delete("/rules/no-horror").get_json() == {"removed": "no-horror"}
    assert best(client) == "m1"
    assert book.rules() == []


def test_a_rule_that_is_refused_is_not_stored(client: FlaskClient, graph: FakeRuleGraph) -> None:
    client.put("/rules/a", json=RULE)
    graph.rows = StatementRefusedError("SET is not allowed")
    answer = client.put("/rules/a", json={**RULE, "effect": "allow"})
    assert (answer.status_code, answer.get_json()["errors"]) == (
        422, [{"pointer": "/cypher", "detail": "SET is not allowed"}],
    )  # fmt: skip
    assert client.get("/rules/a").get_json()["rule"]["effect"] == "deny"


def test_a_rule_whose_refresh_fails_goes_on_and_says_why(client: FlaskClient, graph: FakeRuleGraph) -> None:
    client.put("/rules/a", json=RULE)
    graph.rows = StatementRefusedError("it was ended after 10 s; narrow it, or add LIMIT")
    state = client.post("/rules/a/refresh").get_json()["state"]
    assert state["reason"] == "it was ended after 10 s; narrow it, or add LIMIT"
    assert state["stale_since"].endswith("Z")
    answer = client.post("/recommend", json={"k": 1}).get_json()
    assert answer["items"][0]["item_id"] == "m2"
    assert "the rule a could not be evaluated since" in answer["warnings"][0]["detail"]


def test_without_the_graph_no_rule_is_stored_and_stored_ones_go_on(
    client: FlaskClient, graph: FakeRuleGraph
) -> None:
    client.put("/rules/a", json=RULE)
    graph.down = True
    assert client.put("/rules/b", json=RULE).status_code == 503
    assert client.get("/rules/b").status_code == 404
    state = client.post("/rules/a/refresh").get_json()["state"]
    assert (state["items"], state["reason"]) == (1, "no graph server answers")
    assert best(client) == "m2"


@pytest.mark.parametrize(
    ("changed", "pointer", "why"),
    [
        ({"effect": "hide"}, "/effect", "'allow', 'deny', 'boost' or 'pin'"),
        ({"weight": 2}, "", "weight is for a boost; leave it out of a rule to deny"),
        ({"position": 2}, "", "position is for a pin; leave it out of a rule to deny"),
        ({"effect": "boost", "weight": 11}, "/weight", "less than or equal to 10"),
        ({"effect": "pin", "position": 0}, "/position", "greater than or equal to 1"),
        ({"cypher": ""}, "/cypher", "at least 1 character"),
        ({"cypher": "x" * 20_001}, "/cypher", "at most 20000 characters"),
        ({"parameters": {"a": None}}, "/parameters/a/str", "valid string"),
        ({"parameters": {"a": 2**63}}, "/parameters/a", ""),
        ({"aplies": "always"}, "/aplies", "unknown field aplies; did you mean applies?"),
    ],
)
def test_fields_that_are_wrong_are_named(
    client: FlaskClient, graph: FakeRuleGraph, changed: dict[str, Any], pointer: str, why: str
) -> None:
    answer = client.put("/rules/a", json={**RULE, **changed})
    assert answer.status_code == 422
    errors = answer.get_json()["errors"]
    assert any(x["pointer"].startswith(pointer) and why in x["detail"] for x in errors), errors
    assert not graph.asked


@pytest.mark.parametrize("name", ["a b", "-a", "é", "a" * 65])
def test_a_name_is_plain(client: FlaskClient, graph: FakeRuleGraph, name: str) -> None:
    answer = client.put(f"/rules/{name}", json=RULE)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == ""
    assert "at most 64" in answer.get_json()["detail"]


def test_there_is_a_most(client: FlaskClient, graph: FakeRuleGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rules.store.MAX_RULES", 1)
    client.put("/rules/a", json=RULE)
    answer = client.put("/rules/b", json=RULE)
    assert (answer.status_code, answer.get_json()["detail"]) == (
        422,
        "there are 1 rules, the most; remove one",
    )


def test_only_an_administrator_sees_and_changes_rules(
    recommender: Recommender, book: RuleBook, graph: FakeRuleGraph
) -> None:
    put(book, "a", "deny", "m1")
    client = client_of(recommender, book, token="t0ken")
    asked = [("GET", "/rules"), ("GET", "/rules/a"), ("PUT", "/rules/a"), ("DELETE", "/rules/a"),
             ("POST", "/rules/a/refresh")]  # fmt: skip
    for method, path in asked:
        assert client.open(path, method=method, json=RULE).status_code == 403
        given = {"Authorization": "Bearer t0ken"}
        assert client.open(path, method=method, json=RULE, headers=given).status_code != 403
    with pytest.raises(AssertionError):
        assert client.get("/rules", environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code == 200


def test_what_is_not_there_is_a_404(client: FlaskClient, graph: FakeRuleGraph) -> None:
    for method, path in (("GET", "/rules/a"), ("DELETE", "/rules/a"), ("POST", "/rules/a/refresh")):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.get_json()["detail"]) == (404, "no rule has the id 'a'")


def test_a_form_names_rules_too(client: FlaskClient, graph: FakeRuleGraph) -> None:
    client.put("/rules/a", json={**RULE, "applies": "named"})
    assert client.post("/recommend", data={"k": 1}).get_json()["items"][0]["item_id"] == "m1"
    assert client.post("/recommend", data={"k": 1, "rules": "a"}).get_json()["items"][0]["item_id"] == "m2"


@pytest.mark.parametrize("cypher", [" ", ";", " ;\n"])
def test_a_rule_without_a_statement_is_refused(
    client: FlaskClient, graph: FakeRuleGraph, cypher: str
) -> None:
    response = client.put("/rules/a", json={**RULE, "cypher": cypher})
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"] == "/cypher"
    assert client.get("/rules").get_json() == {"rules": []}
