"""`GET /search`."""

from flask import Blueprint, Response, g, request

from service.found.contract import SearchRequest
from service.http import TURNS, fields_of, json_answer, served

routes = Blueprint("search", __name__)


@routes.get("/search")
def search() -> Response:
    """Look for items and entities by name and meaning."""
    recommender = served().recommender
    given = fields_of(SearchRequest, request.args)
    mask, remarks = recommender.kept_items(given.filter)
    with TURNS:
        found = recommender.finder.search(given, request_id=g.request_id, allowed_items=mask)
    return json_answer(found.model_copy(update={"warnings": [*remarks, *found.warnings]}))
