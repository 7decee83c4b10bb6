import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from filter_reference import Library, fill_library, random_filters

from kg.errors import InvalidFieldsError
from kg.graph import GraphSnapshot
from kg.property_columns import item_properties, with_values
from kg.schema import GraphSchema
from kg.snapshot import read_snapshot
from service.contract import RecommendRequest
from service.filters.item_filters import ItemFilters, Kept

PROPERTIES: dict[str, list[Any]] = {
    "year": [1979, 1982, 2000, 1986, 1984, 1972, 1985, None],
    "made": ["1979", "1982-06", "2000-05-01", "1986-07-18T20:00:00Z", None, "1972", "soon", "1972-03-20"],
    "seen": [True, False, None, True, True, False, None, None],
    "tags": [["Cult", "space"], ["cult"], [], None, ["robots"], ["mafia", "007"], None, ["space"]],
}
"""Of Alien, Blade Runner, Gladiator, Aliens, The Terminator, The Godfather, Witness and Solaris."""


@pytest.fixture
def filters(films: GraphSnapshot) -> ItemFilters:
    return ItemFilters(replace(films, item_properties=item_properties(films.schema.item, PROPERTIES)))


def kept(filters: ItemFilters, expression: dict[str, Any]) -> Kept:
    request = RecommendRequest.model_validate_json(json.dumps({"filter": expression}))
    assert request.filter is not None
    return filters.kept(request.filter, "/filter")


def films_of(filters: ItemFilters, expression: dict[str, Any]) -> str:
    """The numbers in the ids of the films that are kept."""
    return "".join(str(n + 1) for n in np.flatnonzero(kept(filters, expression).mask))


def errors_of(filters: ItemFilters, expression: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFieldsError) as caught:
        kept(filters, expression)
    return list(caught.value.fields)


def with_relations(schema: GraphSchema, changes: dict[str, dict[str, str]]) -> GraphSchema:
    """The schema with other ends of some relations."""
    relations = tuple(x.model_copy(update=changes.get(x.type, {})) for x in schema.relations)
    return GraphSchema(labels=schema.labels, relations=relations, interactions=schema.interactions)


def test_random_filters_keep_what_the_slow_reference_keeps(fake_store: Any) -> None:
    fill_library(fake_store)
    snapshot, plain = read_snapshot(fake_store), Library(fake_store)
    filters, ids = ItemFilters(snapshot), np.array(snapshot.items.ids)
    sizes = []
    for expression in random_filters(300, seed=1):
        mask = kept(filters, expression).mask
        assert set(ids[mask].tolist()) == plain.kept(expression), expression
        sizes.append(int(mask.sum()))
    assert sum(0 < size < snapshot.n_items for size in sizes) > 200, "most filters keep some and not all"
    assert len(set(sizes)) > 40


@pytest.mark.parametrize(
    ("expression", "numbers"),
    [
        ({"relation": "STARS"}, "1247"),
        ({"relation": "STARS", "any": ["harrison  FORD"]}, "27"),
        ({"relation": "STARS", "any": ["p2", "Person:p4"]}, "1247"),
        ({"relation": "STARS", "none": ["Sigourney Weaver"]}, "235678"),
        ({"relation": "HAS_GENRE", "all": ["sci-fi", "Genre:Horror"]}, "1"),
        ({"relation": "HAS_GENRE", "any": ["Genre:5"]}, "1"),
        ({"relation": "HAS_GENRE", "any": ["Comedy"]}, ""),
        ({"not": {"relation": "HAS_GENRE", "any": ["Sci-Fi"]}}, "367"),
        ({"any": [{"relation": "IN_LANGUAGE", "any": ["ru"]}, {"relation": "DIRECTED_BY"}]}, "123458"),
        ({"all": [{"relation": "HAS_GENRE", "any": ["Drama"]}, {"property": "year", "from": 1980}]}, "37"),
        ({"property": "year"}, "1234567"),
        ({"not": {"property": "year"}}, "8"),
        ({"property": "year", "from": 1980, "to": 1989}, "2457"),
        ({"property": "year", "from": 1982, "to": "1984"}, "25"),
        ({"property": "year", "any": [1972, "2000"]}, "36"),
        ({"property": "year", "none": [1972]}, "1234578"),
        ({"property": "seen", "any": [True]}, "145"),
        ({"property": "seen", "any": ["False"]}, "26"),
        ({"property": "seen", "none": [True]}, "23678"),
        ({"property": "seen", "all": [True, False]}, ""),
        ({"property": "tags"}, "12568"),
        ({"property": "tags", "any": ["CULT"]}, "12"),
        ({"property": "tags", "all": ["cult", "space"]}, "1"),
        ({"property": "tags", "none": ["cult", "space"]}, "34567"),
        ({"property": "tags", "any": [7]}, "6"),
        ({"property": "tags", "to": 7}, "6"),
        ({"property": "made", "from": 1980, "to": 1986}, "24"),
        ({"property": "made", "from": "1982-06", "to": "1986-07-18"}, "24"),
        ({"property": "made", "to": "1986-07-18T19:59:59Z"}, "1268"),
        ({"property": "made", "from": "1986-07-18T20:00:00Z"}, "34"),
        ({"property": "made", "to": "1972"}, "68"),
        ({"property": "made", "to": "1972-03-19"}, "6"),
        ({"property": "made", "from": "1979-01-02", "to": 1983}, "2"),
        ({"property": "made", "any": ["1972"]}, "6"),
    ],
)
def test_filters_worked_out_by_hand(filters: ItemFilters, expression: dict[str, Any], numbers: str) -> None:
    assert films_of(filters, expression) == numbers


