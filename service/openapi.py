"""The OpenAPI 3.1 description, made from the same pydantic models that check requests and write answers."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.contract import Health, Readiness, Recommendation, RecommendRequest
from service.problems import MIMETYPE, Problem

Json = dict[str, Any]

_MODELS: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    (RecommendRequest, "validation"),
    (Recommendation, "serialization"),
    (Health, "serialization"),
    (Readiness, "serialization"),
    (Problem, "serialization"),
)

_EXAMPLE = {"text": "I like to watch science fiction movies", "k": 3}


@cache
def openapi_json() -> str:
    """The document as JSON text."""
    _, definitions = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trailmix",
            "version": version("trailmix"),
            "description": "Recommendations, each with the path in the graph that explains it.",
        },
        "paths": {
            "/recommend": {"post": _recommend()},
            "/healthz": {"get": _get("healthz", "The process answers", Health)},
            "/readyz": {"get": _get("readyz", "A model is loaded", Readiness, 503)},
            "/openapi.json": {"get": _described()},
        },
        "components": {"schemas": definitions["$defs"]},
    }
    return json.dumps(document)


def _recommend() -> Json:
    return {
        "operationId": "recommend",
        "summary": "Recommend items to a user",
        "description": "By user_id, history, likes or text, alone or together; none gives what is popular.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {**_schema(RecommendRequest), "example": _EXAMPLE}},
        },
        "responses": _responses(Recommendation, 400, 413, 415, 422, 500, 503),
    }


def _get(name: str, summary: str, answer: type[BaseModel], *problems: int) -> Json:
    return {"operationId": name, "summary": summary, "responses": _responses(answer, *problems, 500)}


def _described() -> Json:
    answer = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"operationId": "openapi", "summary": "This API, described", "responses": {"200": answer}}


_REASONS = {
    400: "The body is not JSON",
    413: "The body is too large",
    415: "The body is not declared as application/json",
    422: "A field is wrong or unknown; `errors` points at each",
    500: "A bug; the log has it under the request_id",
    503: "No model is loaded; `detail` says why",
}


def _responses(answer: type[BaseModel], *problems: int) -> Json:
    headers = {"X-Request-ID": {"description": "The request's id", "schema": {"type": "string"}}}
    responses: Json = {
        "200": {
            "description": "The answer",
            "headers": headers,
            "content": {"application/json": _schema(answer)},
        }
    }
    for status in problems:
        content = {MIMETYPE: _schema(Problem)}
        responses[str(status)] = {"description": _REASONS[status], "headers": headers, "content": content}
    return responses


def _schema(model: type[BaseModel]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
