"""The OpenAPI 3.1 description, made from the same pydantic models that check requests and write answers."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from kg.schema import LONGEST_ID
from service.batch import MAX_REQUESTS, AnsweredLine, RefusedLine
from service.catalogue.contract import (
    ITEMS,
    MAX_LINES,
    USERS,
    ChangeAnswer,
    ChangedItem,
    ChangedUser,
    ItemLine,
    LineAnswer,
    NodeReader,
    UserLine,
)
from service.contract import Health, Readiness, Recommendation, RecommendRequest
from service.events.contract import MAX_EVENTS, EventsAnswer, PostedEvent
from service.found.contract import ItemAnswer, SearchAnswer, SearchRequest, SimilarAnswer, SimilarRequest
from service.json_lines import FORM, JSON_LINES, MIMETYPES
from service.models import ActivateRequest, ActivationAnswer, ModelList
from service.problems import MIMETYPE, Problem
from service.profile.contract import ProfileAnswer
from service.rules.contract import RULE_NAME, RuleDefinition, RuleList, RuleRemoved, RuleView
from service.validation import Validation

Json = dict[str, Any]

_HEADERS = {"X-Request-ID": {"description": "The request's id", "schema": {"type": "string"}}}

_MODELS: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    (RecommendRequest, "validation"),
    (Recommendation, "serialization"),
    (Validation, "serialization"),
    (AnsweredLine, "serialization"),
    (RefusedLine, "serialization"),
    (PostedEvent, "validation"),
    (EventsAnswer, "serialization"),
    (ChangedItem, "validation"),
    (ChangedUser, "validation"),
    (ItemLine, "validation"),
    (UserLine, "validation"),
    (ChangeAnswer, "serialization"),
    (LineAnswer, "serialization"),
    (ItemAnswer, "serialization"),
    (ProfileAnswer, "serialization"),
    (SearchAnswer, "serialization"),
    (SimilarRequest, "validation"),
    (SimilarAnswer, "serialization"),
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
            "/recommend/batch": {"post": _batch()},
            "/recommend/validate": {"post": _validate()},
            "/events": {"post": _events()},
            "/search": {"get": _search()},
            "/similar": {"post": _similar()},
            "/items": {"post": _changes(ITEMS)},
            "/items/{item_id}": _node(ITEMS),
            "/users": {"post": _changes(USERS)},
            "/users/{user_id}": _node(USERS),
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
        "requestBody": _recommend_body(),
        "responses": _responses(Recommendation, 400, 410, 413, 415, 422, 500, 503),
    }


def _recommend_body() -> Json:
    return {
        "required": True,
        "content": {
            "application/json": {**_schema(RecommendRequest), "example": _EXAMPLE},
            FORM: {"schema": _form()},
        },
    }


def _form() -> Json:
    """The fields of a request as a form has them, which cannot say null."""
    schema = RecommendRequest.model_json_schema()
    own = {}
    for name, field in schema["properties"].items():
        given = [x for x in field.get("anyOf", [field]) if x.get("type") != "null"]
        own[name] = {**given[0], "description": field["description"]}
    return {"type": "object", "properties": own, "additionalProperties": False}


def _validate() -> Json:
    return {
        "operationId": "validate",
        "summary": "Say how a request for recommendations would be understood",
        "requestBody": _recommend_body(),
        "responses": _responses(Validation, 400, 410, 413, 415, 422, 500, 503),
    }


def _batch() -> Json:
    user = {"type": "string", "description": "A user_id"}
    one = {"anyOf": [_schema(RecommendRequest)["schema"], user]}
    many = {"type": "array", "items": one, "maxItems": MAX_REQUESTS}
    json_, *others = MIMETYPES
    lines = {"schema": {"type": "string"}}
    answer = {
        "description": "A line for each request, in order: an AnsweredLine or a RefusedLine",
        "headers": _HEADERS,
        "content": {JSON_LINES[0]: lines},
    }
    return {
        "operationId": "recommend_batch",
        "summary": "Recommend items to several users",
        "requestBody": {
            "required": True,
            "content": {json_: {"schema": {"anyOf": [many, one]}}, **dict.fromkeys(others, lines)},
        },
        "responses": {"200": answer, **{str(x): _problem(x) for x in (400, 413, 415, 500, 503)}},
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


def _node(reader: NodeReader) -> Json:
    """What changes one item or user."""
    kind = reader.kind
    identifier = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
    named: Json = {
        "name": f"{kind}_id",
        "in": "path",
        "required": True,
        "description": 'Any characters, percent-encoded; a "/" may also stand as it is.',
        "schema": identifier,
    }
    wait: Json = {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async` answers as soon as the change is kept, before answers know it.",
        "schema": {"type": "string"},
    }
    body = {"required": True, "content": {"application/json": _schema(reader.body)}}
    done = {"description": f"Known to the next answer; 201: the {kind} is new", **_answer(ChangeAnswer)}
    kept = {"description": "Kept; known to answers a moment later", **_answer(ChangeAnswer)}

    def operation(verb: str, summary: str, *problems: int, takes_body: bool = True) -> Json:
        problem = {str(x): _problem(x) for x in (403, *problems, 500, 503, 507)}
        found = {
            "operationId": f"{verb}_{kind}",
            "summary": summary,
            "parameters": [wait],
            "responses": {"200": done, "201": done, "202": kept, **problem},
        }
        return {**found, "requestBody": body} if takes_body else found

    return {
        "parameters": [named],
        "get": _SHOWN[kind],
        "put": operation("put", f"Make a {kind}, or replace what it is", 400, 404, 413, 415, 422),
        "patch": operation("patch", f"Change what is given of a {kind}", 400, 404, 413, 415, 422),
        "delete": operation("delete", f"Delete a {kind} with all its events", 404, 422, takes_body=False),
    }


def _search() -> Json:
    schema = SearchRequest.model_json_schema()
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": own.pop("description"),
            "schema": own,
        }
        for name, own in schema["properties"].items()
    ]
    return {
        "operationId": "search",
        "summary": "Look for items and entities by name and meaning",
        "parameters": parameters,
        "responses": _responses(SearchAnswer, 422, 500, 503),
    }


def _similar() -> Json:
    example = {"positive": ["Movie:1214"], "negative": ["Genre:Horror"], "by": "mixed", "k": 3}
    return {
        "operationId": "similar",
        "summary": "Find what is similar to items or entities",
        "requestBody": {
            "required": True,
            "content": {"application/json": {**_schema(SimilarRequest), "example": example}},
        },
        "responses": _responses(SimilarAnswer, 400, 413, 415, 422, 500, 503),
    }


def _changes(reader: NodeReader) -> Json:
    """What changes several."""
    one = _schema(reader.line)["schema"]
    many = {"type": "array", "items": one, "maxItems": MAX_LINES}
    json_, *others = MIMETYPES
    lines = {"schema": {"type": "string"}}
    answered = {
        "description": "A line for each change, in order",
        "headers": _HEADERS,
        "content": {JSON_LINES[0]: lines},
    }
    problems = {str(x): _problem(x) for x in (400, 403, 413, 415, 500, 503, 507)}
    return {
        "operationId": f"change_{reader.kind}s",
        "summary": f"Change several {reader.kind}s; one answer for each line",
        "requestBody": {
            "required": True,
            "content": {json_: {"schema": {"oneOf": [one, many]}}, **dict.fromkeys(others, lines)},
        },
        "responses": {"200": answered, **problems},
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
    403: "The caller may not change models, items, users or rules",
    404: "There is no such model, item, user or rule",
    409: "The model cannot be used, or is worse than the active one; `force` activates a worse one",
    410: "The cursor has expired: the model that it belongs to is gone",
    413: "The body is too large",
    415: "The body is not declared as one of these types",
    422: "A field is wrong or unknown; `errors` points at each",
    500: "A bug; the log has it under the request_id",
    503: "No model is loaded, the graph does not answer, or a file cannot be written; `detail` says why",
    507: "There is no space left; nothing of the request is kept",
}


def _responses(answer: type[BaseModel], *problems: int) -> Json:
    responses: Json = {"200": {"description": "The answer", **_answer(answer)}}
    return {**responses, **{str(status): _problem(status) for status in problems}}


def _problem(status: int) -> Json:
    content = {MIMETYPE: _schema(Problem)}
    return {"description": _REASONS[status], "headers": _HEADERS, "content": content}


def _answer(model: type[BaseModel]) -> Json:
    return {"headers": _HEADERS, "content": {"application/json": _schema(model)}}


def _schema(model: type[BaseModel]) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}


_SHOWN: Json = {
    "item": _get("item", "What the graph knows of an item", ItemAnswer, 404, 503),
    "user": _get("profile", "What the service believes of a user, and why", ProfileAnswer, 404, 503),
}