def test_relations_count_in_both_directions(films: GraphSnapshot) -> None:
    """As if people directed films the other way round, and a film followed another."""
    facts = films.triples
    follows = facts.relation == films.relations.index("STARS")
    changes = {"DIRECTED_BY": {"head": "Person", "tail": "Movie"}, "STARS": {"tail": "Movie"}}
    schema = with_relations(films.schema, changes)
    directed = facts.relation == films.relations.index("DIRECTED_BY")
    head, tail = np.where(directed, facts.tail, facts.head), np.where(directed, facts.head, facts.tail)
    tail[follows] = [3, 3, 5, 5]  # m1 and m4 to m4, m2 and m7 to m6
    triples = replace(facts, head=head.astype(np.int32), tail=tail.astype(np.int32))
    filters = ItemFilters(replace(films, schema=schema, triples=triples))
    assert films_of(filters, {"relation": "DIRECTED_BY", "any": ["ridley scott"]}) == "123"
    assert films_of(filters, {"relation": "STARS", "any": ["The Godfather"]}) == "27"
    assert films_of(filters, {"relation": "STARS", "any": ["Movie:m4", "m2"]}) == "146"


@pytest.mark.parametrize(
    ("expression", "pointer", "detail"),
    [
        (
            {"relation": "HAS_GENR"},
            "/relation",
            "no relation 'HAS_GENR' of a Movie; did you mean 'HAS_GENRE'?",
        ),
        ({"relation": "year"}, "/relation", '\'year\' is a property; write {"property": "year", ...}'),
        ({"relation": "RATED"}, "/relation", "'RATED' joins no Movie to others; "),
        (
            {"relation": "STARS", "any": ["Harison Ford"]},
            *("/any/0", "no Person has the id or name 'Harison Ford'; did you mean 'Harrison Ford'?"),
        ),
        (
            {"relation": "STARS", "none": ["p1", "Ford"]},
            "/none/1",
            "no Person has the id or name 'Ford'; did you me",
        ),
        (
            {"relation": "STARS", "all": ["Genre:Drama"]},
            "/all/0",
            "the relation joins items to Person, not to Genre",
        ),
        ({"property": "yaer"}, "/property", "no Movie has a property 'yaer'; did you mean 'year'?"),
        ({"property": "STARS"}, "/property", '\'STARS\' is a relation; write {"relation": "STARS", ...}'),
        ({"property": "title"}, "/property", "filters do not compare the property 'title' of a Movie"),
        ({"property": "year", "any": [1, "x", True]}, "/any/1", "year is a number, and 'x' is none"),
        ({"property": "year", "from": "1980-05"}, "/from", "year is a number, and '1980-05' is none"),
        ({"property": "year", "from": 1990, "to": 1980}, "/from", "it is after `to`"),
        ({"property": "made", "from": "1990-01", "to": "1980-05"}, "/from", "it is after `to`"),
        ({"property": "made", "to": "soon"}, "/to", "'soon' is neither a number nor a date in ISO 8601"),
        ({"property": "seen", "any": [1]}, "/any/0", "seen is true or false, not 1"),
        ({"property": "seen", "to": 1}, "/to", "seen is true or false, and has no order"),
        ({"property": "tags", "to": "1980-05"}, "/to", "no tags is a date, as '1980-05' is"),
    ],
)
def test_what_the_graph_does_not_have_is_an_error(
    filters: ItemFilters, expression: dict[str, Any], pointer: str, detail: str
) -> None:
    first, *_ = errors_of(filters, {"all": [{"property": "year"}, expression]})
    assert first[0] == f"/filter/all/1{pointer}"
    assert first[1].startswith(detail)


def test_all_errors_are_named(filters: ItemFilters) -> None:
    expression = {"any": [{"relation": "STARS", "any": ["x1", "p2", "x2"]}, {"not": {"property": "x"}}]}
    assert [pointer for pointer, _ in errors_of(filters, expression)] == [
        *("/filter/any/0/any/0", "/filter/any/0/any/2", "/filter/any/1/not/property"),
    ]


