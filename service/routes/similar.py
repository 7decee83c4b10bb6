"""`POST /similar`."""

from flask import Blueprint, Response, g

from service.found.contract import SimilarRequest
from service.http import TURNS, body_of, json_answer, served

routes = Blueprint("similar", __name__)


@routes.post("/similar")
def similar() -> Response:
    """Find what is similar to items or entities."""
    recommender = served().recommender
    given = body_of(SimilarRequest)
    mask, remarks = recommender.kept_items(given.filter)
    with TURNS:
        found = recommender.finder.similar(given, request_id=g.request_id, allowed_items=mask)
    return json_answer(found.model_copy(update={"warnings": [*remarks, *found.warnings]}))
