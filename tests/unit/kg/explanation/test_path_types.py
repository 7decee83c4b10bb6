"""Each path type alone: what it finds, with scores worked out by hand, and how it tells it."""

from dataclasses import replace
from math import log, log1p, sqrt

import numpy as np
import pytest

from kg.explanation.base import PathConfig, PathType
from kg.explanation.path_types import CoLikedPath, DirectPath, SharedEntityPath
from kg.explanation.paths import Edge, ExplanationPath, Sources
from kg.explanation.search import PathFinder
from kg.graph import GraphSnapshot, Triples

SCOTT = log1p(8 / 3) / log1p(8)
"""Specificity: Ridley Scott has 3 films of 8."""


def paths_of(
    path_type: type[PathType], films: GraphSnapshot, sources: Sources, item_id: str, **config: float
) -> list[ExplanationPath]:
    finder = PathFinder(films, config=PathConfig(**config), path_types=(path_type,))
    return finder.find(sources, [films.items.index(item_id)], 9)[0]


def test_direct_from_a_stated_entity(films: GraphSnapshot, sources) -> None:
    (path,) = paths_of(DirectPath, films, sources(("Person", "p1")), "m2", min_relative_score=0)
    assert path.nodes == (films.node("Person", "p1"), films.node("Movie", "m2"))
    assert path.edges == (Edge("DIRECTED_BY", "in"),)
    assert path.text == "because you like *Ridley Scott*, who directed *Blade Runner*"
    assert path.score == pytest.approx((1 + SCOTT) / 2)


def test_direct_weighs_the_source(films: GraphSnapshot, sources) -> None:
    stated = sources(("Person", "p1"))
    half = Sources(stated.nodes, stated.weights / 2, stated.kinds)
    assert paths_of(DirectPath, films, half, "m2")[0].score == pytest.approx((1 + SCOTT) / 4)


def test_direct_has_nothing_to_say_without_a_fact(films: GraphSnapshot, sources) -> None:
    assert paths_of(DirectPath, films, sources(("Person", "p1"), ("Movie", "m1")), "m4") == []


def test_shared_entity_from_a_liked_item(films: GraphSnapshot, sources) -> None:
    path = paths_of(SharedEntityPath, films, sources(("Movie", "m1")), "m2")[0]
    assert path.nodes == (films.node("Movie", "m1"), films.node("Person", "p1"), films.node("Movie", "m2"))
    assert path.edges == (Edge("DIRECTED_BY", "out"), Edge("DIRECTED_BY", "in"))
    assert path.text == (
        "because you liked *Alien*, directed by *Ridley Scott*, who also directed *Blade Runner*"
    )
    assert path.score == pytest.approx(SCOTT)


def test_shared_entity_falls_with_the_facts_a_relation_gives_a_head(films: GraphSnapshot, sources) -> None:
    """Solaris shares with Alien nothing but Science-Fiction, of 5 films; 8 films have 9 genres."""
    (path,) = paths_of(SharedEntityPath, films, sources(("Movie", "m1")), "m8")
    assert path.score == pytest.approx(log1p(8 / 5) / log1p(8) * (1 + 1 / (1 + log(9 / 8))) / 2)


def test_shared_entity_by_two_relations_is_less_clear(films: GraphSnapshot, sources) -> None:
    """If Scott, the director of Alien, starred in The Terminator: 4 facts of 8 films, each film one star."""
    facts, scott = films.triples, films.node("Person", "p1")
    more = [
        np.append(column, np.int32(x))
        for column, x in zip(
            (facts.head, facts.relation, facts.tail),
            (films.node("Movie", "m5"), films.relations.index("STARS"), scott),
            strict=True,
        )
    ]
    films = replace(films, triples=Triples(*more))
    paths = paths_of(SharedEntityPath, films, sources(("Movie", "m1")), "m5", repeated_source_factor=1)
    (path,) = (path for path in paths if scott in path.nodes)
    assert path.edges == (Edge("DIRECTED_BY", "out"), Edge("STARS", "in"))
    assert path.score == pytest.approx(0.9 * log1p(8 / 4) / log1p(8))


def test_co_liked_is_half_the_cosine_of_the_likes(films: GraphSnapshot, sources) -> None:
    """Alien has 4 likers, The Godfather 2, both together 2."""
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m1")), "m6")
    assert path.score == pytest.approx(0.5 * 2 / sqrt(4 * 2))
    assert path.text == "because people who liked *Alien* also liked *The Godfather*"
    assert path.edges == (Edge("RATED", "in"), Edge("RATED", "out"))
    assert films.locate(path.nodes[1]) == ("User", "u2"), "of u2 and u3, who liked as much, the first"
    assert "Secret" not in path.text


def test_co_liked_of_one_other_user(films: GraphSnapshot, sources) -> None:
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m3")), "m5")
    assert path.text == "because someone who liked *Gladiator* also liked *The Terminator*"
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m1")), "m2")
    assert path.text == "because someone who liked *Alien* also liked *Blade Runner*", "of four, u4 alone"
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m1"), user="u2"), "m6")
    assert path.text == "because someone who liked *Alien* also liked *The Godfather*", "u3 beside the user"


def test_co_liked_goes_through_the_co_user_with_the_fewest_likes(films: GraphSnapshot, sources) -> None:
    """u1, who liked two films, and u4, who liked five, liked Alien and Aliens."""
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m1")), "m4")
    assert films.locate(path.nodes[1]) == ("User", "u1")


def test_the_user_is_not_their_own_co_user(films: GraphSnapshot, sources) -> None:
    assert paths_of(CoLikedPath, films, sources(("Movie", "m3"), user="u1"), "m5")
    assert paths_of(CoLikedPath, films, sources(("Movie", "m3"), user="u4"), "m5") == []


def test_co_liked_reads_so_many_likers_at_most(films: GraphSnapshot, sources) -> None:
    """Of the four who liked Alien the first and the last are read, u1 and u4. Both liked Aliens, u4 more."""
    cosines = {"m6": None, "m4": 2 / sqrt(4 * 2), "m2": 1 / sqrt(4 * 1)}
    for item_id, cosine in cosines.items():
        found = paths_of(CoLikedPath, films, sources(("Movie", item_id)), "m1", max_co_users=2)
        assert [x.score for x in found] == ([] if cosine is None else [pytest.approx(cosine / 2)])


def test_other_factors_come_from_the_config(films: GraphSnapshot, sources) -> None:
    (path,) = paths_of(CoLikedPath, films, sources(("Movie", "m1")), "m6", co_liked_factor=0.25)
    assert path.score == pytest.approx(0.25 * 2 / sqrt(4 * 2))
