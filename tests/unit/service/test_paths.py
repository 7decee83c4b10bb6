"""Paths: told in words, ranked by worth, made of real edges only."""

from collections.abc import Sequence
from math import log1p

import numpy as np
import pytest

from kg.graph import GraphSnapshot
from kg.paths import SAID, Edge, ExplanationPath, PathFinder, Sources, spans


def of(snapshot: GraphSnapshot, *nodes: tuple[str, str], kind: int = 0, user: int | None = None) -> Sources:
    numbers = np.array([snapshot.node(*x) for x in nodes])
    kinds = np.array([kind if n < snapshot.n_items else SAID for n in numbers])
    return Sources(numbers, np.ones(len(nodes), np.float32), kinds, user)


def paths_to(
    snapshot: GraphSnapshot, sources: Sources, item_id: str, limit: int = 3, people: bool = True
) -> list[ExplanationPath]:
    finder = PathFinder(snapshot, through_users=people)
    return finder.find(sources, [snapshot.items.index(item_id)], limit)[0]


def texts(paths: Sequence[ExplanationPath]) -> list[str]:
    return [path.text for path in paths]


def test_a_liked_film_explains_another_by_its_director(films: GraphSnapshot) -> None:
    path = paths_to(films, of(films, ("Movie", "m1")), "m2", limit=1)[0]
    assert (
        path.text == "because you liked *Alien*, directed by *Ridley Scott*, who also directed *Blade Runner*"
    )
    assert path.edges == (Edge("DIRECTED_BY", "out"), Edge("DIRECTED_BY", "in"))
    assert path.nodes == (films.node("Movie", "m1"), films.node("Person", "p1"), films.node("Movie", "m2"))


def test_a_liked_entity_explains_directly_and_says_no_also(films: GraphSnapshot) -> None:
    path = paths_to(films, of(films, ("Person", "p1")), "m2")[0]
    assert path.text == "because you like *Ridley Scott*, who directed *Blade Runner*"
    assert path.edges == (Edge("DIRECTED_BY", "in"),)


def test_a_film_named_just_now_is_told_as_liked_now(films: GraphSnapshot) -> None:
    path = paths_to(films, of(films, ("Movie", "m1"), kind=SAID), "m2", limit=1)[0]
    assert path.text.startswith("because you like *Alien*, ")


def test_people_explain_where_facts_do_not_and_nobody_is_named(films: GraphSnapshot) -> None:
    # u2 and u3 liked Alien and The Godfather, which share nothing but English
    path = paths_to(films, of(films, ("Movie", "m1")), "m6", limit=1)[0]
    assert path.text == "because people who liked *Alien* also liked *The Godfather*"
    assert path.edges == (Edge("RATED", "in"), Edge("RATED", "out"))
    assert films.locate(path.nodes[1]) in {("User", "u2"), ("User", "u3")}
    assert "Secret" not in path.text


def test_one_person_is_not_called_people(films: GraphSnapshot) -> None:
    told = texts(paths_to(films, of(films, ("Movie", "m3")), "m5"))
    assert told[0] == "because someone who liked *Gladiator* also liked *The Terminator*"


def test_the_asker_is_not_another_user(films: GraphSnapshot) -> None:
    only_u4 = of(films, ("Movie", "m3"), user=films.users.index("u4"))
    assert not any("someone" in text or "people" in text for text in texts(paths_to(films, only_u4, "m5", 9)))


def test_paths_through_users_can_be_switched_off(films: GraphSnapshot) -> None:
    path = paths_to(films, of(films, ("Movie", "m1")), "m6", people=False)[0]
    assert path.text == "because you liked *Alien*, in *English*, also the language of *The Godfather*"


def test_scores_by_hand(films: GraphSnapshot) -> None:
    """Ridley Scott has 3 films of 8; both edges are of one relation; without vectors all items are close."""
    director = log1p(8 / 3) / log1p(8)
    source = of(films, ("Movie", "m1"))
    assert paths_to(films, source, "m2", limit=1)[0].score == pytest.approx(director)
    close = PathFinder(films, np.ones((8, 2), np.float32)).find(source, [1], 1)[0][0]
    far = PathFinder(films, np.eye(8, dtype=np.float32)).find(source, [1], 1)[0][0]
    assert (close.score, far.score) == (pytest.approx(director), pytest.approx(director / 2))
    named = paths_to(films, of(films, ("Person", "p1")), "m2", limit=1)[0]
    assert named.score == pytest.approx((1 + director) / 2)


