"""The trained models, and which is active."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from flask import Blueprint, Response, request

from kg.errors import ArtifactError
from service.http import body_of, check_administrator, json_answer, served, settings
from service.models import ActivateRequest, activation_answer, model_list
from service.problems import InvalidRequestError

routes = Blueprint("models", __name__)


@routes.get("/models")
def models() -> Response:
    """The trained models."""
    return json_answer(model_list(settings()))


@routes.post("/models/<version>/activate")
def activate(version: str) -> Response:
    """Make a trained model the active one."""
    check_administrator("models")
    given = body_of(ActivateRequest) if request.get_data() else ActivateRequest()
    with _unusable_models():
        done = served().activate(version, force=given.force)
        return json_answer(activation_answer(settings(), done))


@routes.post("/models/rollback")
def rollback() -> Response:
    """Use the model again that was active before."""
    check_administrator("models")
    with _unusable_models():
        return json_answer(activation_answer(settings(), served().roll_back()))


@contextmanager
def _unusable_models() -> Iterator[None]:
    """The service goes on with its model if another one cannot be used: a conflict, not a failure of it."""
    try:
        yield
    except ArtifactError as error:
        raise InvalidRequestError(HTTPStatus.CONFLICT, str(error)) from None
