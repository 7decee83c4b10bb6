"""Whether the service answers, and what it answers to."""

from flask import Blueprint, Response

from service.contract import Health, Readiness
from service.http import json_answer, served
from service.openapi import openapi_json

routes = Blueprint("state", __name__)


@routes.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return json_answer(Health())


@routes.get("/readyz")
def readyz() -> Response:
    """A model is loaded and requests can be answered."""
    return json_answer(Readiness(model_version=served().recommender.model_version))


@routes.get("/openapi.json")
def openapi() -> Response:
    """This API, described."""
    return Response(openapi_json(), mimetype="application/json")
