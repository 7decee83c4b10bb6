"""Errors as RFC 9457 problem details; the only place where they become HTTP statuses."""

import difflib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from kg.errors import (
    ArtifactError,
    CursorError,
    CursorExpiredError,
    DataError,
    GraphError,
    InvalidFieldsError,
    ModelWorseError,
    OutboxError,
    OutboxFullError,
    TrailmixError,
    UnknownIdError,
    UsageError,
)
from service.contract import Remark
from service.wire import pointer_token

MIMETYPE = "application/problem+json"

STATUSES: Mapping[type[TrailmixError], int] = {
    UnknownIdError: 404,
    InvalidFieldsError: 422,
    CursorExpiredError: 410,
    CursorError: 422,
    UsageError: 400,
    DataError: 422,
    GraphError: 503,
    ModelWorseError: 409,
    OutboxFullError: 507,
    OutboxError: 503,
    ArtifactError: 503,
}
"""The first class that matches an error gives the status; any other error is a 500."""

UNFORESEEN = "something went wrong here; the log has it under this request_id"
"""What a client is told of a bug."""

_log = structlog.get_logger()


class Problem(BaseModel):
    """RFC 9457: `type` is about:blank, so `title` is the phrase of the status; `errors` name what to mend."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    """The path that was asked for."""
    request_id: str
    errors: list[Remark] = []


class InvalidRequestError(Exception):
    """A request whose body is not what the operation takes: a status, a sentence and the fields to mend."""

    def __init__(self, status: int, detail: str, errors: list[Remark] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors or []


def register_problems(app: Flask) -> None:
    """Answer every error of the app with a problem."""
    app.register_error_handler(InvalidRequestError, _invalid)
    app.register_error_handler(TrailmixError, _trailmix)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def invalid(error: ValidationError, model: type[BaseModel]) -> InvalidRequestError:
    """A problem from pydantic's errors, one entry per field: 400 if the body is not JSON, else 422."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid" and not found[0]["loc"]:
        return InvalidRequestError(400, f"the body is not JSON: {found[0]['msg'].partition(': ')[2]}")
    fields = list(model.model_fields)
    remarks = [Remark(pointer=json_pointer(x), detail=field_advice(x, fields)) for x in found]
    return InvalidRequestError(422, "; ".join(x.detail for x in remarks[:5]), remarks)


def pointer_of(error: TrailmixError) -> str:
    """Which field of a request an error is about; "" is the whole request."""
    return "/cursor" if isinstance(error, CursorError) else ""


def json_pointer(error: ErrorDetails) -> str:
    """Which field an error of pydantic is about (RFC 6901); "" is the whole body."""
    return "".join(f"/{pointer_token(x)}" for x in error["loc"])


def field_advice(error: ErrorDetails, fields: list[str]) -> str:
    """What to mend, in a sentence; `fields` are the names that there are."""
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(fields)}"
        return f"unknown field {name[:80]}; {hint}"
    message = error["msg"].removeprefix("Value error, ")
    where = ".".join(map(str, error["loc"])) or "the body"
    return f"{where}: {message[0].lower()}{message[1:]}"


def _answer(status: int, detail: str, errors: list[Remark] | None = None) -> Response:
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.path,
        request_id=g.get("request_id", ""),
        errors=errors or [],
    )
    skipped = set() if problem.errors else {"errors"}
    return Response(problem.model_dump_json(exclude=skipped), status, mimetype=MIMETYPE)


def _invalid(error: InvalidRequestError) -> Response:
    return _answer(error.status, str(error), error.errors)


def _trailmix(error: TrailmixError) -> Response:
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            fields = error.fields if isinstance(error, InvalidFieldsError) else ()
            remarks = [Remark(pointer=pointer, detail=detail) for pointer, detail in fields]
            if pointer_of(error):
                remarks.append(Remark(pointer=pointer_of(error), detail=str(error)))
            return _answer(status, str(error), remarks)
    return _unforeseen(error)


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return Response(error.get_response().get_data(), error.code, dict(error.get_headers()))
    answer = _answer(error.code, error.description or HTTPStatus(error.code).description)
    kept: dict[str, Any] = {k: v for k, v in error.get_headers() if k != "Content-Type"}
    answer.headers.update(kept)
    return answer


def _unforeseen(error: Exception) -> Response:
    """An unexpected error: logged with its traceback, answered without internals."""
    _log.error("request_failed", path=request.path, exc_info=error)
    return _answer(500, UNFORESEEN)
