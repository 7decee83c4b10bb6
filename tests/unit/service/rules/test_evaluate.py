"""What the rows of a rule's query mean, and which are refused."""

from typing import Any

import pytest
from fake_rules import FakeRuleGraph, defined

from kg.errors import StatementRefusedError
from service.rules.evaluate import RuleLimits, evaluate
from service.rules.store import RuleResult


def test_ids_come_in_order_each_once_and_those_of_no_item_are_counted() -> None:
    graph = FakeRuleGraph(rows=["m3", "zz", "m1", "m3", "yy"])
    assert evaluate(graph, defined("deny"), RuleLimits()) == RuleResult(("m3", "m1"), (), 2, 0.25)


def test_weights_stand_beside_their_ids() -> None:
    rows = [(2, "m3"), (0.5, "zz"), (-1.5, "m1"), (9, "m3")]
    graph = FakeRuleGraph(rows, columns=("weight", "item_id"))
    assert evaluate(graph, defined("boost"), RuleLimits()) == RuleResult(("m3", "m1"), (2.0, -1.5), 1, 0.25)


def test_no_row_is_no_item() -> None:
    """ArcadeDB names no columns then."""
    for columns in ((), ("id",)):
        graph = FakeRuleGraph(columns=columns)
        assert evaluate(graph, defined("allow"), RuleLimits()) == RuleResult((), (), 0, 0.25)


@pytest.mark.parametrize(
    ("columns", "rows", "effect", "why"),
    [
        (("m.id",), ["m1"], "deny", r"it returns m\.id; it has to return one column `id`"),
        (("id", "title"), [("m1", "Alien")], "deny", "it returns id, title; it has to return"),
        (("id", "item_id"), [("m1", "m1")], "deny", "it returns id, item_id; it has to return"),
        (("weight",), [(1,)], "boost", "it returns weight; it has to return"),
        (("id", "weight"), [("m1", 1)], "pin", "a rule to pin has no column `weight`"),
        (("id",), [7], "deny", r"'7' \(int\) as an id; an id is text"),
        (("id",), [None], "deny", r"NoneType\) as an id; add WHERE m\.id IS NOT NULL"),
        (("id",), [["m1"]], "deny", r"\(list\) as an id"),
        (("id", "weight"), [("m1", "2")], "boost", "'2' as a weight; a weight is a number from -10 to 10"),
        (("id", "weight"), [("m1", float("nan"))], "boost", "'nan' as a weight"),
        (("id", "weight"), [("m1", 10.5)], "boost", r"'10\.5' as a weight"),
        (("id", "weight"), [("m1", None)], "boost", "'None' as a weight"),
        (("id",), ["p1", "p2"], "deny", "none of the 2 ids .* such as 'p1', is that of a Book"),
    ],
)
def test_what_is_no_list_of_items_is_refused(columns: Any, rows: Any, effect: str, why: str) -> None:
    with pytest.raises(StatementRefusedError, match=why):
        evaluate(FakeRuleGraph(rows, columns), defined(effect), RuleLimits())


def test_a_pin_has_few_items() -> None:
    ids = [f"m{n}" for n in range(1001)]
    graph = FakeRuleGraph(ids, items=ids)
    assert len(evaluate(graph, defined("deny"), RuleLimits()).ids) == 1001
    with pytest.raises(StatementRefusedError, match="a rule to pin returns at most 1,000 items; add LIMIT"):
        evaluate(graph, defined("pin"), RuleLimits())


def test_the_query_gets_its_parameters() -> None:
    graph = FakeRuleGraph(rows=["m1"])
    evaluate(graph, defined("deny", parameters={"genre": "Horror"}), RuleLimits())
    assert graph.asked == [("MATCH (m:Movie) RETURN m.id AS id", {"genre": "Horror"})]
