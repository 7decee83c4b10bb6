"""The HTTP service: a Flask app around a `Recommender`; docs/http-api.md describes it.

Plain Flask: APIFlask 3.1 reads JSON whatever its content type and flattens pydantic's errors to dotted names,
which would lose the pointers that our problems promise.
"""

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Protocol, TypeVar

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from pydantic import BaseModel, ValidationError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import RequestEntityTooLarge

from embeddings.data.threads import n_workers
from embeddings.model.versions import Activation
from kg.errors import ArtifactError
from kg.settings import Settings
from service.contract import Health, Readiness, Recommendation, RecommendRequest
from service.events.contract import EVENT_MIMETYPES, EventsAnswer, read_events
from service.events.outbox import Outbox
from service.events.types import EventType
from service.kept_answers import KeptAnswer, KeptAnswers
from service.models import ActivateRequest, activation_answer, may_administer, model_list
from service.openapi import openapi_json
from service.problems import InvalidRequestError, invalid, register_problems

MAX_BODY = 50 * 1024 * 1024
"""Bytes; more than the longest request that its fields allow: two lists of 1,000 ids of 2,000 characters, 12
bytes each, as JSON may write a character in two escapes."""

REQUEST_ID = "X-Request-ID"

_FORM = "application/x-www-form-urlencoded"

EXTENSION = "trailmix"
"""Where the app has what it serves."""

_KEPT = "trailmix_kept_answers"

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")

_Model = TypeVar("_Model", bound=BaseModel)

_TURNS = BoundedSemaphore(n_workers())
"""As many recommendations at a time as there are processors: more only wait for each other."""

_log = structlog.get_logger()
_routes = Blueprint("trailmix", __name__)


