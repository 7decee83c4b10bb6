"""`POST /recommend`."""

from typing import Any, get_args, get_origin

from flask import Blueprint, Response, current_app, g, request
from pydantic import ValidationError

from service.contract import Recommendation, RecommendRequest
from service.http import FORM, TURNS, Answering, json_answer, json_body, served, unsupported, validated
from service.kept_answers import KeptAnswer, KeptAnswers
from service.problems import invalid

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
    fields = RecommendRequest.model_fields
    lists = [name for name, field in fields.items() if _is_list(field.annotation)]
    if next(iter(request.form), "").startswith("{"):
        raise unsupported("this JSON as application/json")
    values = {name: own if name in lists else own[-1] for name, own in request.form.lists()}
    try:
        return RecommendRequest.model_validate(values, strict=False)
    except ValidationError as error:
        raise invalid(error, RecommendRequest) from None


def _kept() -> KeptAnswers:
    found: KeptAnswers = current_app.extensions[KEPT]
    return found


def _is_list(annotation: Any) -> bool:
    return any(get_origin(x) is list for x in (annotation, *get_args(annotation)))
