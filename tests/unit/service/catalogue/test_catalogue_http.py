"""Changing items and users over HTTP: what is accepted, and what each refusal says."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient

from kg.graph import Vocabulary
from kg.item_changes import ItemChange, NamedEntity
from kg.schema import GraphSchema, LabelSchema

ITEM = {
    "name": "Dune",
    "text": "Sand.",
    "properties": {"price": 9.5, "pages": 412, "tags": ["a", "b"], "available": True},
    "relations": {"WRITTEN_BY": ["Lem", {"id": "Herbert", "name": "Frank Herbert"}]},
}


def changes(serving: FakeServing) -> list[ItemChange]:
    return [x.change for x in serving.changes]


def test_an_item_is_put(client: FlaskClient, serving: FakeServing) -> None:
    answer = client.put("/items/dune", json=ITEM)
    assert (answer.status_code, answer.json) == (201, {"id": "dune", "change": 1})
    assert changes(serving) == [
        ItemChange(
            "dune",
            "put",
            {
                "price": 9.5,
                "pages": 412,
                "tags": ["a", "b"],
                "available": True,
                "name": "Dune",
                "text": "Sand.",
            },
            {"WRITTEN_BY": ("Lem", "Herbert")},
            (NamedEntity("Author", "Herbert", "Frank Herbert"),),
        )
    ]
    assert serving.changes[0].kind == "item"
    assert serving.waited == [True]


@pytest.mark.parametrize("external_id", ["a/b", "a//b", "..", "漢字 🎬", "%2F", "a?b#c", "/x", "x/"])
def test_ids_of_any_characters(client: FlaskClient, serving: FakeServing, external_id: str) -> None:
    assert client.put(f"/items/{quote(external_id, safe='')}", json={}).status_code == 201
    assert changes(serving)[0].id == external_id


def test_a_known_item_is_put_patched_and_deleted(client: FlaskClient, serving: FakeServing) -> None:
    assert client.put("/items/b01", json={"name": "New"}).status_code == 200
    answer = client.patch("/items/b01", json={"text": None, "properties": {"price": None}})
    assert answer.status_code == 200
    assert client.delete("/items/b01").status_code == 200
    assert changes(serving) == [
        ItemChange("b01", "put", {"name": "New"}),
        ItemChange("b01", "patch", {"price": None, "text": None}),
        ItemChange("b01", "delete"),
    ]


def test_users_have_properties_alone(client: FlaskClient, serving: FakeServing) -> None:
    assert client.put("/users/new", json={"name": "Ann", "properties": {"age": 40}}).status_code == 201
    assert client.patch("/users/r1", json={"properties": {"age": None}}).status_code == 200
    assert client.delete("/users/r1").status_code == 200
    assert client.put("/users/new", json={"text": "x"}).status_code == 422
    assert [(x.kind, x.operation) for x in serving.changes] == [
        ("user", "put"),
        ("user", "patch"),
        ("user", "delete"),
    ]
    assert changes(serving)[0].properties == {"age": 40, "name": "Ann"}


def test_users_who_came_after_the_snapshot_are_patched_and_deleted(
    client: FlaskClient, serving: FakeServing
) -> None:
    def statuses(user: str, *methods: str) -> list[int]:
        return [getattr(client, method)(f"/users/{user}", json={}).status_code for method in methods]

    assert statuses("new", "delete", "put", "put", "patch", "delete", "delete", "patch", "put") == (
        [404, 201, 200, 200, 200, 404, 404, 201]
    )
    assert statuses("r1", "delete", "patch", "put") == [200, 404, 201]
    serving.recommender.events = 7
    assert statuses("of events alone", "patch", "delete") == [200, 200]


def test_a_client_that_does_not_wait(client: FlaskClient, serving: FakeServing) -> None:
    answer = client.put("/items/x", json={}, headers={"Prefer": "respond-async, wait=10"})
    assert answer.status_code == 202
    assert serving.waited == [False]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_what_is_not_there_is_neither_patched_nor_deleted(
    client: FlaskClient, serving: FakeServing, method: str
) -> None:
    answer = getattr(client, method)("/items/zz", json={})
    assert answer.status_code == 404
    assert answer.json["detail"] == "no Book has the id 'zz'"
    client.delete("/items/b01")
    assert getattr(client, method)("/items/b01", json={}).status_code == 404
    assert client.put("/items/b01", json={}).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"relations": {"WRITEN_BY": ["Lem"]}}, "/relations/WRITEN_BY", "did you mean 'WRITTEN_BY'?"),
        ({"relations": {"BORROWED": ["r1"]}}, "/relations/BORROWED", "no relation 'BORROWED'"),
        (
            {"relations": {"WRITTEN_BY": ["Lem", "lem"]}},
            "/relations/WRITTEN_BY/1",
            "the id of 'lem' is 'Lem'",
        ),
        (
            {"relations": {"WRITTEN_BY": ["nobody"]}},
            "/relations/WRITTEN_BY/0",
            'write {"id": ..., "name": ...}',
        ),
        ({"relations": {"WRITTEN_BY": [{"id": "x"}]}}, "/relations/WRITTEN_BY/0", "no Author has the id"),
        ({"relations": {"WRITTEN_BY": [7]}}, "/relations/WRITTEN_BY/0", "object"),
        ({"properties": {"a": {"b": 1}}}, "/properties/a", "no objects as values"),
        ({"properties": {"a": [1, "x"]}}, "/properties/a", "texts alone, or numbers alone"),
        ({"properties": {"a": [None]}}, "/properties/a", "texts alone"),
        ({"properties": {"a": 2**63}}, "/properties/a", "63 bits"),
        ({"properties": {"a": -(2**63) - 1}}, "/properties/a", "63 bits"),
        ({"properties": {"a": [1] * 10_001}}, "/properties/a", "at most 10,000 values, not 10,001"),
        ({"properties": {"a": "x" * 1_000_001}}, "/properties/a", "1,000,000 characters"),
        ({"properties": {"a": [True, False]}}, "/properties/a", "texts alone, or numbers alone"),
        ({"properties": {"id": "x"}}, "/properties/id", "it is the id"),
        ({"properties": {"trailmix_run": "x"}}, "/properties/trailmix_run", "for itself"),
        ({"properties": {"name": "x"}}, "/properties/name", "as the field `name`"),
        ({"properties": {"text": "x"}}, "/properties/text", "as the field `text`"),
        ({"properties": {"": 1}}, "/properties/", "cannot name a property"),
        ({"propertys": {}}, "/propertys", "did you mean properties?"),
        ({"name": 7}, "/name", "string"),
    ],
)
def test_refusals_name_the_field_and_what_to_do(
    client: FlaskClient, serving: FakeServing, body: dict, pointer: str, detail: str
) -> None:
    answer = client.put("/items/b01", json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith(pointer)
    assert detail in answer.json["errors"][0]["detail"]
    assert not serving.changes


def test_numbers_that_json_does_not_have_are_refused(client: FlaskClient, serving: FakeServing) -> None:
    for text in ("NaN", "Infinity", "1e999"):
        answer = client.put(
            "/items/b01", data=f'{{"properties": {{"a": {text}}}}}', content_type="application/json"
        )
        assert answer.status_code in (400, 422), text
    assert not serving.changes


def test_one_answer_for_each_line(client: FlaskClient, serving: FakeServing) -> None:
    lines = [
        {"id": "n1", **ITEM},
        {"id": "b02", "operation": "patch", "relations": {"WRITTEN_BY": ["Herbert"]}},
        {"id": "zz", "operation": "patch"},
        {"id": "n1", "operation": "patch", "text": "more"},
        {"id": "b03", "operation": "delete"},
        {"id": "b03", "operation": "patch"},
        {"name": "no id"},
        "no object",
        {"id": "n2", "operation": "upsert"},
    ]
    body = "\n".join(map(json.dumps, lines))
    answer = client.post("/items", data=body, content_type="application/x-ndjson")
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    found = [json.loads(x) for x in answer.text.splitlines()]
    assert [x["index"] for x in found] == list(range(9))
    assert [x.get("change") for x in found] == [1, 2, None, 3, 4, None, None, None, None]
    assert found[2] == {
        "index": 2,
        "id": "zz",
        "status": "rejected",
        "pointer": "/id",
        "reason": "no Book has the id 'zz'",
    }
    assert (found[6]["pointer"], found[8]["pointer"]) == ("/id", "/operation")
    assert [x.operation for x in changes(serving)] == ["put", "patch", "patch", "delete"]
    assert changes(serving)[2].properties == {"text": "more"}


def test_several_users(client: FlaskClient, serving: FakeServing) -> None:
    answer = client.post("/users", json=[{"id": "a", "name": "Ann"}, {"id": "r1", "operation": "delete"}])
    assert [json.loads(x)["status"] for x in answer.text.splitlines()] == ["accepted", "accepted"]
    assert [(x.kind, x.id, x.operation) for x in serving.changes] == [
        ("user", "a", "put"),
        ("user", "r1", "delete"),
    ]


def test_bodies_that_cannot_be_read(client: FlaskClient, serving: FakeServing) -> None:
    assert client.put("/items/x", data="{}", content_type="text/plain").status_code == 415
    assert client.post("/items", data="{}", content_type="text/plain").status_code == 415
    assert client.put("/items/x", data="{", content_type="application/json").status_code == 400
    assert client.post("/items", json=[{"id": "x"}] * 10_001).status_code == 413
    assert not serving.changes


@pytest.mark.parametrize(
    "line",
    [
        r'{"id": "\ud800"}',
        r'{"id": "x", "properties": {"\ud800": 1}}',
        r'{"id": "x", "properties": {"a": ["\ud800"]}}',
        r'{"id": "x", "relations": {"\ud800": []}}',
    ],
)
def test_half_a_character_is_refused(client: FlaskClient, serving: FakeServing, line: str) -> None:
    answer = client.post("/items", data='{"id": "y"}\n' + line, content_type="application/x-ndjson")
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("line 2 is not JSON")
    assert not serving.changes


def test_a_byte_order_mark_and_deep_lines(client: FlaskClient, serving: FakeServing) -> None:
    marked = b'\xef\xbb\xbf{"id": "y"}\n{"id": "z"}'
    assert client.post("/items", data=marked, content_type="application/x-ndjson").status_code == 200
    assert [x.id for x in serving.changes] == ["y", "z"]
    deep = b"[" * 100_000 + b"]" * 100_000
    assert client.post("/items", data=deep, content_type="application/x-ndjson").status_code == 400


def test_only_an_administrator_changes_anything(client: FlaskClient, serving: FakeServing) -> None:
    far = {"REMOTE_ADDR": "192.0.2.1"}
    for method, path in (
        ("put", "/items/x"),
        ("patch", "/items/b01"),
        ("delete", "/users/r1"),
        ("post", "/items"),
    ):
        answer = getattr(client, method)(path, json={}, environ_overrides=far)
        assert answer.status_code == 403
    assert not serving.changes


def test_what_a_user_states_becomes_properties(client: FlaskClient, serving: FakeServing) -> None:
    stated = {"likes": ["Lem", "Author:Lem", "b01"], "blocks": []}
    assert client.patch("/users/r1", json={"profile": stated}).status_code == 200
    assert client.put("/users/r1", json={"profile": {"mutes": ["Gaiman"]}}).status_code == 200
    assert client.patch("/users/r1", json={"profile": None}).status_code == 200
    assert [dict(x.properties) for x in changes(serving)] == [
        {"profile_likes": ["Author:Lem", "Book:b01"], "profile_blocks": None},
        {"profile_mutes": ["Author:Gaiman"]},
        {"profile_likes": None, "profile_mutes": None, "profile_blocks": None},
    ]
    for body, pointer in (
        ({"profile": {"likes": ["zz"]}}, "/profile/likes/0"),
        ({"profile": {"hates": []}}, "/profile/hates"),
        ({"properties": {"profile_likes": ["Author:Lem"]}}, "/properties/profile_likes"),
    ):
        answer = client.patch("/users/r1", json=body)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_list_with_one_fraction_has_fractions_alone(client: FlaskClient, serving: FakeServing) -> None:
    client.put("/items/b01", json={"properties": {"a": [1, 2.5], "b": [1, 2], "c": []}})
    found = changes(serving)[0].properties
    assert [type(x) for x in (*found["a"], *found["b"])] == [float, float, int, int]
    assert found["c"] == []


def test_a_name_of_two_nodes_needs_its_label(client: FlaskClient, serving: FakeServing) -> None:
    before = serving.recommender.snapshot
    books, authors, readers = before.vocabularies
    labels = (*before.schema.labels[:2], LabelSchema(label="Theme", role="entity"), before.schema.labels[2])
    serving.recommender.snapshot = replace(
        before,
        schema=GraphSchema(
            labels=labels, relations=before.schema.relations, interactions=before.schema.interactions
        ),
        vocabularies=(books, authors, Vocabulary("Theme", ["Lem"]), readers),
        names=(*before.names[: before.first_user], "Lem", *readers.ids),
    )
    answer = client.patch("/users/r1", json={"profile": {"likes": ["Theme:Lem", "Lem"]}})
    assert answer.status_code == 422
    assert answer.json["errors"][0] == {
        "pointer": "/profile/likes/1",
        "detail": "'Lem' could be Author:Lem, Theme:Lem; write one of them",
    }
