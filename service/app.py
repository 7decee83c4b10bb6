"""The HTTP service: a Flask app around a `Recommender`; docs/http-api.md describes it.

Plain Flask: APIFlask 3.1 reads JSON whatever its content type and flattens pydantic's errors to dotted names,
which would lose the pointers that our problems promise.
"""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from kg.settings import Settings
from service.http import MAX_BODY, SERVED, SETTINGS, IdConverter, Served
from service.kept_answers import KeptAnswers
from service.problems import register_problems
from service.routes import (
    batch,
    catalogue,
    events,
    items,
    models,
    recommend,
    rules,
    search,
    similar,
    state,
    users,
)

REQUEST_ID = "X-Request-ID"

_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")

_log = structlog.get_logger()


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
    app.extensions[recommend.KEPT] = KeptAnswers()
    register_problems(app)
    app.before_request(_begin)
    app.after_request(_end)
    app.url_map.merge_slashes = False  # an id may hold two
    app.url_map.converters["id"] = IdConverter
    for group in (recommend, batch, events, items, users, search, similar, catalogue, rules, models, state):
        app.register_blueprint(group.routes)
    return app


def _loaded(settings: Settings) -> Served:
    from service.loading import load_recommender  # slow to import, unneeded if a recommender is given
    from service.serving import Serving

    serving = Serving(settings, load_recommender)
    serving.refresh()
    return serving


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
