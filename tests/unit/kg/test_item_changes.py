"""A snapshot with changes of single items, compared with one that has them from the beginning."""

from dataclasses import replace

import numpy as np
import pytest
from small_library import AUTHORS, SCHEMA, library

from kg.graph import Triples
from kg.item_changes import ItemChange, NamedEntity, with_changes
from kg.schema import GraphSchema, Phrase, RelationSchema


def facts(snapshot):
    """(head, type, tail) by ids."""
    triples = snapshot.triples
    return {
        (snapshot.locate(head)[1], snapshot.relations[kind], snapshot.locate(tail)[1])
        for head, kind, tail in zip(triples.head, triples.relation, triples.tail, strict=True)
    }


@pytest.fixture
def before():
    return library([(0, 3), (1, 5)], books=8)


def test_a_new_item_stands_behind_the_others_and_moves_the_entities(before) -> None:
    change = ItemChange("b99", "put", {"name": "Dune", "text": "sand"}, {"WRITTEN_BY": ("Lem",)})
    found = with_changes(before, [change])
    after = found.snapshot
    assert (after.items.ids[-1], after.names[8], after.texts[8]) == ("b99", "Dune", "sand")
    assert found.node_numbers.tolist() == [*range(8), *range(9, 9 + len(AUTHORS))]
    assert found.changed.tolist() == [8]
    assert facts(after) == facts(before) | {("b99", "WRITTEN_BY", "Lem")}
    assert after.names[after.first_user :] == before.names[before.first_user :]
    assert after.interactions is before.interactions


def test_facts_are_in_the_order_of_a_snapshot_that_was_read(before) -> None:
    change = ItemChange("b02", "patch", relations={"WRITTEN_BY": ("Lem", "Gaiman")})
    triples = with_changes(before, [change]).snapshot.triples
    order = np.lexsort((triples.tail, triples.relation, triples.head))
    assert order.tolist() == list(range(len(triples)))


def test_new_nodes_keep_the_facts_in_order(before) -> None:
    entity = NamedEntity("Author", "Zola", "Zola")
    change = ItemChange("b99", "patch", {"name": "Dune"}, entities=(entity,))
    triples = with_changes(before, [change]).snapshot.triples
    assert np.lexsort((triples.tail, triples.relation, triples.head)).tolist() == list(range(len(triples)))
    assert triples.head.tolist() == before.triples.head.tolist()
    assert triples.tail.tolist() == [x + 1 for x in before.triples.tail]


def test_put_replaces_everything_and_patch_what_it_names(before) -> None:
    put = with_changes(before, [ItemChange("b02", "put", {"name": "New"})]).snapshot
    assert (put.names[2], put.texts[2]) == ("New", "")
    assert facts(put) == {x for x in facts(before) if x[0] != "b02"}
    patch = with_changes(before, [ItemChange("b02", "patch", {"text": "else"})]).snapshot
    assert (patch.names[2], patch.texts[2]) == (before.names[2], "else")
    assert facts(patch) == facts(before)
    relation = with_changes(before, [ItemChange("b02", "patch", relations={"WRITTEN_BY": ()})]).snapshot
    assert facts(relation) == {x for x in facts(before) if x[0] != "b02"}


def test_a_name_that_is_removed_falls_back_to_the_id(before) -> None:
    after = with_changes(before, [ItemChange("b02", "patch", {"name": None})]).snapshot
    assert after.names[2] == "b02"


def test_a_new_entity_is_made_and_an_unknown_one_is_left_out(before) -> None:
    known = NamedEntity("Author", "Herbert", "Frank Herbert")
    changes = [ItemChange("b98", "put", {}, {"WRITTEN_BY": ("Herbert", "nobody", "Herbert")}, (known,))]
    found = with_changes(before, changes)
    node = found.snapshot.node("Author", "Herbert")
    assert found.snapshot.names[node] == "Frank Herbert"
    assert node == found.snapshot.first_user - 1
    assert facts(found.snapshot) == facts(before) | {("b98", "WRITTEN_BY", "Herbert")}


def test_the_last_change_of_an_item_counts(before) -> None:
    changes = [
        ItemChange("b02", "put", {"name": "one"}, {"WRITTEN_BY": ("Lem",)}),
        ItemChange("b02", "patch", {"text": "t"}, {"WRITTEN_BY": ("Gaiman",)}),
    ]
    after = with_changes(before, changes).snapshot
    assert (after.names[2], after.texts[2]) == ("one", "t")
    assert ("b02", "WRITTEN_BY", "Gaiman") in facts(after)
    assert ("b02", "WRITTEN_BY", "Lem") not in facts(after)


def test_a_deleted_item_keeps_its_number_until_it_is_put_again(before) -> None:
    gone = with_changes(before, [ItemChange("b02", "delete")])
    assert np.flatnonzero(gone.deleted).tolist() == [2]
    back = with_changes(before, [ItemChange("b02", "delete"), ItemChange("b02", "put", {"name": "x"})])
    assert not back.deleted.any()


def test_without_changes_the_facts_are_the_same(before) -> None:
    found = with_changes(before, [])
    np.testing.assert_array_equal(found.snapshot.triples.tail, before.triples.tail)
    assert not len(found.changed)


