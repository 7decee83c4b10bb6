"""`/rules`: rules are shown, stored, refreshed and removed by an administrator."""

import re
from contextlib import AbstractContextManager
from http import HTTPStatus

from flask import Blueprint, Response

from kg.errors import StatementRefusedError
from kg.shown import shown
from kg.store.store import ServerStore
from service.contract import Remark
from service.http import body_of, check_administrator, json_answer, served, settings
from service.problems import InvalidRequestError
from service.rules.contract import NAME_RULE, RULE_NAME, RuleDefinition, RuleList, RuleRemoved
from service.rules.evaluate import RuleLimits
from service.rules.refresh import check_rule, refresh_rules
from service.rules.views import rule_view

routes = Blueprint("rules", __name__)


@routes.get("/rules")
def rules() -> Response:
    """All rules."""
    check_administrator("rules")
    return json_answer(RuleList(rules=[rule_view(rule) for rule in served().rules.rules()]))


@routes.get("/rules/<name>")
def rule(name: str) -> Response:
    """One rule."""
    check_administrator("rules")
    return json_answer(rule_view(served().rules.rule(name)))


@routes.put("/rules/<name>")
def put_rule(name: str) -> Response:
    """Check and evaluate a rule, then store it."""
    check_administrator("rules")
    if not re.fullmatch(RULE_NAME, name):
        raise _invalid("", f"a rule cannot be called {shown(name)}: {NAME_RULE}")
    definition = body_of(RuleDefinition)
    try:
        result = check_rule(_open, definition, _limits())
        stored = served().rules.put(name, definition, result)
    except StatementRefusedError as error:
        raise _invalid("/cypher", str(error)) from None
    served().apply_rules()
    return json_answer(rule_view(stored))


@routes.post("/rules/<name>/refresh")
def refresh_rule(name: str) -> Response:
    """Evaluate a rule now."""
    check_administrator("rules")
    book = served().rules
    refresh_rules(book, _open, [book.rule(name)], _limits())
    served().apply_rules()
    return json_answer(rule_view(book.rule(name)))


@routes.delete("/rules/<name>")
def remove_rule(name: str) -> Response:
    """Remove a rule."""
    check_administrator("rules")
    served().rules.remove(name)
    served().apply_rules()
    return json_answer(RuleRemoved(removed=name))


def _open() -> AbstractContextManager[ServerStore]:
    from kg.store.connect import open_store  # the driver takes long to import

    return open_store(settings())


def _invalid(pointer: str, detail: str) -> InvalidRequestError:
    remark = Remark(pointer=pointer, detail=detail)
    return InvalidRequestError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [remark])


def _limits() -> RuleLimits:
    return RuleLimits(settings().rule_timeout, procedures=settings().rule_procedures)
