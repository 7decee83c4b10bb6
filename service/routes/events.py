"""`POST /events`."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from service.events.contract import EventsAnswer, read_events
from service.http import json_answer, raw_body, served, unsupported
from service.json_lines import MIMETYPES

routes = Blueprint("events", __name__)


@routes.post("/events")
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
