from datetime import date
from random import Random

import numpy as np
import pytest
from neo4j.spatial import CartesianPoint
from neo4j.time import DateTime, Duration

from kg.item_properties import LONGEST_VALUE, BooleanColumn, ItemProperties, NumberColumn, TextColumn
from kg.property_columns import item_properties, property_column, with_values
from kg.schema import LabelSchema

BOOK = LabelSchema(label="Book", role="item", name_property="title")


def shown(properties, n_items):
    return [properties.of(item) for item in range(n_items)]


def test_numbers():
    column = property_column([1995, None, 0.5, float("nan"), 2**53])
    assert isinstance(column, NumberColumn)
    assert column.values.dtype == np.float64
    assert [column.value(n) for n in range(5)] == [1995, None, 0.5, None, 2**53]
    assert column.present.tolist() == [True, False, True, False, True]


def test_booleans():
    column = property_column([True, None, False])
    assert isinstance(column, BooleanColumn)
    assert [column.value(n) for n in range(3)] == [True, None, False]
    assert column.present.tolist() == [True, False, True]


def test_texts_and_lists():
    column = property_column(["b", None, "a", "b"])
    assert isinstance(column, TextColumn)
    assert (column.texts, column.codes.tolist(), column.starts.tolist()) == (
        *(("a", "b"), [1, 0, 1], [0, 1, 1, 2, 3]),
    )
    lists = property_column([["x", "y"], [], None, ["y"]])
    assert [lists.value(n) for n in range(4)] == [["x", "y"], None, None, ["y"]]
    assert lists.present.tolist() == [True, False, False, True]


def test_values_of_several_types_become_texts():
    values = [7, "seven", True, 0.5, None, [1, 2], date(2020, 1, 2), DateTime(2020, 1, 2, 3)]
    column = property_column(values)
    assert isinstance(column, TextColumn)
    assert [column.value(n) for n in range(8)] == [
        *(["7"], ["seven"], ["true"], ["0.5"], None, ["1", "2"], ["2020-01-02"]),
        ["2020-01-02T03:00:00.000000000"],
    ]


@pytest.mark.parametrize("value", [b"bytes", CartesianPoint((1.0, 2.0)), {"a": 1}, "x" * (LONGEST_VALUE + 1)])
def test_what_cannot_be_compared_is_there_but_equals_nothing(value):
    column = property_column([value, None, "y", "x" * LONGEST_VALUE])
    assert isinstance(column, TextColumn)
    assert column.present.tolist() == [True, False, True, True]
    assert column.texts == (None, "x" * LONGEST_VALUE, "y")
    assert ItemProperties({"odd": column}).of(0) == {}


def test_a_duration_is_its_iso_text():
    assert property_column([Duration(days=3)]).value(0) == "P3D"


def test_what_a_snapshot_has_otherwise_is_no_column():
    names = ["id", "title", "text", "same_as", "trailmix_run", "name", "pages"]
    values = {name: [1, 2] for name in names} | {"gone": [None, None], "empty": [[], None]}
    found = item_properties(BOOK, values)
    assert list(found.columns) == ["name", "pages"]


def test_the_hash_is_of_names_types_and_values():
    one = item_properties(BOOK, {"a": ["x", None], "b": [1, None]})
    others = [
        item_properties(BOOK, {"a": ["x", None], "c": [1, None]}),
        item_properties(BOOK, {"a": [None, "x"], "b": [1, None]}),
        item_properties(BOOK, {"a": ["y", None], "b": [1, None]}),
        item_properties(BOOK, {"a": [["x"], None], "b": [1, None]}),
        item_properties(BOOK, {"a": ["x", None], "b": [True, None]}),
        item_properties(BOOK, {"a": ["x", None], "b": [2, None]}),
    ]
    assert len({one.digest(), *(x.digest() for x in others)}) == 7
    assert item_properties(BOOK, {"b": [1, None], "a": ["x", None]}).digest() == one.digest()


def test_changes_of_some_items_by_hand():
    before = item_properties(
        BOOK, {"pages": [100, 200, None], "tags": [["a", "b"], ["b"], None], "new": [True, None, False]}
    )
    after = with_values(
        *(before, BOOK, 4),
        {0: {"pages": None, "tags": ["c"]}, 3: {"pages": 7, "kind": "paper", "title": "Not a column"}},
        replaced=[1],
    )
    assert shown(after, 4) == [
        {"new": True, "tags": ["c"]},
        {},
        {"new": False},
        {"kind": "paper", "pages": 7},
    ]
    anew = {
        "new": [True, None, False, None],
        "tags": [["c"], None, None, None],
        "kind": [None, None, None, "paper"],
        "pages": [None, None, None, 7],
    }
    assert after.digest() == item_properties(BOOK, anew).digest()
    assert shown(before, 3)[0] == {"new": True, "pages": 100, "tags": ["a", "b"]}


def test_a_value_of_another_type_makes_a_column_of_texts():
    before = item_properties(BOOK, {"pages": [100, 0.5, None]})
    after = with_values(before, BOOK, 3, {2: {"pages": "many"}})
    assert shown(after, 3) == [{"pages": "100"}, {"pages": "0.5"}, {"pages": "many"}]


def test_a_property_whose_last_value_goes_is_gone():
    before = item_properties(BOOK, {"pages": [100, None], "kind": ["x", "y"]})
    assert list(with_values(before, BOOK, 2, {0: {"pages": None}}).columns) == ["kind"]


def test_new_items_have_no_value():
    before = item_properties(BOOK, {"pages": [100], "tags": [["a"]], "new": [True]})
    assert shown(with_values(before, BOOK, 3, {}), 3)[1:] == [{}, {}]


def test_changes_are_the_columns_of_the_changed_values():
    """Against columns that are made anew, for many random changes; the types of each property stay."""
    random = Random(0)
    draws = {
        "number": lambda: random.choice([None, 1, 2.5, -3]),
        "boolean": lambda: random.choice([None, True, False]),
        "text": lambda: random.choice([None, "a", "b", "ä"]),
        "list": lambda: random.choice([None, ["a"], ["b", "c"], []]),
    }
    values = {name: [draw() for _ in range(30)] for name, draw in draws.items()}
    properties = item_properties(BOOK, values)
    for _ in range(50):
        n_items = len(values["text"]) + random.choice([0, 0, 1])
        for column in values.values():
            column += [None] * (n_items - len(column))
        changes = {
            item: {name: draws[name]() for name in random.sample([*draws], 2)}
            for item in random.sample(range(n_items), 3)
        }
        replaced = random.sample(range(n_items), 2)
        for item in replaced:
            for column in values.values():
                column[item] = None
        for item, given in changes.items():
            for name, value in given.items():
                values[name][item] = value
        properties = with_values(properties, BOOK, n_items, changes, replaced)
        anew = item_properties(BOOK, values)
        assert shown(properties, n_items) == shown(anew, n_items)
        assert properties.digest() == anew.digest()