def test_the_score_of_people_by_hand(films: GraphSnapshot) -> None:
    """Alien has 4 likers, The Godfather 2, both together 2: half of 2 / sqrt(4 * 2)."""
    path = paths_to(films, of(films, ("Movie", "m1")), "m6", limit=1)[0]
    assert path.score == pytest.approx(0.5 * 2 / np.sqrt(8))


def test_hubs_come_last(films: GraphSnapshot) -> None:
    names = [
        films.names[p.nodes[1]] for p in paths_to(films, of(films, ("Movie", "m1")), "m4", 9, people=False)
    ]
    assert names[0] == "Sigourney Weaver"
    assert "English" not in names[:2]


def test_a_middle_is_used_once_and_a_source_that_spoke_counts_half(films: GraphSnapshot) -> None:
    liked = of(films, ("Movie", "m3"), ("Movie", "m1"))  # both by Ridley Scott, as is Blade Runner
    found = paths_to(films, liked, "m2", limit=5, people=False)
    middles = [films.names[p.nodes[1]] for p in found]
    assert middles.count("Ridley Scott") == 1
    assert len(set(middles)) == len(middles)
    assert found[0].nodes[0] == films.node("Movie", "m1"), "of equals the one that comes last speaks"
    english, genre = log1p(8 / 7) / log1p(8), log1p(8 / 5) / log1p(8)
    assert found[1].score == pytest.approx(english), "from Gladiator, which has not spoken"
    emphasis = (1 + 1 / (1 + np.log(9 / 8))) / 2  # nine genres of eight films
    assert found[2].score == pytest.approx(genre * emphasis / 2), "from Alien, which has"


def test_weak_further_paths_are_left_out(films: GraphSnapshot) -> None:
    assert all(
        p.score >= 0.25 * found[0].score
        for item in films.items.ids
        for found in [paths_to(films, of(films, ("Movie", "m1")), item, 9)]
        for p in found
    )


def test_an_item_does_not_explain_itself(films: GraphSnapshot) -> None:
    assert paths_to(films, of(films, ("Movie", "m1")), "m1") == []


def test_nothing_known_explains_nothing(films: GraphSnapshot) -> None:
    assert PathFinder(films).find(of(films), [0, 1]) == [[], []]


def test_every_edge_is_in_the_graph_and_scores_fall(films: GraphSnapshot) -> None:
    facts = films.triples
    stored = set(zip(facts.head.tolist(), facts.relation.tolist(), facts.tail.tolist(), strict=True))
    events = films.interactions.select(films.interactions.liked)
    stored |= {(films.first_user + u, -1, i) for u, i in zip(events.user, events.item, strict=True)}
    everything = of(films, *[("Movie", x) for x in films.items.ids], ("Genre", "g1"), ("Person", "p4"))
    found = PathFinder(films).find(everything, range(films.n_items), 9)
    for item, paths in enumerate(found):
        assert paths
        assert [p.score for p in paths] == sorted((p.score for p in paths), reverse=True)
        for path in paths:
            assert 0 < path.score <= 1
            assert path.nodes[0] in everything.nodes
            assert path.nodes[-1] == item
            for n, edge in enumerate(path.edges):
                ends = path.nodes[n], path.nodes[n + 1]
                head, tail = ends if edge.direction == "out" else ends[::-1]
                kind = films.relations.index(edge.relation) if edge.relation != "RATED" else -1
                assert (head, kind, tail) in stored


def test_the_same_question_gets_the_same_paths(films: GraphSnapshot) -> None:
    sources = of(films, *[("Movie", x) for x in films.items.ids])
    assert PathFinder(films).find(sources, range(8)) == PathFinder(films).find(sources, range(8))


def test_spans() -> None:
    assert spans(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
