"""Routes that change items and users; only an administrator may."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from kg.item_changes import ItemChange, Operation
from service.catalogue.change_log import StoredChange
from service.catalogue.contract import (
    ITEMS,
    MAX_LINES,
    USERS,
    Catalogue,
    ChangeAnswer,
    LineAnswer,
    NodeReader,
    RefusedChangeError,
)
from service.contract import Remark
from service.http import body_of, check_administrator, json_answer, raw_body, served, unsupported
from service.json_lines import JSON_LINES, MIMETYPES, read_values
from service.problems import InvalidRequestError

routes = Blueprint("catalogue", __name__)

_ASYNC = "respond-async"
"""The preference (RFC 7240) of a client that does not wait until answers know a change."""


@routes.put("/items/<id:item_id>")
def put_item(item_id: str) -> Response:
    """Make an item, or replace what it is."""
    return _change(ITEMS, item_id, "put")


@routes.patch("/items/<id:item_id>")
def patch_item(item_id: str) -> Response:
    """Change what is given of an item."""
    return _change(ITEMS, item_id, "patch")


@routes.delete("/items/<id:item_id>")
def delete_item(item_id: str) -> Response:
    """Delete an item, with its relations and events."""
    return _change(ITEMS, item_id, "delete")


@routes.post("/items")
def change_items() -> Response:
    """Change several items; one answer for each line."""
    return _change_lines(ITEMS)


@routes.put("/users/<id:user_id>")
def put_user(user_id: str) -> Response:
    """Make a user, or replace the user's properties; events stay."""
    return _change(USERS, user_id, "put")


@routes.patch("/users/<id:user_id>")
def patch_user(user_id: str) -> Response:
    """Change what is given of a user."""
    return _change(USERS, user_id, "patch")


@routes.delete("/users/<id:user_id>")
def delete_user(user_id: str) -> Response:
    """Delete a user with all events."""
    return _change(USERS, user_id, "delete")


@routes.post("/users")
def change_users() -> Response:
    """Change several users; one answer for each line."""
    return _change_lines(USERS)


def _catalogue() -> Catalogue:
    recommender = served().recommender
    return Catalogue(recommender.snapshot, served().last_operation, recommender.last_event)


def _change(reader: NodeReader, external_id: str, operation: Operation) -> Response:
    check_administrator(f"{reader.kind}s")
    body: Any = None if operation == "delete" else body_of(reader.body)
    catalogue = _catalogue()
    known = catalogue.has(reader.label(catalogue.snapshot).label, external_id)
    try:
        change = reader.read(catalogue, external_id, operation, body)
    except RefusedChangeError as error:
        remarks = [Remark(pointer=error.pointer, detail=str(error))] if error.status == 422 else []
        raise InvalidRequestError(error.status, str(error), remarks) from None
    (number,) = _keep(reader, [change])
    answer = ChangeAnswer(id=external_id, change=number)
    if _asynchronous():
        return json_answer(answer, HTTPStatus.ACCEPTED)
    return json_answer(answer, HTTPStatus.OK if known else HTTPStatus.CREATED)


def _change_lines(reader: NodeReader) -> Response:
    check_administrator(f"{reader.kind}s")
    body, mimetype = raw_body(), request.mimetype
    if mimetype not in MIMETYPES:
        raise unsupported(" or ".join(MIMETYPES[:2]))
    values = read_values(body, mimetype, MAX_LINES, "changes")
    found = list(reader.read_lines(values, _catalogue()))
    numbers = iter(_keep(reader, [change for change, _ in found if change is not None]))
    lines = (
        answer.model_copy(update={"change": next(numbers)}) if change is not None else answer
        for change, answer in found
    )
    return _lines(lines)


def _keep(reader: NodeReader, changes: Iterable[ItemChange]) -> list[int]:
    """Keep changes; returns their numbers."""
    stored = [StoredChange.of(reader.kind, x) for x in changes]
    kept = served().change(stored, wait=not _asynchronous()) if stored else []
    return [x.number for x in kept]


def _asynchronous() -> bool:
    return any(_ASYNC in value.lower() for value in request.headers.getlist("Prefer"))


def _lines(answers: Iterable[LineAnswer]) -> Response:
    text = "".join(x.model_dump_json(exclude_none=True) + "\n" for x in answers)
    return Response(text, mimetype=JSON_LINES[0])
