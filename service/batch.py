"""Several recommendations in one request: `POST /recommend/batch`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from pydantic import BaseModel, Field, ValidationError

from kg.errors import TrailmixError
from service.contract import Recommendation, RecommendRequest
from service.json_lines import JSON_LINES, read_values
from service.problems import UNFORESEEN, InvalidRequestError, field_advice, json_pointer, pointer_of

MAX_REQUESTS = 1_000
_LONGEST_ID = 128
"""Characters of a request id."""

_log = structlog.get_logger()


class AnsweredLine(BaseModel):
    """One request's answer."""

    index: int = Field(ge=0, description="The place of the request in the body, from 0.")
    answer: Recommendation


class RefusedLine(BaseModel):
    """Why one request has no answer; the others have theirs."""

    index: int = Field(ge=0, description="The place of the request in the body, from 0.")
    pointer: str = Field(description='A JSON Pointer into the request; "" is the whole request.')
    reason: str


Given = RecommendRequest | RefusedLine


def read_batch(body: bytes, mimetype: str) -> Iterator[Given]:
    """The requests of a body, read one after another; a text is the id of a user.

    Raises:
        InvalidRequestError: the body is no JSON, or has too many requests.
    """
    if mimetype not in JSON_LINES:
        values = read_values(body, mimetype, MAX_REQUESTS, "requests")
        return (_request(index, value) for index, value in enumerate(values))
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MAX_REQUESTS:
        raise InvalidRequestError(413, f"{len(lines):,} requests; a body may have {MAX_REQUESTS:,}")
    return (_line(index, line) for index, line in enumerate(lines))


def answered(
    given: Iterator[Given], answer: Callable[[RecommendRequest, str], Recommendation], request_id: str
) -> Iterator[str]:
    """A line of JSON for each request, in order, each written before the next request is answered.

    `answer` is given a request and an id for it. Closing the iterator ends the work.
    """
    done = refused = 0
    try:
        for index, one in enumerate(given):
            line = one if isinstance(one, RefusedLine) else _answered(index, one, answer, request_id)
            refused += isinstance(line, RefusedLine)
            yield line.model_dump_json() + "\n"
            done += 1
    finally:
        _log.info("batch_answered", request_id=request_id, lines=done, refused=refused)


def _answered(
    index: int,
    request: RecommendRequest,
    answer: Callable[[RecommendRequest, str], Recommendation],
    request_id: str,
) -> AnsweredLine | RefusedLine:
    own = f".{index}"
    try:
        found = answer(request, request_id[: _LONGEST_ID - len(own)] + own)
        return AnsweredLine(index=index, answer=found)
    except TrailmixError as error:
        return RefusedLine(index=index, pointer=pointer_of(error), reason=str(error))
    except Exception as error:  # noqa: BLE001 - the requests after it are answered all the same
        _log.error("request_failed", path="/recommend/batch", request_id=request_id, exc_info=error)
        return RefusedLine(index=index, pointer="", reason=UNFORESEEN)


def _line(index: int, line: bytes) -> Given:
    try:
        return _request(index, json.loads(line))
    except (ValueError, RecursionError) as error:
        return RefusedLine(index=index, pointer="", reason=f"the line is not JSON: {error}")


def _request(index: int, value: Any) -> Given:
    try:
        return RecommendRequest.model_validate({"user_id": value} if isinstance(value, str) else value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        advice = field_advice(first, list(RecommendRequest.model_fields))
        return RefusedLine(index=index, pointer=json_pointer(first), reason=advice)
