"""`GET /items/{id}`."""

from flask import Blueprint, Response

from service.http import json_answer, served

routes = Blueprint("items", __name__)


@routes.get("/items/<id:item_id>")
def item(item_id: str) -> Response:
    """What the graph knows of an item."""
    return json_answer(served().recommender.finder.item(item_id))
