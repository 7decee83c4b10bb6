"""`GET /users/{id}`."""

from flask import Blueprint, Response

from service.http import json_answer, served

routes = Blueprint("users", __name__)


@routes.get("/users/<id:user_id>")
def profile(user_id: str) -> Response:
    """What the service believes of a user."""
    return json_answer(served().recommender.profile(user_id))
