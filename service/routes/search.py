"""`GET /search`."""

from flask import Blueprint, Response, g, request

from service.found.contract import SearchRequest
from service.http import TURNS, fields_of, json_answer, served

routes = Blueprint("search", __name__)


@routes.get("/search")
def search() -> Response:
    """Look for items and entities by name and meaning."""
    finder = served().recommender.finder
    given = fields_of(SearchRequest, request.args)
    with TURNS:
        return json_answer(finder.search(given, request_id=g.request_id))
