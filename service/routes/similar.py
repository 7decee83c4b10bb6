"""`POST /similar`."""

from flask import Blueprint, Response, g

from service.found.contract import SimilarRequest
from service.http import TURNS, body_of, json_answer, served

routes = Blueprint("similar", __name__)


@routes.post("/similar")
def similar() -> Response:
    """Find what is similar to items or entities."""
    finder = served().recommender.finder
    given = body_of(SimilarRequest)
    with TURNS:
        return json_answer(finder.similar(given, request_id=g.request_id))
