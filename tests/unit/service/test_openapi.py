"""The API as it is described to machines: complete, valid, and true of what is answered."""

import json
from pathlib import Path

import pytest
from fake_serving import FakeServing
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import ValidationError

from kg.settings import Settings
from service import openapi
from service.app import create_app
from service.contract import RecommendRequest
from service.events.outbox import Outbox
from service.recommender import Recommender


def test_the_description_is_valid_and_complete(client: FlaskClient, app: Flask) -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator

    document = json.loads(openapi.openapi_json())
    assert client.get("/openapi.json").get_json() == document
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"].items()
    described = {(p, m.upper()) for p, methods in paths for m in methods if m != "parameters"}
    routes = {
        (r.rule.replace("id:", "").replace("<", "{").replace(">", "}"), m)
        for r in app.url_map.iter_rules()
        for m in r.methods - {"HEAD", "OPTIONS"}
    }
    assert described == routes


def test_answers_and_problems_are_as_described(
    client: FlaskClient, recommender: Recommender, tmp_path: Path
) -> None:
    from openapi_schema_validator import OAS31Validator

    schemas = json.loads(openapi.openapi_json())["components"]["schemas"]

    def check(name: str, value: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        OAS31Validator(schema).validate(value)

    real = create_app(Settings(), FakeServing(recommender, Outbox(tmp_path))).test_client()
    request = {"user_id": "u1", "likes": ["zz"], "user_input": "scary", "k": 3}
    check("RecommendRequest", request)
    check("RecommendRequest", dict.fromkeys(RecommendRequest.model_fields))
    with pytest.raises(ValidationError):
        check("RecommendRequest", {"history": [None]})
    answer = real.post("/recommend", json=request).get_json()
    assert answer["items"][0]["paths"]
    check("Recommendation", answer)
    check("Problem", client.post("/recommend", json={"k": 0}).get_json())
    check("Validation", real.post("/recommend/validate", json=request).get_json())
    lines = real.post("/recommend/batch", json=["u1", {"k": 0}]).text.splitlines()
    check("AnsweredLine", json.loads(lines[0]))
    check("RefusedLine", json.loads(lines[1]))
    check("ItemAnswer", real.get("/items/m1").get_json())
    found = real.get("/search?q=alien&user_id=zz").get_json()
    assert found["hits"]
    assert found["warnings"]
    check("SearchAnswer", found)
    similar = real.post("/similar", json={"positive": ["m1", "zz"]}).get_json()
    assert similar["hits"][0]["paths"]
    check("SimilarAnswer", similar)
    check("Problem", client.get("/nowhere").get_json())
    check("Readiness", client.get("/readyz").get_json())
