"""What all routes share: the app's own objects, request bodies, and JSON answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any, Protocol, TypeVar, get_args, get_origin

from flask import Response, current_app, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from embeddings.data.threads import n_workers
from embeddings.model.versions import Activation
from kg.graph import BoolArray, GraphSnapshot
from kg.item_changes import Operation
from kg.settings import Settings
from service.catalogue.change_log import Kind, StoredChange
from service.contract import Recommendation, RecommendRequest, Remark
from service.events.outbox import Outbox
from service.events.types import EventType
from service.filters.expression import FilterPart
from service.found.finder import Finder
from service.models import may_administer
from service.problems import InvalidRequestError, invalid
from service.profile.contract import ProfileAnswer
from service.rules.store import RuleBook
from service.validation import Validation

MAX_BODY = 50 * 1024 * 1024
"""Bytes; four lists of 1,000 ids of 2,000 ASCII characters are 8 MB."""

SERVED = "trailmix"
"""Where the app has what it serves."""

SETTINGS = "TRAILMIX"
"""Where its configuration has the settings."""

TURNS = BoundedSemaphore(n_workers())
"""As many answers of the model at a time as there are processors: more only wait for each other."""

_Model = TypeVar("_Model", bound=BaseModel)


class Answering(Protocol):
    """What the service needs of a recommender; `service.recommender.Recommender` is one."""

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """The types of events that may be posted, by name."""

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""

    @property
    def state(self) -> str:
        """Equal requests have equal answers while this, and the user's `last_event`, is the same."""

    @property
    def snapshot(self) -> GraphSnapshot:
        """The graph that it answers from."""

    @property
    def finder(self) -> Finder:
        """Finds items otherwise than by a recommendation."""

    def kept_items(self, expression: FilterPart | None) -> tuple[BoolArray | None, list[Remark]]:
        """The items that the `filter` of a request keeps, None without one, and remarks on it."""

    def profile(self, user_id: str) -> ProfileAnswer:
        """What is known and believed of a user."""

    def last_event(self, user_id: str | None) -> int:
        """The number of the user's last event since the snapshot; 0 without one."""

    def validate(self, request: RecommendRequest) -> Validation:
        """What a request would be understood as, without an answer."""

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The answer to one request."""


class Served(Protocol):
    """What an app serves; `service.serving.Serving` is one."""

    outbox: Outbox
    rules: RuleBook

    def change(self, changes: Sequence[StoredChange], *, wait: bool = True) -> list[StoredChange]:
        """Keep changes of items and users; with `wait`, answer with them before this returns."""

    def last_operation(self, kind: Kind, external_id: str) -> Operation | None:
        """What was last accepted of an item or a user since the snapshot was read; None: nothing."""

    def activate(self, version: str, *, force: bool = False) -> Activation:
        """Answer by another saved version from now on."""

    def apply_rules(self) -> None:
        """Obey the rules as they are now."""

    def roll_back(self) -> Activation:
        """Answer by the version again that was active before."""

    @property
    def recommender(self) -> Answering:
        """Whatever answers now."""


class IdConverter(BaseConverter):
    """The rest of a path as an id of any characters."""

    regex = r"[\s\S]+"
    part_isolating = False


def settings() -> Settings:
    """The app's settings."""
    found: Settings = current_app.config[SETTINGS]
    return found


def served() -> Served:
    """What the app serves."""
    found: Served = current_app.extensions[SERVED]
    return found


def check_administrator(what: str) -> None:
    """Refuse a caller who may not change `what`, a plural.

    Raises:
        InvalidRequestError: 403.
    """
    if not may_administer(settings(), request.remote_addr, dict(request.headers)):
        raise InvalidRequestError(
            HTTPStatus.FORBIDDEN,
            f"{what} are changed with the header `Authorization: Bearer` and TRAILMIX_ADMIN_TOKEN, or, where"
            " that is unset, from the same machine",
        )


def body_of(model: type[_Model]) -> _Model:
    """The JSON body of the request.

    Raises:
        InvalidRequestError: it is of another type, or not what `model` takes.
    """
    return validated(model, json_body("application/json"))


def json_body(accepted: str) -> bytes:
    """The body, declared as JSON; `accepted` says what the operation takes."""
    if not request.is_json:
        raise unsupported(accepted)
    return raw_body()


def validated(model: type[_Model], body: bytes) -> _Model:
    """A JSON body as what an operation takes."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error, model) from None


def fields_of(model: type[_Model], given: MultiDict[str, str]) -> _Model:
    """The fields of a form or of an address; a list has one field for each value.

    Raises:
        InvalidRequestError: they are not what `model` takes.
    """
    lists = [name for name, field in model.model_fields.items() if _is_list(field.annotation)]
    values = {name: own if name in lists else own[-1] for name, own in given.lists()}
    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        raise invalid(error, model) from None


def raw_body() -> bytes:
    """The bytes of the body."""
    body = request.get_data()
    if len(body) >= MAX_BODY:  # a chunked body announces no length, and is cut off here
        raise RequestEntityTooLarge
    return body


def unsupported(accepted: str) -> InvalidRequestError:
    """The problem of a body of another type."""
    got = request.mimetype or "no content type"
    return InvalidRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {accepted}, not {got}")


def json_answer(answer: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """An answer as JSON."""
    return Response(answer.model_dump_json(), status, mimetype="application/json")


def _is_list(annotation: Any) -> bool:
    return any(get_origin(x) is list for x in (annotation, *get_args(annotation)))
