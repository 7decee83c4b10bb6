"""What is a filter and what is not, and where an error points."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError

from kg.item_properties import LONGEST_VALUE
from service.contract import RecommendRequest
from service.filters.expression import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    AllOf,
    NotOf,
    PropertyCondition,
    RelationCondition,
)


def nested(depth: int) -> dict[str, Any]:
    """So many objects within each other."""
    expression: dict[str, Any] = {"property": "year"}
    for _ in range(depth - 1):
        expression = {"not": expression}
    return expression


def test_each_form_is_what_it_says() -> None:
    expression = {
        "all": [
            {"relation": "HAS_GENRE", "any": ["Comedy", "Genre:drama"]},
            {"property": "year", "from": 1980, "to": "1989"},
            {"not": {"any": [{"relation": "STARS"}, {"property": "tags", "none": ["a", 1, True, 0.5]}]}},
        ]
    }
    found = RecommendRequest.model_validate_json(json.dumps({"filter": expression})).filter
    assert isinstance(found, AllOf)
    relation, years, third = found.all
    assert isinstance(relation, RelationCondition)
    assert (relation.relation, relation.any) == ("HAS_GENRE", ["Comedy", "Genre:drama"])
    assert isinstance(years, PropertyCondition)
    assert (years.property_, years.from_, years.to_) == ("year", 1980.0, "1989")
    assert isinstance(third, NotOf)
    tags = third.negated.any[1]  # type: ignore[union-attr,index]
    assert [(type(x), x) for x in tags.none] == [(str, "a"), (float, 1.0), (bool, True), (float, 0.5)]


def test_null_is_as_if_left_out() -> None:
    expression = {"relation": "STARS", "any": None, "all": None, "property": None}
    given = RecommendRequest.model_validate_json(json.dumps({"filter": expression, "candidates": None}))
    assert isinstance(given.filter, RelationCondition)
    assert RecommendRequest.model_validate_json('{"filter": null, "boost": null}') == RecommendRequest()


def test_the_deepest_and_the_largest_filter() -> None:
    wide = {"any": [{"relation": "STARS"}] * (MAX_CONDITIONS - 1)}
    for expression in (nested(MAX_DEPTH), wide):
        assert RecommendRequest.model_validate_json(json.dumps({"filter": expression})).filter is not None


@pytest.mark.parametrize(
    ("expression", "pointer", "detail"),
    [
        (7, "", "filter: a filter is an object with one of"),
        ({}, "", "filter: a filter is an object with one of"),
        ({"al": []}, "/al", "filter.al: unknown key 'al'; did you mean 'all'?"),
        ({"none": ["a"]}, "/none", "filter.none: unknown key 'none'"),
        ({"all": []}, "/all", "filter.all: list should have at least 1 item"),
        ({"all": {}}, "/all", "filter.all: input should be a valid"),
        (
            {"all": [{"relation": "A"}], "any": [{"relation": "B"}]},
            "",
            "filter: give one of all, any, and nest",
        ),
        ({"relation": "A", "property": "b"}, "", "filter: a condition is about a relation or a property"),
        ({"relation": 5}, "/relation", "filter.relation: input should be a valid string"),
        ({"relation": "A", "any": "b"}, "/any", "filter.any: input should be a valid"),
        ({"relation": "A", "any": []}, "/any", "filter.any: list should have at least 1 item"),
        ({"relation": "A", "any": ["b", 5]}, "/any/1", "filter.any.1: input should be a valid string"),
        ({"relation": "A", "any": ["b"], "none": ["c"]}, "", "filter: any and none do not go together"),
        ({"relation": "A", "from": 1}, "/from", "filter.from: unknown key 'from'"),
        ({"property": "a", "any": [1], "to": 2}, "", "filter: any and to do not go together"),
        ({"property": "a", "any": [{}]}, "/any/0", "filter.any.0: give a text, a finite number, or true or"),
        ({"property": "a", "from": True}, "/from", "filter.from: give a finite number, or a date such as"),
        ({"property": "a", "form": 1}, "/form", "filter.form: unknown key 'form'; did you mean 'from'?"),
        (
            {"property": "a", "any": ["x" * 201]},
            "/any/0",
            f"filter.any.0: a text that is compared has at most {LONGEST_VALUE}",
        ),
        ({"not": [{"relation": "A"}]}, "/not", "filter.not: a filter is an object"),
        (
            {"all": [{"relation": "A"}, {"not": {"property": "a", "frm": 1}}]},
            *("/all/1/not/frm", "filter.all.1.not.frm: unknown key 'frm'; did you mean 'from'?"),
        ),
        (nested(MAX_DEPTH + 1), "", f"filter: a filter has at most {MAX_DEPTH} objects within each other"),
        (
            {"any": [{"relation": "A"}] * MAX_CONDITIONS},
            "",
            f"filter: a filter has at most {MAX_CONDITIONS} obj",
        ),
    ],
)
def test_an_error_points_at_what_is_wrong(
    client: FlaskClient, expression: Any, pointer: str, detail: str
) -> None:
    found = client.post("/recommend", json={"filter": expression})
    assert (found.status_code, found.mimetype) == (422, "application/problem+json")
    first, *others = found.get_json()["errors"]
    assert (first["pointer"], others) == (f"/filter{pointer}", [])
    assert first["detail"].startswith(detail)


def test_all_errors_are_named(client: FlaskClient) -> None:
    body = {
        "filter": {"all": [{"relation": 1}, {"x": 1}]},
        "boost": [{"filter": {"al": 1}, "weight": 2}],
        "candidates": {"include": [], "exclude": [1]},
    }
    found = client.post("/recommend", json=body).get_json()
    assert [x["pointer"] for x in found["errors"]] == [
        *("/filter/all/0/relation", "/filter/all/1/x", "/candidates/include", "/candidates/exclude/0"),
        *("/boost/0/filter/al", "/boost/0/weight"),
    ]


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "1" + "0" * 400])
def test_only_finite_numbers(number: str) -> None:
    for expression in (f'{{"property": "a", "any": [{number}]}}', f'{{"property": "a", "to": {number}}}'):
        with pytest.raises(ValidationError, match="finite number"):
            RecommendRequest.model_validate_json(f'{{"filter": {expression}}}')