def test_a_snapshot_without_properties_says_so(films: GraphSnapshot) -> None:
    [(_, detail)] = errors_of(ItemFilters(films), {"property": "year"})
    assert detail == "the model's snapshot has no property of a Movie; if the graph has any, train again"


def test_a_value_that_no_item_has_is_a_warning(filters: ItemFilters) -> None:
    found = kept(filters, {"property": "tags", "any": ["cult", "spase"]})
    assert np.flatnonzero(found.mask).tolist() == [0, 1]
    assert found.warnings == [
        ("/filter/any/1", "no item has the tags 'spase'; did you mean 'space'?"),
    ]
    assert kept(filters, {"property": "year", "any": [1900]}).warnings == []


def test_an_id_that_is_the_name_of_another_is_a_warning(films: GraphSnapshot) -> None:
    """A genre of the name g1 beside the genre with the id g1."""
    names = list(films.names)
    names[films.node("Genre", "g2")] = "G1"
    filters = ItemFilters(replace(films, names=tuple(names)))
    found = kept(filters, {"relation": "HAS_GENRE", "any": ["g1"]})
    assert np.flatnonzero(found.mask).tolist() == [0, 1, 3, 4, 7], "the films of Sci-Fi"
    assert found.warnings == [
        (
            "/filter/any/0",
            "'g1' is the id of 'Sci-Fi', which counts, and the name of 'g2'; write the id instead",
        )
    ]


def test_all_nodes_of_a_name_count(films: GraphSnapshot) -> None:
    names = list(films.names)
    names[films.node("Genre", "g2")] = "SCI-FI"
    filters = ItemFilters(replace(films, names=tuple(names)))
    assert films_of(filters, {"relation": "HAS_GENRE", "any": ["Sci-Fi"]}) == "12345678"
    assert films_of(filters, {"relation": "HAS_GENRE", "any": ["g2"]}) == "367"


def test_names_of_users_are_not_looked_at(films: GraphSnapshot) -> None:
    """As if films were shot in users."""
    schema = with_relations(films.schema, {"IN_LANGUAGE": {"tail": "User"}})
    facts = films.triples
    own = facts.relation == 3
    tail = np.where(own, films.first_user, facts.tail).astype(np.int32)
    filters = ItemFilters(replace(films, schema=schema, triples=replace(facts, tail=tail)))
    assert films_of(filters, {"relation": "IN_LANGUAGE", "any": ["u1"]}) == "12345678"
    [(_, detail)] = errors_of(filters, {"relation": "IN_LANGUAGE", "any": ["Ann Secre"]})
    assert detail == "no User has the id or name 'Ann Secre'"
    assert errors_of(filters, {"relation": "IN_LANGUAGE", "any": ["Ann Secret"]})


def test_masks_are_kept_for_values_of_each_type(filters: ItemFilters) -> None:
    """1, 1.0, "1" and true are told apart by what is kept, not by how Python compares them."""
    assert films_of(filters, {"property": "tags", "any": [True]}) == ""
    assert films_of(filters, {"property": "tags", "any": [1]}) == ""
    assert films_of(filters, {"property": "seen", "any": [True]}) == "145"
    assert errors_of(filters, {"property": "seen", "any": [1]})
    one, two = (kept(filters, {"property": "year", "from": 1980}) for _ in range(2))
    assert one.mask is two.mask


def test_a_mask_does_not_change_by_being_used(filters: ItemFilters) -> None:
    expressions = [{"relation": "STARS"}, {"property": "year", "to": 1980}]
    before = [kept(filters, x).mask.copy() for x in expressions]
    for pair in pairwise([*expressions, expressions[0]]):
        kept(filters, {"not": {"any": list(pair)}})
        kept(filters, {"all": list(pair)})
    for expression, mask in zip(expressions, before, strict=True):
        np.testing.assert_array_equal(kept(filters, expression).mask, mask)


def test_after_a_change_of_properties_what_holds_on_is_kept(films: GraphSnapshot) -> None:
    label = films.schema.item
    before = replace(films, item_properties=item_properties(label, PROPERTIES))
    changed = with_values(before.item_properties, label, 8, {0: {"year": 1983}, 1: {"new": "x"}})
    filters = ItemFilters(before)
    stars, years, tags = {"relation": "STARS"}, {"property": "year", "to": 1983}, {"property": "tags"}
    assert films_of(filters, {"all": [stars, years, tags]}) == "12"
    after = ItemFilters(replace(before, item_properties=changed), filters)
    assert films_of(after, {"property": "year", "from": 1980, "to": 1983}) == "12"
    assert films_of(after, {"property": "new"}) == "2"
    assert films_of(filters, {"property": "year", "from": 1980, "to": 1983}) == "2"
    assert kept(after, stars).mask is kept(filters, stars).mask
    assert films_of(after, {"all": [stars, tags]}) == "12"
    assert after._columns.values("tags") is filters._columns.values("tags")
    assert after._columns.values("year") is not filters._columns.values("year")