def test_properties_are_columns_of_the_snapshot(before) -> None:
    changes = [
        ItemChange("b01", "patch", {"price": 2.5, "tags": ["a", "b"]}),
        ItemChange("b02", "patch", {"price": 3}),
        ItemChange("new", "put", {"name": "New", "price": 4, "text": "t"}),
        ItemChange("b01", "patch", {"price": None}),
        ItemChange("b02", "put", {"pages": 7}),
    ]
    found = with_changes(before, changes)
    properties = found.snapshot.item_properties
    assert [properties.of(n) for n in (0, 1, 2, 8)] == [{}, {"tags": ["a", "b"]}, {"pages": 7}, {"price": 4}]
    again = with_changes(found.snapshot, [ItemChange("new", "patch", {"price": 5}), ItemChange("n2", "put")])
    assert [again.snapshot.item_properties.of(n) for n in (1, 8, 9)] == [
        {"tags": ["a", "b"]},
        {"price": 5},
        {},
    ]


def test_a_price_changes_no_content(before) -> None:
    assert not len(with_changes(before, [ItemChange("b01", "patch", {"price": 2.5, "name": "x"})]).changed)
    for change in (
        ItemChange("b01", "patch", {"text": "x"}),
        ItemChange("b01", "patch", relations={"WRITTEN_BY": ()}),
        ItemChange("b01", "put"),
    ):
        assert with_changes(before, [change]).changed.tolist() == [1]


def test_a_patch_after_a_deletion_brings_nothing_back(before) -> None:
    found = with_changes(before, [ItemChange("b02", "delete"), ItemChange("b02", "patch", {"price": 3})])
    assert np.flatnonzero(found.deleted).tolist() == [2]


@pytest.fixture
def all_directions(before):
    """Lem wrote b00 and b01, Gaiman knows Lem (no relation of items), b01 is a sequel of b00 and of b02."""
    ends = {"KNOWS": ("Author", "Author"), "SEQUEL_OF": ("Book", "Book"), "WROTE": ("Author", "Book")}
    phrase = Phrase(out="x", back="y")
    relations = tuple(RelationSchema(type=x, head=h, tail=t, phrase=phrase) for x, (h, t) in ends.items())
    schema = GraphSchema(labels=SCHEMA.labels, relations=relations, interactions=SCHEMA.interactions)
    snapshot = replace(before, schema=schema)
    kinds = {name: n for n, name in enumerate(snapshot.relations)}
    lem, gaiman = snapshot.node("Author", "Lem"), snapshot.node("Author", "Gaiman")
    rows = [
        (1, kinds["SEQUEL_OF"], 0),
        (1, kinds["SEQUEL_OF"], 2),
        (gaiman, kinds["KNOWS"], lem),
        (lem, kinds["WROTE"], 0),
        (lem, kinds["WROTE"], 1),
    ]
    return replace(snapshot, triples=Triples(*np.array(rows, np.int32).T))


def test_relations_may_lead_from_entities_and_items_to_the_item(all_directions) -> None:
    relations = {"WROTE": ("Gaiman", "Lem"), "SEQUEL_OF": ("b02", "b01")}
    after = with_changes(all_directions, [ItemChange("b01", "put", {}, relations)]).snapshot
    assert facts(after) == {
        ("Gaiman", "KNOWS", "Lem"),
        ("Gaiman", "WROTE", "b01"),
        ("Lem", "WROTE", "b00"),
        ("Lem", "WROTE", "b01"),
        ("b01", "SEQUEL_OF", "b01"),
        ("b01", "SEQUEL_OF", "b02"),
    }
    patch = ItemChange("b00", "patch", relations={"WROTE": (), "SEQUEL_OF": ()})
    assert facts(with_changes(all_directions, [patch]).snapshot) == facts(all_directions) - {
        ("Lem", "WROTE", "b00")
    }, "its sequel is a relation of b01"


def test_groups_and_years_move_with_their_nodes(before) -> None:
    lem = before.node("Author", "Lem")
    given = replace(before, same_as=("", "g", *[""] * 6), years={1: "1961", lem: "1921"})
    changes = [ItemChange("b02", "patch", {"same_as": "g"}), ItemChange("new", "put", {"same_as": "h"})]
    after = with_changes(given, changes).snapshot
    assert after.same_as == ("", "g", "g", *[""] * 5, "h")
    assert after.years == {1: "1961", lem + 1: "1921"}
    gone = [ItemChange("b01", "put"), ItemChange("b02", "put", {"same_as": "k"})]
    assert with_changes(given, gone).snapshot.same_as == ("", "", "k", *[""] * 5)
    assert not with_changes(given, gone[:1]).snapshot.same_as


@pytest.mark.parametrize(
    ("change", "alone"),
    [
        (ItemChange("b01", "patch", {"price": 1}), True),
        (ItemChange("b01", "put", {"price": 1}), False),
        (ItemChange("b01", "delete"), False),
        (ItemChange("b01", "patch", {"name": "x"}), False),
        (ItemChange("b01", "patch", {"text": "x"}), False),
        (ItemChange("b01", "patch", {"same_as": "x"}), False),
        (ItemChange("b01", "patch", relations={"WRITTEN_BY": ()}), False),
    ],
)
def test_changes_of_properties_alone(change, alone) -> None:
    assert change.is_of_properties_alone(SCHEMA) == alone


def test_the_first_name_of_a_new_entity_stays(before) -> None:
    changes = [
        ItemChange(x, "put", {}, {"WRITTEN_BY": ("a9",)}, (NamedEntity("Author", "a9", name),))
        for x, name in (("n1", "First"), ("n2", "Second"))
    ]
    after = with_changes(before, changes).snapshot
    assert after.names[after.node("Author", "a9")] == "First"
