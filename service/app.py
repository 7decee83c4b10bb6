"""The HTTP service: a Flask app around a `Recommender`; docs/http-api.md describes it.

Plain Flask: APIFlask 3.1 reads JSON whatever its content type and flattens pydantic's errors to dotted names,
which would lose the pointers that our problems promise.
"""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import BoundedSemaphore

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from pydantic import ValidationError
from structlog.contextvars import bind_contextvars, clear_contextvars

from embeddings.data.threads import n_workers
from kg.errors import ArtifactError
from kg.settings import Settings
from service.contract import Health, Readiness, Recommendation, RecommendRequest
from service.events.contract import EventsAnswer, read_events
from service.http import (
    FORM,
    MAX_BODY,
    SERVED,
    SETTINGS,
    Answering,
    Served,
    body_of,
    check_administrator,
    json_answer,
    json_body,
    raw_body,
    served,
    settings,
    unsupported,
    validated,
)
from service.json_lines import MIMETYPES
from service.kept_answers import KeptAnswer, KeptAnswers
from service.models import ActivateRequest, activation_answer, model_list
from service.openapi import openapi_json
from service.problems import InvalidRequestError, invalid, register_problems

REQUEST_ID = "X-Request-ID"

_KEPT = "trailmix_kept_answers"

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")

_TURNS = BoundedSemaphore(n_workers())
"""As many recommendations at a time as there are processors: more only wait for each other."""

_log = structlog.get_logger()
_routes = Blueprint("trailmix", __name__)


def create_app(settings: Settings, served: Served | None = None) -> Flask:
    """The service as a WSGI application.

    Without `served` the active model is loaded from disk, now and, once the `Serving` among the app's
    extensions is started, whenever another one becomes active. Where that fails the app answers all the same:
    `/readyz` and `/recommend` with 503 and the reason.
    """
    app = Flask("trailmix", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions[SERVED] = served or _loaded(settings)
    app.config[SETTINGS] = settings
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


@_routes.post("/recommend")
def recommend() -> Response:
    """Recommend items to a user."""
    recommender = served().recommender
    if request.mimetype == FORM:
        return json_answer(_answer(recommender, _form()))
    body = json_body(f"application/json or {FORM}")
    kept, version = _kept(), recommender.model_version
    found = kept.find(version, body)
    if found is None or found.last_event != recommender.last_event(found.user_id):
        given = validated(RecommendRequest, body)
        last = recommender.last_event(given.user_id)  # first: an event that comes now makes it out of date
        found = KeptAnswer.of(_answer(recommender, given), given.user_id, last)
        if not given.drawn_anew:
            kept.keep(version, body, found)
    return Response(found.for_request(g.request_id), mimetype="application/json")


def _answer(recommender: Answering, given: RecommendRequest) -> Recommendation:
    with _TURNS:
        return recommender.recommend(given, request_id=g.request_id)


@_routes.post("/events")
def events() -> Response:
    """Keep events; they are on disk before the answer, and count in the next recommendation."""
    body, mimetype = raw_body(), request.mimetype
    if mimetype not in MIMETYPES:
        raise unsupported(" or ".join(MIMETYPES[:2]))
    given, rejected = read_events(body, mimetype, served().recommender.event_types)
    kept = served().outbox.add(given) if given else []
    answer = EventsAnswer(accepted=len(kept), duplicates=len(given) - len(kept), rejected=rejected)
    nothing = bool(rejected) and not given
    return json_answer(answer, HTTPStatus.UNPROCESSABLE_ENTITY if nothing else HTTPStatus.OK)


@_routes.get("/models")
def models() -> Response:
    """The trained models."""
    return json_answer(model_list(settings()))


@_routes.post("/models/<version>/activate")
def activate(version: str) -> Response:
    """Make a trained model the active one."""
    check_administrator("models")
    given = body_of(ActivateRequest) if request.get_data() else ActivateRequest()
    with _unusable_models():
        done = served().activate(version, force=given.force)
        return json_answer(activation_answer(settings(), done))


@_routes.post("/models/rollback")
def rollback() -> Response:
    """Use the model again that was active before."""
    check_administrator("models")
    with _unusable_models():
        return json_answer(activation_answer(settings(), served().roll_back()))


@_routes.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return json_answer(Health())


@_routes.get("/readyz")
def readyz() -> Response:
    """A model is loaded and requests can be answered."""
    return json_answer(Readiness(model_version=served().recommender.model_version))


@_routes.get("/openapi.json")
def openapi() -> Response:
    """This API, described."""
    return Response(openapi_json(), mimetype="application/json")


def _form() -> RecommendRequest:
    """The fields of a form; a list has one field for each value."""
    fields = RecommendRequest.model_fields
    lists = [name for name, field in fields.items() if field.default_factory is list]
    if next(iter(request.form), "").startswith("{"):
        raise unsupported("this JSON as application/json")
    values = {name: own if name in lists else own[-1] for name, own in request.form.lists()}
    try:
        return RecommendRequest.model_validate(values, strict=False)
    except ValidationError as error:
        raise invalid(error, RecommendRequest) from None


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
