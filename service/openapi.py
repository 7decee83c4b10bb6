"""The OpenAPI 3.1 description, made from the same pydantic models that check requests and write answers."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.contract import Health, Readiness, Recommendation, RecommendRequest
from service.events.contract import MAX_EVENTS, EventsAnswer, PostedEvent
from service.json_lines import MIMETYPES
from service.models import ActivateRequest, ActivationAnswer, ModelList
from service.problems import MIMETYPE, Problem
from service.rules.contract import RULE_NAME, RuleDefinition, RuleList, RuleRemoved, RuleView

Json = dict[str, Any]

_HEADERS = {"X-Request-ID": {"description": "The request's id", "schema": {"type": "string"}}}

_MODELS: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    (RecommendRequest, "validation"),
    (Recommendation, "serialization"),
    (PostedEvent, "validation"),
    (EventsAnswer, "serialization"),
    (ModelList, "serialization"),
    (ActivateRequest, "validation"),
    (ActivationAnswer, "serialization"),
    (RuleDefinition, "validation"),
    (RuleDefinition, "serialization"),
    (RuleList, "serialization"),
    (RuleRemoved, "serialization"),
    (RuleView, "serialization"),
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
            "/events": {"post": _events()},
            "/models": {"get": _get("models", "The trained models", ModelList)},
            "/models/{version}/activate": {"post": _activate()},
            "/models/rollback": {"post": _rollback()},
            **_rules(),
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
            "content": {
                "application/json": {**_schema(RecommendRequest), "example": _EXAMPLE},
                "application/x-www-form-urlencoded": _schema(RecommendRequest),
            },
        },
        "responses": _responses(Recommendation, 400, 413, 415, 422, 500, 503),
    }


def _events() -> Json:
    one = _schema(PostedEvent)["schema"]
    many = {"type": "array", "items": one, "maxItems": MAX_EVENTS}
    listed = {
        "type": "object",
        "properties": {"events": many},
        "required": ["events"],
        "additionalProperties": False,
    }
    lines = {"schema": {"type": "string"}}
    json_, *others = MIMETYPES
    responses = _responses(EventsAnswer, 400, 413, 415, 500, 503, 507)
    refused = {"description": "No event was accepted; each has its reason", **_answer(EventsAnswer)}
    return {
        "operationId": "events",
        "summary": "Keep events, one or many",
        "requestBody": {
            "required": True,
            "content": {json_: {"schema": {"oneOf": [one, many, listed]}}, **dict.fromkeys(others, lines)},
        },
        "responses": {**responses, "422": refused},
    }


def _activate() -> Json:
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "activate",
        "summary": "Make a trained model the active one",
        "parameters": [version],
        "requestBody": {"content": {"application/json": _schema(ActivateRequest)}},
        "responses": _responses(ActivationAnswer, 400, 403, 404, 409, 413, 415, 422, 500),
    }


def _rollback() -> Json:
    return {
        "operationId": "rollback",
        "summary": "Use the model again that was active before",
        "responses": _responses(ActivationAnswer, 403, 409, 500),
    }


def _rules() -> Json:
    schema = {"type": "string", "pattern": f"^{RULE_NAME}$"}
    name = [{"name": "name", "in": "path", "required": True, "schema": schema}]
    listed, one = _responses(RuleList, 403, 500, 503), _responses(RuleView, 403, 404, 500, 503)
    example = {
        "cypher": "MATCH (m:Movie)-[:HAS_GENRE]->(:Genre {id: $genre}) RETURN m.id AS id",
        "parameters": {"genre": "Horror"},
        "effect": "deny",
    }
    put = {
        "operationId": "put_rule",
        "summary": "Check and evaluate a rule, then store it",
        "requestBody": {
            "required": True,
            "content": {"application/json": {**_schema(RuleDefinition), "example": example}},
        },
        "responses": _responses(RuleView, 400, 403, 404, 413, 415, 422, 500, 503, 507),
    }
    shown = {"operationId": "rule", "summary": "One rule", "responses": one}
    removed = _responses(RuleRemoved, 403, 404, 500, 503, 507)
    delete = {"operationId": "remove_rule", "summary": "Remove a rule", "responses": removed}
    refreshed = _responses(RuleView, 403, 404, 500, 503, 507)
    refresh = {"operationId": "refresh_rule", "summary": "Evaluate a rule now", "responses": refreshed}
    of_one = {"get": shown, "put": put, "delete": delete}
    return {
        "/rules": {"get": {"operationId": "rules", "summary": "All rules", "responses": listed}},
        "/rules/{name}": {method: {**own, "parameters": name} for method, own in of_one.items()},
        "/rules/{name}/refresh": {"post": {**refresh, "parameters": name}},
    }


def _get(name: str, summary: str, answer: type[BaseModel], *problems: int) -> Json:
    return {"operationId": name, "summary": summary, "responses": _responses(answer, *problems, 500)}


def _described() -> Json:
    answer = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"operationId": "openapi", "summary": "This API, described", "responses": {"200": answer}}


_REASONS = {
    400: "The body is not JSON",
    403: "The caller may not administer models or rules",
    404: "There is no such model or rule",
    409: "The model cannot be used, or is worse than the active one; `force` activates a worse one",
    413: "The body is too large",
    415: "The body is not declared as one of these types",
    422: "A field is wrong or unknown; `errors` points at each",
    500: "A bug; the log has it under the request_id",
    503: "No model is loaded, the graph does not answer, or a file cannot be written; `detail` says why",
    507: "There is no space left for events; none of the request is kept",
}


def _responses(answer: type[BaseModel], *problems: int) -> Json:
    responses: Json = {"200": {"description": "The answer", **_answer(answer)}}
    for status in problems:
        content = {MIMETYPE: _schema(Problem)}
        responses[str(status)] = {"description": _REASONS[status], "headers": _HEADERS, "content": content}
    return responses


def _answer(model: type[BaseModel]) -> Json:
    return {"headers": _HEADERS, "content": {"application/json": _schema(model)}}


def _schema(model: type[BaseModel]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