class Answering(Protocol):
    """What the service needs of a recommender; `service.recommender.Recommender` is one."""

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """The types of events that may be posted, by name."""

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""

    def last_event(self, user_id: str | None) -> int:
        """The number of the user's last event since the snapshot; 0 without one."""

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The answer to one request; equal for equal requests while `last_event` is the same."""


class Served(Protocol):
    """What an app serves; `service.serving.Serving` is one."""

    outbox: Outbox

    def activate(self, version: str, *, force: bool = False) -> Activation:
        """Answer by another saved version from now on."""

    def roll_back(self) -> Activation:
        """Answer by the version again that was active before."""

    @property
    def recommender(self) -> Answering:
        """Whatever answers now."""


def create_app(settings: Settings, served: Served | None = None) -> Flask:
    """The service as a WSGI application.

    Without `served` the active model is loaded from disk, now and, once the `Serving` among the app's
    extensions is started, whenever another one becomes active. Where that fails the app answers all the same:
    `/readyz` and `/recommend` with 503 and the reason.
    """
    app = Flask("trailmix", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions[EXTENSION] = served or _loaded(settings)
    app.config["TRAILMIX"] = settings
    app.extensions[_KEPT] = KeptAnswers()
    register_problems(app)
    app.before_request(_begin)
    app.after_request(_end)
    app.register_blueprint(_routes)
    return app


def _loaded(settings: Settings) -> Served:
    from service.loading import load_recommender  # slow to import, unneeded if a recommender is given
    from service.serving import Serving

    serving = Serving(settings, load_recommender)
    serving.refresh()
    return serving


def _settings() -> Settings:
    found: Settings = current_app.config["TRAILMIX"]
    return found


def _check_administrator() -> None:
    if may_administer(_settings(), request.remote_addr, dict(request.headers)):
        return
    raise InvalidRequestError(
        HTTPStatus.FORBIDDEN,
        "models are changed with the header `Authorization: Bearer` and TRAILMIX_ADMIN_TOKEN, or, where that"
        " is unset, from the same machine",
    )


@contextmanager
def _unusable_models() -> Iterator[None]:
    """The service goes on with its model if another one cannot be used: a conflict, not a failure of it."""
    try:
        yield
    except ArtifactError as error:
        raise InvalidRequestError(HTTPStatus.CONFLICT, str(error)) from None


def _kept() -> KeptAnswers:
    found: KeptAnswers = current_app.extensions[_KEPT]
    return found


def _served() -> Served:
    found: Served = current_app.extensions[EXTENSION]
    return found


def _recommender() -> Answering:
    return _served().recommender


@_routes.post("/recommend")
def recommend() -> Response:
    """Recommend items to a user."""
    recommender = _recommender()
    if request.mimetype == _FORM:
        return _json(_answer(recommender, _form()))
    body = _json_body(f"application/json or {_FORM}")
    kept, version = _kept(), recommender.model_version
    found = kept.find(version, body)
    if found is None or found.last_event != recommender.last_event(found.user_id):
        given = _validated(RecommendRequest, body)
        last = recommender.last_event(given.user_id)  # first: an event that comes now makes it out of date
        found = KeptAnswer.of(_answer(recommender, given), given.user_id, last)
        kept.keep(version, body, found)
    return Response(found.for_request(g.request_id), mimetype="application/json")


def _answer(recommender: Answering, given: RecommendRequest) -> Recommendation:
    with _TURNS:
        return recommender.recommend(given, request_id=g.request_id)


@_routes.post("/events")
def events() -> Response:
    """Keep events; they are on disk before the answer, and count in the next recommendation."""
    body, mimetype = _raw_body(), request.mimetype
    if mimetype not in EVENT_MIMETYPES:
        raise _unsupported(" or ".join(EVENT_MIMETYPES[:2]))
    given, rejected = read_events(body, mimetype, _recommender().event_types)
    kept = _served().outbox.add(given) if given else []
    answer = EventsAnswer(accepted=len(kept), duplicates=len(given) - len(kept), rejected=rejected)
    nothing = bool(rejected) and not given
    return _json(answer, HTTPStatus.UNPROCESSABLE_ENTITY if nothing else HTTPStatus.OK)


@_routes.get("/models")
def models() -> Response:
    """The trained models."""
    return _json(model_list(_settings()))


@_routes.post("/models/<version>/activate")
def activate(version: str) -> Response:
    """Make a trained model the active one."""
    _check_administrator()
    given = _body(ActivateRequest) if request.get_data() else ActivateRequest()
    with _unusable_models():
        done = _served().activate(version, force=given.force)
        return _json(activation_answer(_settings(), done))


@_routes.post("/models/rollback")
def rollback() -> Response:
    """Use the model again that was active before."""
    _check_administrator()
    with _unusable_models():
        return _json(activation_answer(_settings(), _served().roll_back()))


@_routes.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return _json(Health())


@_routes.get("/readyz")
def readyz() -> Response:
    """A model is loaded and requests can be answered."""
    return _json(Readiness(model_version=_recommender().model_version))


@_routes.get("/openapi.json")
def openapi() -> Response:
    """This API, described."""
    return Response(openapi_json(), mimetype="application/json")


def _form() -> RecommendRequest:
    """The fields of a form; a list has one field for each value."""
    fields = RecommendRequest.model_fields
    lists = [name for name, field in fields.items() if field.default_factory is list]
    if next(iter(request.form), "").startswith("{"):
        raise _unsupported("this JSON as application/json")
    values = {name: own if name in lists else own[-1] for name, own in request.form.lists()}
    try:
        return RecommendRequest.model_validate(values, strict=False)
    except ValidationError as error:
        raise invalid(error, RecommendRequest) from None


def _body(model: type[_Model]) -> _Model:
    return _validated(model, _json_body("application/json"))


def _json_body(accepted: str) -> bytes:
    if not request.is_json:
        raise _unsupported(accepted)
    return _raw_body()


def _validated(model: type[_Model], body: bytes) -> _Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error, model) from None


def _raw_body() -> bytes:
    body = request.get_data()
    if len(body) >= MAX_BODY:  # a chunked body announces no length, and is cut off here
        raise RequestEntityTooLarge
    return body


def _unsupported(accepted: str) -> InvalidRequestError:
    got = request.mimetype or "no content type"
    return InvalidRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {accepted}, not {got}")


def _json(answer: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(answer.model_dump_json(), status, mimetype="application/json")


def _begin() -> None:
    asked = request.headers.get(REQUEST_ID, "")
    g.request_id = asked if _SANE_ID.fullmatch(asked) else uuid.uuid4().hex
    g.began = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[REQUEST_ID] = g.request_id
    milliseconds = round(1000 * (time.perf_counter() - g.began), 1)
    _log.info(
        "request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds
    )
    return response
