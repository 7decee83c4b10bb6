"""Interests of histories, worked out by hand on the small library: book n is by author n % 6."""

from dataclasses import replace

import numpy as np
import pytest
from small_library import library

from kg.graph import Triples
from service.profile.interests import Interests

PRATCHETT, GAIMAN, LEM = "Pratchett", "Gaiman", "Lem"


@pytest.fixture(scope="module")
def interests() -> Interests:
    return Interests(library())


def test_weight_lift_and_lately_by_hand(interests: Interests) -> None:
    """Of 10 liked books 4 are by Pratchett and 1 by Lem, of 30 books 5 are by each; lately are the last 5."""
    liked = [0, 6, 12, 18, 1, 2, 5, 11, 17, 3]
    found, _ = interests.of(liked, [])
    by_id = {x.id: x for x in found["Author"]}
    first = by_id[PRATCHETT]
    assert (first.weight, first.lift, first.lately) == (0.4, round(0.4 / (5 / 30), 2), 0.0)
    assert (first.liked_items, first.other_items) == (4, 0)
    assert [x.id for x in first.items] == ["b18", "b12", "b06", "b00"]
    christie = by_id["Christie"]
    assert (christie.weight, christie.lately) == (0.3, 0.6)
    assert [x.id for x in found["Author"]] == [PRATCHETT, "Christie"], (
        "of the others are as many as usual, or fewer"
    )


def test_what_is_often_seen_and_seldom_liked_is_avoided(interests: Interests) -> None:
    """4 of 8 books are liked; of Gaiman's three none is, of Lem's two neither, which is too few to tell."""
    _, avoided = interests.of([0, 6, 12, 18], [1, 7, 13, 3])
    assert [(x.id, x.other_items, x.liked_items) for x in avoided["Author"]] == [(GAIMAN, 3, 0)]
    _, avoided = interests.of([0, 6, 12, 1], [7, 13, 3, 9])
    assert not avoided, "a third of Gaiman's is liked, where half of all are"


def test_nobody_has_no_interests(interests: Interests) -> None:
    assert interests.of([], []) == ({}, {})
    assert Interests(library(facts=False)).of([0], []) == ({}, {})


def test_against_loops(interests: Interests) -> None:
    snapshot = library()
    rng = np.random.default_rng(0)
    authors = {int(h): int(t) for h, t in zip(snapshot.triples.head, snapshot.triples.tail, strict=True)}
    for _ in range(20):
        liked = rng.permutation(30)[: rng.integers(1, 20)].tolist()
        found, _ = interests.of(liked, [])
        for interest in found.get("Author", []):
            node = snapshot.node("Author", interest.id)
            own = [x for x in liked if authors[x] == node]
            assert interest.weight == round(len(own) / len(liked), 4)
            assert interest.weight > 5 / 30
            assert [x.id for x in interest.items] == [snapshot.items.ids[x] for x in reversed(own)][:5]


def test_lately_is_a_fifth_of_a_long_history() -> None:
    """Of 30 liked books 10 are by Pratchett, one of them the sixth from the end: 1 of the last 6."""
    others = [n for n in range(60) if n % 6][:20]
    found, _ = Interests(library(books=60)).of([*range(6, 60, 6), *others[:15], 0, *others[15:]], [])
    assert {x.id: x.lately for x in found["Author"]}[PRATCHETT] == round(1 / 6, 4)


def test_two_facts_with_one_entity_count_once() -> None:
    snapshot = library()
    triples = Triples(*(np.concatenate([x, x]) for x in vars(snapshot.triples).values()))
    found, _ = Interests(replace(snapshot, triples=triples)).of([0, 6, 1], [])
    assert {x.id: (x.weight, x.liked_items) for x in found["Author"]}[PRATCHETT] == (round(2 / 3, 4), 2)
