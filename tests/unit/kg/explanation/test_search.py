"""The finder: paths of all types ranked together, made of real edges; and a new path type beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log, log1p

import numpy as np
import pytest
from typing_extensions import override

from kg.explanation.base import Candidate, Candidates, PathConfig, PathQuery, PathType
from kg.explanation.path_types import PATH_TYPES, CoLikedPath, DirectPath, SharedEntityPath
from kg.explanation.paths import ExplanationPath, Sources
from kg.explanation.search import PathFinder
from kg.explanation.wording import fact_sentence
from kg.graph import GraphSnapshot

FACTS_ONLY = PathConfig(through_users=False)


def paths_to(
    films: GraphSnapshot, sources: Sources, item_id: str, limit: int = 3, config: PathConfig = FACTS_ONLY
) -> list[ExplanationPath]:
    return PathFinder(films, config=config).find(sources, [films.items.index(item_id)], limit)[0]


def test_co_users_explain_where_facts_do_not(films: GraphSnapshot, sources) -> None:
    """Alien and The Godfather share nothing but English."""
    with_users = paths_to(films, sources(("Movie", "m1")), "m6", config=PathConfig())
    assert with_users[0].text == "because people who liked *Alien* also liked *The Godfather*"


def test_paths_through_users_can_be_switched_off(films: GraphSnapshot, sources) -> None:
    paths = paths_to(films, sources(("Movie", "m1")), "m6")
    assert [x.text for x in paths] == [
        "because you liked *Alien*, in *English*, also the language of *The Godfather*"
    ]


def test_closeness_of_the_vectors_counts(films: GraphSnapshot, sources) -> None:
    """The same direction: 1; at right angles and opposite: (1 + 0) / 2. The length does not matter."""
    director = log1p(8 / 3) / log1p(8)
    opposite = np.zeros((8, 2), np.float32)
    opposite[:, 0] = [1, -1, 1, 1, 1, 1, 1, 1]
    for vectors, closeness in [(np.full((8, 2), 7), 1), (np.eye(8), 0.5), (opposite, 0.5)]:
        finder = PathFinder(films, vectors.astype(np.float32))
        path = finder.find(sources(("Movie", "m1")), [1], 1)[0][0]
        assert path.score == pytest.approx(director * closeness)


def test_hubs_come_last(films: GraphSnapshot, sources) -> None:
    paths = paths_to(films, sources(("Movie", "m1")), "m4", 9)
    names = [films.names[path.nodes[1]] for path in paths]
    assert names == ["Sigourney Weaver", "Sci-Fi"], "English has less than a quarter of the best score"


def test_an_inner_node_is_used_once_and_a_repeated_source_counts_half(films: GraphSnapshot, sources) -> None:
    liked = sources(("Movie", "m3"), ("Movie", "m1"))  # both by Ridley Scott, as is Blade Runner
    found = paths_to(films, liked, "m2", limit=5)
    inner = [films.names[path.nodes[1]] for path in found]
    assert inner == ["Ridley Scott", "English", "Sci-Fi"]
    assert found[0].nodes[0] == films.node("Movie", "m1"), "of equals the source that comes last"
    english, genre = log1p(8 / 7) / log1p(8), log1p(8 / 5) / log1p(8)
    assert found[1].score == pytest.approx(english), "from Gladiator, which is a source for the first time"
    emphasis = (1 + 1 / (1 + log(9 / 8))) / 2  # nine genres of eight films
    assert found[2].score == pytest.approx(genre * emphasis / 2), "from Alien, for the second time"


@pytest.mark.parametrize("part", [0.25, 0.6])
def test_weak_further_paths_are_left_out(films: GraphSnapshot, sources, part: float) -> None:
    config, everything = PathConfig(min_relative_score=part), PathConfig(min_relative_score=0)
    left_out = 0
    for item in films.items.ids:
        shown = paths_to(films, sources(("Movie", "m1")), item, 9, config)
        found = paths_to(films, sources(("Movie", "m1")), item, 9, everything)
        assert shown == [path for path in found if path.score >= part * found[0].score]
        left_out += len(found) - len(shown)
    assert left_out


def test_of_equal_scores_the_type_that_stands_first_is_preferred(films: GraphSnapshot, sources) -> None:
    class Again(DirectPath):
        @override
        def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
            return replace(super().tell(query, candidate), text="again")

    for path_types, again in [((DirectPath, Again), [False, True]), ((Again, DirectPath), [True, False])]:
        finder = PathFinder(films, path_types=path_types)
        paths = finder.find(sources(("Person", "p1")), [1])[0]
        assert [path.text == "again" for path in paths] == again
        assert paths[1].score == paths[0].score / 2
    assert (DirectPath, SharedEntityPath, CoLikedPath) == PATH_TYPES, "facts before co-users"


def test_the_limit_holds(films: GraphSnapshot, sources) -> None:
    liked = sources(("Movie", "m3"), ("Movie", "m1"))
    all_of_them = paths_to(films, liked, "m2", 9)
    assert len(all_of_them) == 3
    assert paths_to(films, liked, "m2", 2) == all_of_them[:2]


def test_an_item_does_not_explain_itself(films: GraphSnapshot, sources) -> None:
    assert paths_to(films, sources(("Movie", "m1")), "m1", config=PathConfig()) == []


def test_without_sources_items_or_path_types_there_are_no_paths(films: GraphSnapshot, sources) -> None:
    alien = sources(("Movie", "m1"))
    assert PathFinder(films).find(sources(), [0, 1]) == [[], []]
    assert PathFinder(films).find(alien, []) == []
    assert PathFinder(films, path_types=()).find(alien, [0, 1]) == [[], []]


def test_every_edge_is_in_the_graph_and_scores_fall(films: GraphSnapshot, sources) -> None:
    facts = films.triples
    stored = set(zip(facts.head.tolist(), facts.relation.tolist(), facts.tail.tolist(), strict=True))
    events = films.interactions.select(films.interactions.liked)
    stored |= {(films.first_user + u, -1, i) for u, i in zip(events.user, events.item, strict=True)}
    everything = sources(*[("Movie", x) for x in films.items.ids], ("Genre", "g1"), ("Person", "p4"))
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


def test_the_same_query_gets_the_same_paths(films: GraphSnapshot, sources) -> None:
    liked = sources(*[("Movie", x) for x in films.items.ids])
    assert PathFinder(films).find(liked, range(8)) == PathFinder(films).find(liked, range(8))


class CastPath(PathType):
    """A toy: stated entity <- another item -> entity -> item; one path a chain, found by loops."""

    through_users = False

    @override
    def candidates(self, query: PathQuery) -> Candidates:
        rows = np.array(list(self._chains(query)), np.int64).reshape(-1, 7)
        item, source, other, shared, *evidence = rows.T
        score = query.relevance[item, source] * self._facts.specificity[shared] * 0.9
        return Candidates(item, source, score, inner=(other, shared), evidence=tuple(evidence))

    def _chains(self, query: PathQuery) -> Iterator[tuple[int, ...]]:
        facts, wanted = self._facts, query.items.tolist()
        for source, start in enumerate(query.sources.nodes.tolist()):
            for first in self._row(start):
                for second in self._row(int(facts.neighbour[first])):
                    for third in self._row(int(facts.neighbour[second])):
                        chain = [start, *facts.neighbour[[first, second, third]].tolist()]
                        if chain[-1] in wanted and len(set(chain)) == 4:
                            yield wanted.index(chain[-1]), source, chain[1], chain[2], first, second, third

    def _row(self, node: int) -> Sequence[int]:
        return range(self._facts.start[node], self._facts.start[node + 1])

    @override
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        edges = tuple(map(self._facts.edge, candidate.evidence))
        text = fact_sentence(self._snapshot, candidate.kind, candidate.nodes, edges)
        return ExplanationPath(candidate.score, candidate.nodes, edges, text)


WITH_CAST = (*PATH_TYPES, CastPath)


def test_a_new_path_type_is_searched_and_told(films: GraphSnapshot, sources) -> None:
    """Ridley Scott has nothing to do with Witness but through Blade Runner, whose star plays in both."""
    query = sources(("Person", "p1")), [films.items.index("m7")], 1
    assert PathFinder(films).find(*query) == [[]]
    ((path,),) = PathFinder(films, path_types=WITH_CAST).find(*query)
    assert path.text == (
        "because you like *Ridley Scott*, who directed *Blade Runner*, starring *Harrison Ford*, "
        "who is also in *Witness*"
    )
    assert [x.relation for x in path.edges] == ["DIRECTED_BY", "STARS", "STARS"]
    assert path.score == pytest.approx(0.9 * log1p(8 / 2) / log1p(8)), "Harrison Ford has 2 films of 8"


def test_a_new_path_type_is_ranked_among_the_others(films: GraphSnapshot, sources) -> None:
    """Blade Runner: direct from Scott; from Weaver by way of Alien, whose genre is its, too."""
    stated = sources(("Person", "p2"), ("Person", "p1"))
    direct, cast = PathFinder(films, path_types=WITH_CAST).find(stated, [1], 2)[0]
    assert len(direct.nodes) == 2
    assert direct.score == pytest.approx((1 + log1p(8 / 3) / log1p(8)) / 2)
    scott = films.node("Person", "p1")
    assert cast.nodes == (films.node("Person", "p2"), films.node("Movie", "m1"), scott, 1)
    assert cast.score == pytest.approx(0.9 * log1p(8 / 3) / log1p(8))


def test_paths_of_any_length_share_no_inner_node(films: GraphSnapshot, sources) -> None:
    everything = sources(*[("Movie", x) for x in films.items.ids], ("Person", "p1"), ("Person", "p2"))
    for paths in PathFinder(films, path_types=WITH_CAST).find(everything, range(8), 9):
        inner = [node for path in paths for node in path.nodes[1:-1]]
        assert len(inner) == len(set(inner))


def test_a_new_path_type_through_users_obeys_the_setting(films: GraphSnapshot, sources) -> None:
    class CastThroughUsers(CastPath):
        through_users = True

    for through_users, count in [(True, 1), (False, 0)]:
        config = PathConfig(through_users=through_users)
        finder = PathFinder(films, config=config, path_types=(CastThroughUsers,))
        assert len(finder.find(sources(("Person", "p1")), [films.items.index("m7")], 1)[0]) == count
