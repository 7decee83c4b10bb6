"""`POST /recommend`."""

from flask import Blueprint, Response, current_app, g, request

from service.contract import Recommendation, RecommendRequest
from service.http import (
    TURNS,
    Answering,
    fields_of,
    json_answer,
    json_body,
    served,
    unsupported,
    validated,
)
from service.json_lines import FORM
from service.kept_answers import KeptAnswer, KeptAnswers

KEPT = "trailmix_kept_answers"
"""Where the app has its kept answers."""

routes = Blueprint("recommend", __name__)


@routes.post("/recommend")
def recommend() -> Response:
    """Recommend items to a user."""
    recommender = served().recommender
    if request.mimetype == FORM:
        return json_answer(_answer(recommender, _form()))
    body = json_body(f"application/json or {FORM}")
    kept, state = _kept(), recommender.state
    found = kept.find(state, body)
    if found is None or found.last_event != recommender.last_event(found.user_id):
        given = validated(RecommendRequest, body)
        last = recommender.last_event(given.user_id)  # first: an event that comes now makes it out of date
        found = KeptAnswer.of(_answer(recommender, given), given.user_id, last)
        if not given.drawn_anew:
            kept.keep(state, body, found)
    return Response(found.for_request(g.request_id), mimetype="application/json")


@routes.post("/recommend/validate")
def validate() -> Response:
    """Say how a request would be understood."""
    recommender = served().recommender
    if request.mimetype == FORM:
        return json_answer(recommender.validate(_form()))
    given = validated(RecommendRequest, json_body(f"application/json or {FORM}"))
    return json_answer(recommender.validate(given))


def _answer(recommender: Answering, given: RecommendRequest) -> Recommendation:
    with TURNS:
        return recommender.recommend(given, request_id=g.request_id)


def _form() -> RecommendRequest:
    """The fields of a form; a list has one field for each value."""
    if next(iter(request.form), "").startswith("{"):
        raise unsupported("this JSON as application/json")
    return fields_of(RecommendRequest, request.form)


def _kept() -> KeptAnswers:
    found: KeptAnswers = current_app.extensions[KEPT]
    return found
