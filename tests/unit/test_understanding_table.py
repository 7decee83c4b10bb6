"""The table of sentences is well-formed, and answers are compared with it as its README says."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError
from understanding_filters import Item, breaks, demands, fulfils, list_breaks, normal_form
from understanding_table import Line, check_filter, compare, read_table

HORROR = {"relation": "HAS_GENRE", "any": ["Horror"]}
EIGHTIES = {"property": "year", "from": 1980, "to": 1989}
ALIEN = {"label": "Movie", "name": "Alien"}

FUNNY_ALIEN = Line.model_validate(
    {
        "text": "no horror, something like Alien but funny, not too long",
        "expected": {
            "intent": "similar",
            "likes": [ALIEN],
            "dislikes": [{"label": "Genre", "name": "Horror"}],
            "wants": [{"words": "funny", "or": [{"label": "Genre", "name": "Comedy"}]}],
            "rejects": ["too long"],
            "filter": {"not": HORROR},
            "sentiment": [{"words": "no horror", "value": -1}, {"words": "not too long", "value": -1}],
            "reserved": True,
        },
    }
)
"""Eight slots of it count."""


def item(name: str, year: int, *facts: tuple[str, str]) -> Item:
    return Item(name, {"year": year}, frozenset(facts))


def wrong(line: Line, **changes: Any) -> set[str]:
    """The slots that are wrong where the expected answer is changed."""
    answer = line.expected.model_dump(by_alias=True) | changes
    return {slot for slot, right in compare(line, answer).items() if not right}


@pytest.mark.parametrize(("name", "size"), [("sentences", 120), ("kept_aside", 60)])
def test_the_table_has_its_lines_and_each_is_right_about_itself(name: str, size: int) -> None:
    lines = read_table(name)
    assert len(lines) == size
    assert [line.text for line in lines if wrong(line)] == []


def test_no_sentence_stands_twice() -> None:
    texts = [line.text.casefold() for name in ("sentences", "kept_aside") for line in read_table(name)]
    assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_an_empty_answer_is_right_only_where_no_filter_is_right_too() -> None:
    right = {
        slot
        for name in ("sentences", "kept_aside")
        for line in read_table(name)
        for slot, ok in compare(line, {}).items()
        if ok
    }
    assert right <= {"filter"}


def test_each_slot_of_a_sentence_counts_once() -> None:
    # intent, likes, dislikes, wants, rejects, filter, sentiment, reserved
    assert len(compare(FUNNY_ALIEN, {})) == 8
    assert not any(compare(FUNNY_ALIEN, {"filter": {"property": "year", "to": 1989}}).values())


@pytest.mark.parametrize(
    ("changes", "slots"),
    [
        ({"filter": None}, set()),  # the disliked genre says the same
        ({"dislikes": []}, set()),  # and so does the filter
        ({"dislikes": [], "filter": None}, {"dislikes"}),
        ({"wants": [], "likes": [ALIEN, {"label": "Genre", "name": "Comedy"}]}, set()),
        ({"likes": [ALIEN, {"label": "Genre", "name": "Drama"}]}, {"likes"}),
        ({"likes": [{"label": "Movie", "name": "Aliens"}]}, {"likes"}),
        ({"wants": ["something like Alien but funny"]}, set()),
        ({"wants": ["funny, long"]}, {"wants"}),  # long is rejected
        ({"wants": ["funny", "Alien"]}, {"wants"}),
        ({"rejects": ["long", "Alien"]}, {"rejects"}),
        ({"rejects": ["long", "something else", "dull"]}, {"rejects"}),
        ({"not_understood": ["funny"]}, {"not_understood"}),
        ({"not_understood": ["something"]}, set()),
        ({"sentiment": [{"words": "no horror", "value": -1}]}, {"sentiment"}),
        ({"sentiment": [{"words": "no horror, not too long, Alien", "value": -1}]}, set()),
        ({"sentiment": [{"words": "no horror, not too long", "value": 1}]}, {"sentiment"}),
        (
            {
                "sentiment": [
                    {"words": "no horror, not too long", "value": -1},
                    {"words": "something like Alien", "value": -1},
                ]
            },
            {"sentiment"},
        ),
        ({"reserved": False}, {"reserved"}),
        ({"intent": "recommend"}, {"intent"}),
        ({"filter": {"all": [{"not": HORROR}, EIGHTIES]}}, {"filter"}),
    ],
)
def test_what_is_changed_is_wrong(changes: dict[str, Any], slots: set[str]) -> None:
    assert wrong(FUNNY_ALIEN, **changes) == slots


def test_expressions_of_one_meaning_have_one_form() -> None:
    decade = {"relation": "RELEASED_IN", "any": ["1980s"]}
    halves = {
        "all": [{"property": "year", "from": 1970, "to": 1989}, {"all": [{"property": "year", "from": 1980}]}]
    }
    assert normal_form(EIGHTIES) == normal_form(decade) == normal_form(halves)
    neither = {"relation": "HAS_GENRE", "none": ["Horror", "War"]}
    each = {"all": [{"not": HORROR}, {"not": {"relation": "HAS_GENRE", "any": ["War"]}}]}
    assert normal_form(neither) == normal_form(each)
    assert normal_form(EIGHTIES) != normal_form({"property": "year", "from": 1980})


@pytest.mark.parametrize(
    "expression",
    [
        {},
        {"relation": "LIKES", "any": ["Horror"]},
        {"relation": "HAS_GENRE", "any": []},
        {"property": "runtime", "to": 120},
        {"property": "year", "from": 1990, "to": 1980},
        {"all": [EIGHTIES], "any": [HORROR]},
        {"not": {"relation": "HAS_GENRE", "of": ["Horror"]}},
    ],
)
def test_what_is_no_filter_is_refused(expression: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"keys|unknown|not one"):
        check_filter(expression)


def test_words_that_the_sentence_lacks_are_refused() -> None:
    with pytest.raises(ValidationError, match="'sad' is not in 'something funny'"):
        Line.model_validate({"text": "something funny", "expected": {"wants": ["sad"]}})


@pytest.mark.parametrize(
    ("expression", "years"),
    [
        (None, [1979, 1980, 1989, 1990]),
        (EIGHTIES, [1980, 1989]),
        ({"not": EIGHTIES}, [1979, 1990]),
        ({"property": "year", "any": [1979, 1989]}, [1979, 1989]),
        ({"property": "year"}, [1979, 1980, 1989, 1990]),
        ({"any": [HORROR, EIGHTIES]}, [1979, 1980, 1989]),
        ({"all": [HORROR, EIGHTIES]}, [1980]),
        ({"relation": "HAS_GENRE", "all": ["Horror", "War"]}, [1980]),
        ({"relation": "HAS_GENRE", "none": ["Drama", "War"]}, [1979, 1990]),
        ({"relation": "HAS_GENRE"}, [1979, 1980, 1989]),
    ],
)
def test_a_filter_leaves_what_fulfils_it(expression: dict[str, Any] | None, years: list[int]) -> None:
    horror, war = ("HAS_GENRE", "Horror"), ("HAS_GENRE", "War")
    films = [item("A", 1979, horror), item("B", 1980, horror, war), item("C", 1989, war), item("D", 1990)]
    assert [film.year for film in films if fulfils(film, expression)] == years


def test_a_relation_that_the_filter_negates_decides_what_a_dislike_excludes() -> None:
    expected = {
        "dislikes": [{"label": "Person", "name": "Wes Anderson"}],
        "filter": {"not": {"relation": "DIRECTED_BY", "any": ["Wes Anderson"]}},
    }
    acted = item("A", 2014, ("STARS", "Wes Anderson"))
    assert breaks(expected, item("B", 2014, ("DIRECTED_BY", "Wes Anderson")))
    assert not breaks(expected, acted)
    assert breaks({"dislikes": expected["dislikes"]}, acted)


def test_every_film_of_a_disliked_title_is_broken_and_one_of_two_readings_suffices() -> None:
    titanic = {"label": "Movie", "name": "Titanic"}
    expected = {"dislikes": [{**titanic, "year": 1997, "or": [{**titanic, "year": 1953}]}]}
    broken = [year for year in (1997, 1953, 2000) if breaks(expected, item("Titanic", year))]
    assert broken == [1997, 1953]
    french = {"relation": "FROM_COUNTRY", "any": ["France"]}, {"relation": "IN_LANGUAGE", "any": ["French"]}
    expected = {"intent": "filter", "filter": french[0], "filter_or": [french[1]]}
    swiss = item("A", 1990, ("FROM_COUNTRY", "Switzerland"), ("IN_LANGUAGE", "French"))
    assert not breaks(expected, swiss)
    assert breaks(expected, item("B", 1990, ("FROM_COUNTRY", "Switzerland")))


def test_a_film_without_year_is_in_no_range() -> None:
    assert breaks({"filter": EIGHTIES}, Item("A"))
    assert not breaks({"filter": {"not": EIGHTIES}}, Item("A"))


def test_a_short_list_breaks_a_constraint_where_more_films_fulfil_it() -> None:
    catalogue = [item(f"film {year}", year) for year in range(1978, 1984)]  # four of the eighties
    expected = {"intent": "recommend", "filter": EIGHTIES}
    eighties = catalogue[2:]
    assert not list_breaks(expected, eighties, catalogue, k=10)
    assert list_breaks(expected, eighties[:3], catalogue, k=10)
    assert not list_breaks(expected, eighties[:3], catalogue, k=3)
    assert list_breaks(expected, catalogue[1:], catalogue, k=10)


def test_wishes_that_are_preferred_or_no_request_demand_nothing_of_a_list() -> None:
    assert demands({"intent": "recommend", "filter": EIGHTIES})
    assert demands({"intent": "similar", "dislikes": [ALIEN]})
    assert not demands({"intent": "recommend", "filter": EIGHTIES, "filter_or": [None]})
    assert not demands({"intent": "explain", "dislikes": [ALIEN]})
    assert not demands({"intent": "recommend", "likes": [ALIEN]})
