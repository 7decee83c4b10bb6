"""`POST /recommend/batch`."""

from flask import Blueprint, Response, g, request

from service.batch import answered, read_batch
from service.contract import Recommendation, RecommendRequest
from service.http import TURNS, raw_body, served, unsupported
from service.json_lines import JSON_LINES, MIMETYPES

routes = Blueprint("batch", __name__)


@routes.post("/recommend/batch")
def recommend_batch() -> Response:
    """Recommend items to several users; all by one model."""
    body, mimetype, recommender = raw_body(), request.mimetype, served().recommender
    if mimetype not in MIMETYPES:
        raise unsupported(" or ".join(MIMETYPES[:2]))

    def answer(given: RecommendRequest, request_id: str) -> Recommendation:
        with TURNS:  # for each, so that other requests have theirs in between
            return recommender.recommend(given, request_id=request_id)

    lines = answered(read_batch(body, mimetype), answer, g.request_id)
    return Response(lines, mimetype=JSON_LINES[0])
