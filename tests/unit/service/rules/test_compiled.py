"""What rules do to a list; the model gives m1 the score 8, m2 7, ... m8 1."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_rules import put
from numpy.testing import assert_allclose

from kg.graph import GraphSnapshot
from service.contract import Recommendation, RecommendRequest
from service.recommender import Recommender
from service.rules.store import RuleBook

SPREAD = np.std(np.arange(1, 9))
"""The standard deviation of the best scores: sqrt(63 / 12)."""


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    return RuleBook(tmp_path / "rules")


def ask(recommender: Recommender, book: RuleBook, **fields: Any) -> Recommendation:
    recommender.apply_rules(book)
    return recommender.recommend(RecommendRequest(explain=False, **fields), request_id="r1")


def ids(answer: Recommendation) -> str:
    return " ".join(item.item_id for item in answer.items)


def test_without_rules_nothing_is_different(recommender: Recommender, book: RuleBook) -> None:
    answer = ask(recommender, book, k=3)
    assert ids(answer) == "m1 m2 m3"
    assert "rules" not in answer.model_dump()["items"][0]
    assert recommender.state == "v1/0/0"


def test_denied_items_are_left_out_however_long_the_list(recommender: Recommender, book: RuleBook) -> None:
    put(book, "no", "deny", "m1", "m3")
    answer = ask(recommender, book, k=8)
    assert ids(answer) == "m2 m4 m5 m6 m7 m8"
    assert [x.detail for x in answer.warnings] == [
        "only 6 items are left to recommend; of 8, 2 left out by rules"
    ]


def test_allowed_items_are_the_only_ones_and_two_rules_allow_what_both_do(
    recommender: Recommender, book: RuleBook
) -> None:
    put(book, "first", "allow", "m2", "m3", "m5")
    assert ids(ask(recommender, book, k=2)) == "m2 m3"
    put(book, "second", "allow", "m3", "m5", "m8")
    answer = ask(recommender, book, k=2)
    assert ids(answer) == "m3 m5"
    assert [item.rules for item in answer.items] == [["first", "second"]] * 2
    put(book, "no", "deny", "m3")
    assert ids(ask(recommender, book, k=8)) == "m5"


def test_a_boost_adds_deviations_of_the_best_scores(recommender: Recommender, book: RuleBook) -> None:
    """Weight 2: m6 has 3 + 2 * 2.29 = 7.58, between 8 and 7; m8 has 1 + 2 * .5 * 2.29 = 3.29, above 3."""
    put(book, "more", "boost", "m6", "m8", weights=[1, 0.5], weight=2)
    answer = ask(recommender, book, k=8, score_contributions=True)
    assert ids(answer) == "m1 m6 m2 m3 m4 m5 m8 m7"
    by_id = {item.item_id: item for item in answer.items}
    assert_allclose([by_id["m6"].ranking_score, by_id["m8"].ranking_score], [3 + 2 * SPREAD, 1 + SPREAD])
    assert by_id["m6"].score_contributions == {"rules": round(2 * SPREAD, 6), "fixed": 3.0}
    assert [x.rules for x in answer.items] == [[], ["more"], [], [], [], [], ["more"], []]
    assert not answer.meta.calibrated


def test_boosts_add_up_and_may_lower(recommender: Recommender, book: RuleBook) -> None:
    """m1 has 8 - .6 * 2.29 = 6.63, above m3; m2 has 7 + .4 * 2.29 = 7.92."""
    put(book, "less", "boost", "m1", weight=-1)
    put(book, "more", "boost", "m1", "m2", weight=0.4)
    answer = ask(recommender, book, k=2)
    assert ids(answer) == "m2 m1"
    m1 = answer.items[1]
    assert m1.ranking_score == pytest.approx(8 - 0.6 * SPREAD)
    assert m1.rules == ["less", "more"]


@pytest.mark.parametrize(
    ("pins", "k", "expected"),
    [
        ({"p": (1, ["m8"])}, 3, "m8 m1 m2"),
        ({"p": (3, ["m8", "m7"])}, 5, "m1 m2 m8 m7 m3"),
        ({"p": (2, ["m8"]), "q": (2, ["m7"])}, 4, "m1 m8 m7 m2"),
        ({"p": (2, ["m8", "m7"]), "q": (3, ["m6"])}, 5, "m1 m8 m7 m6 m2"),
        ({"p": (2, ["m1"])}, 2, "m2 m1"),
        ({"p": (9, ["m1"])}, 2, "m1 m2"),
        ({"p": (10, ["m8"])}, 10, "m1 m2 m3 m4 m5 m6 m7 m8"),
        ({"p": (1, ["m5", "m5x", "m4"])}, 3, "m5 m4 m1"),
    ],
)
def test_pinned_items_stand_where_the_rule_says(
    recommender: Recommender, book: RuleBook, pins: dict[str, Any], k: int, expected: str
) -> None:
    for name, (position, items) in pins.items():
        put(book, name, "pin", *items, position=position)
    assert ids(ask(recommender, book, k=k)) == expected


def test_a_pinned_item_that_may_not_be_recommended_leaves_its_place_to_the_next(
    recommender: Recommender, book: RuleBook
) -> None:
    """u1 has m1, m4 and m6; m7 is denied."""
    put(book, "pin", "pin", "m1", "m7", "m8", position=2)
    put(book, "no", "deny", "m7")
    answer = ask(recommender, book, user_id="u1", k=3)
    assert ids(answer) == "m2 m8 m3"
    assert [item.rules for item in answer.items] == [[], ["pin"], []]
    assert [item.stage for item in answer.items] == ["ranked", "rule", "ranked"]
    assert [item.rank for item in answer.items] == [1, 2, 3]


def test_near_duplicates_are_denied_together_and_a_pinned_one_stands_for_its_group(
    films: GraphSnapshot, model: Any, encoder: Any, book: RuleBook
) -> None:
    """m1 and m2 are one group."""
    grouped = replace(films, same_as=("one", "one", *[""] * 6))
    recommender = Recommender(grouped, model, encoder)
    put(book, "pin", "pin", "m2", position=2)
    assert ids(ask(recommender, book, k=3)) == "m3 m2 m4"
    put(book, "no", "deny", "m1")
    assert ids(ask(recommender, book, k=3)) == "m3 m4 m5"


def test_what_applies_when(recommender: Recommender, book: RuleBook) -> None:
    put(book, "always", "deny", "m1", applies="always")
    put(book, "default", "deny", "m2")
    put(book, "named", "deny", "m3", applies="named")
    expected = {
        None: "m3 m4", (): "m2 m3", ("default",): "m3 m4", ("named",): "m2 m4", ("named", "default"): "m4 m5",
    }  # fmt: skip
    for named, items in expected.items():
        rules = None if named is None else list(named)
        assert ids(ask(recommender, book, k=2, rules=rules)) == items, named


def test_a_name_that_no_rule_has_is_told(recommender: Recommender, book: RuleBook) -> None:
    put(book, "no-horror", "deny", "m1")
    answer = ask(recommender, book, k=1, rules=["no-horor"])
    assert ids(answer) == "m1"
    assert [(x.pointer, x.detail) for x in answer.warnings] == [
        ("/rules/0", "no rule is called 'no-horor'; did you mean no-horror? it was left out")
    ]


def test_a_stale_rule_applies_and_says_so(
    recommender: Recommender, book: RuleBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.rules.store.time.time", lambda: 0.0)
    put(book, "no", "deny", "m1")
    put(book, "other", "deny", "m2", applies="named")
    monkeypatch.setattr("service.rules.store.time.time", lambda: 3600.0)
    for name in ("no", "other"):
        book.failed(book.rule(name), "no graph server answers")
    answer = ask(recommender, book, k=1)
    assert ids(answer) == "m2"
    assert [(x.pointer, x.detail) for x in answer.warnings] == [
        (
            "",
            "the rule no could not be evaluated since 1970-01-01T01:00:00Z; what it returned at"
            " 1970-01-01T00:00:00Z applies",
        )
    ]


def test_ids_that_the_snapshot_lacks_are_left_out(recommender: Recommender, book: RuleBook) -> None:
    put(book, "more", "boost", "zz", "m8", weights=[9, 3])
    m8 = ask(recommender, book, k=2).items[1]
    assert (m8.item_id, m8.rules) == ("m8", ["more"])
    assert m8.ranking_score == pytest.approx(1 + 3 * SPREAD)


def test_the_state_is_that_of_the_rules(recommender: Recommender, book: RuleBook) -> None:
    seen = {recommender.state}
    put(book, "no", "deny", "m1")
    for change in (
        lambda: None,
        lambda: book.failed(book.rule("no"), "gone"),
        lambda: book.refreshed(book.rule("no"), book.rule("no").result),
        lambda: book.remove("no"),
    ):
        change()
        recommender.apply_rules(book)
        assert recommender.state not in seen
        seen.add(recommender.state)
    recommender.apply_rules(book)
    assert recommender.state in seen
