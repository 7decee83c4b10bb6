"""Sentences shown to users."""

from dataclasses import replace

from kg.explanation.paths import Edge
from kg.explanation.wording import co_liked_sentence, fact_sentence
from kg.graph import GraphSnapshot

ALIEN, BLADE_RUNNER = 0, 1
BY, ALSO_BY = Edge("DIRECTED_BY", "out"), Edge("DIRECTED_BY", "in")


def test_a_liked_item_is_told_with_the_verb_of_its_interaction(films: GraphSnapshot) -> None:
    scott = films.node("Person", "p1")
    text = fact_sentence(films, 0, (ALIEN, scott, BLADE_RUNNER), (BY, ALSO_BY))
    assert text == "because you liked *Alien*, directed by *Ridley Scott*, who also directed *Blade Runner*"


def test_a_stated_preference_holds_now(films: GraphSnapshot) -> None:
    text = fact_sentence(films, None, (ALIEN, films.node("Person", "p1")), (BY,))
    assert text == "because you like *Alien*, directed by *Ridley Scott*"


def test_the_first_step_says_no_also(films: GraphSnapshot) -> None:
    text = fact_sentence(films, None, (films.node("Person", "p1"), BLADE_RUNNER), (ALSO_BY,))
    assert text == "because you like *Ridley Scott*, who directed *Blade Runner*"


def test_one_co_user_is_not_called_people(films: GraphSnapshot) -> None:
    told = [co_liked_sentence(films, ALIEN, BLADE_RUNNER, (0, 0), n) for n in (1, 2)]
    assert told == [
        "because someone who liked *Alien* also liked *Blade Runner*",
        "because people who liked *Alien* also liked *Blade Runner*",
    ]


def test_nodes_of_one_name_are_told_apart(films: GraphSnapshot) -> None:
    names = list(films.names)
    names[BLADE_RUNNER] = "Alien"
    cameron = films.node("Person", "p3")
    names[cameron] = "ridley  scott"
    twins = replace(films, names=tuple(names), years={ALIEN: "1979", BLADE_RUNNER: "1982"})
    scott = films.node("Person", "p1")
    assert fact_sentence(twins, 0, (ALIEN, scott, BLADE_RUNNER), (BY, ALSO_BY)) == (
        "because you liked *Alien (1979)*, directed by *Ridley Scott [p1]*, who also directed *Alien (1982)*"
    )
    told = co_liked_sentence(replace(twins, years={}), ALIEN, BLADE_RUNNER, (0, 0), 2)
    assert told == "because people who liked *Alien [m1]* also liked *Alien [m2]*"
