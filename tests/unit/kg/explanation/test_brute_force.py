"""The finder against a slow one that loops over facts and events, on random graphs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import log, log1p, sqrt
from typing import NamedTuple

import numpy as np
import pytest

from kg.explanation.base import PathConfig
from kg.explanation.paths import Edge, Sources
from kg.explanation.search import PathFinder
from kg.graph import FloatArray, GraphSnapshot, Interactions, Triples, Vocabulary
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

DIGITS = 5
"""Scores are in single precision; what is equal to so many digits is a tie."""

LIMIT = 20


class Found(NamedTuple):
    score: float
    source: int
    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]


class SlowFinder:
    """The paths of one request, written down as the definitions read."""

    def __init__(self, graph: GraphSnapshot, vectors: FloatArray, sources: Sources, config: PathConfig):
        self.graph, self.vectors, self.sources, self.config = graph, vectors.astype(float), sources, config
        columns = (graph.triples.head, graph.triples.relation, graph.triples.tail)
        self.facts = [
            (h, r, t)
            for h, r, t in zip(*(x.tolist() for x in columns), strict=True)
            if h < graph.first_user and t < graph.first_user
        ]
        self.edges = defaultdict(list)
        for h, r, t in self.facts:
            self.edges[h].append((t, r, True))
            self.edges[t].append((h, r, False))
        self.liked = defaultdict(dict)
        events = graph.interactions
        for user, item, kind, liked in zip(events.user, events.item, events.kind, events.liked, strict=True):
            if liked:
                self.liked[int(user)].setdefault(int(item), int(kind))

    def find(self, item: int, limit: int) -> list[Found]:
        """Greedily: the best of those that share no inner node with a better one."""
        left = [x for x in (*self.direct(item), *self.shared(item), *self.co_liked(item)) if x.score > 0]
        floor = self.config.min_relative_score * max((x.score for x in left), default=0)
        chosen: list[Found] = []
        while left and len(chosen) < limit:
            best = max(left, key=lambda x: (round(x.score, DIGITS), x.source))
            if best.score < floor - 10**-DIGITS:
                break
            chosen.append(best)
            left = [
                x._replace(score=x.score * self.config.repeated_source_factor)
                if x.source == best.source
                else x
                for x in left
                if x is not best and not set(x.nodes[1:-1]) & set(best.nodes[1:-1])
            ]
        return chosen

    def direct(self, item: int) -> Iterator[Found]:
        for n, source in enumerate(self.sources.nodes.tolist()):
            for there, relation, outward in self.row(source):
                if there == item:
                    is_item = source < self.graph.n_items
                    named = 1 if is_item else (1 + self.specificity(source)) / 2
                    score = self.relevance(n, item) * named
                    yield Found(score, n, (source, item), (self.edge(relation, outward),))

    def shared(self, item: int) -> Iterator[Found]:
        for inner, last, last_outward in self.row(item):
            for n, source in enumerate(self.sources.nodes.tolist()):
                for there, first, outward in self.row(source):
                    if there == inner:
                        clarity = 1 if first == last else self.config.mixed_relations_factor
                        emphasis = (self.emphasis(first) + self.emphasis(last)) / 2
                        score = self.relevance(n, item) * self.specificity(inner) * clarity * emphasis
                        edges = self.edge(first, outward), self.edge(last, not last_outward)
                        yield Found(score, n, (source, inner, item), edges)

    def co_liked(self, item: int) -> Iterator[Found]:
        if not self.config.through_users:
            return
        likers = self.likers(item, self.sources.user)
        if len(likers) > self.config.max_co_users:
            spaced = np.linspace(0, len(likers) - 1, self.config.max_co_users)
            likers = [likers[int(x)] for x in spaced]
        for n, source in enumerate(self.sources.nodes.tolist()):
            both = [user for user in likers if source in self.liked[user]]
            if both:
                user = min(both, key=lambda user: (len(self.liked[user]), user))
                cosine = len(both) / sqrt(len(self.likers(source, None)) * len(self.likers(item, None)))
                score = self.relevance(n, item) * self.config.co_liked_factor * cosine
                kinds = self.liked[user][source], self.liked[user][item]
                first, last = (self.graph.schema.interactions[kind].type for kind in kinds)
                nodes = source, self.graph.first_user + user, item
                yield Found(score, n, nodes, (Edge(first, "in"), Edge(last, "out")))

    def row(self, node: int) -> list[tuple[int, int, bool]]:
        return sorted(self.edges[node])

    def edge(self, relation: int, outward: bool) -> Edge:
        return Edge(self.graph.relations[relation], "out" if outward else "in")

    def likers(self, item: int, without: int | None) -> list[int]:
        return sorted(user for user, items in self.liked.items() if item in items and user != without)

    def specificity(self, node: int) -> float:
        n = max(self.graph.n_items, 2)
        return log1p(n / len(self.edges[node])) / log1p(n) if self.edges[node] else 1

    def emphasis(self, relation: int) -> float:
        heads = [h for h, r, _ in self.facts if r == relation]
        return (1 + 1 / (1 + log(len(heads) / len(set(heads))))) / 2

    def relevance(self, n: int, item: int) -> float:
        source, weight = int(self.sources.nodes[n]), float(self.sources.weights[n])
        if source == item:
            return 0
        if source >= self.graph.n_items:
            return weight
        one, other = self.vectors[source], self.vectors[item]
        cosine = one @ other / sqrt((one @ one) * (other @ other))
        return weight * (1 + max(0, cosine)) / 2


def random_graph(random: np.random.Generator) -> GraphSnapshot:
    """Items joined to entities and items, users to entities; users like and buy items, some of them twice."""
    n_items, n_entities, n_users = random.integers(3, 12), random.integers(2, 8), random.integers(2, 12)
    first_user = n_items + n_entities
    spans = {
        "Item": (0, n_items),
        "Entity": (n_items, first_user),
        "User": (first_user, first_user + n_users),
    }
    ends = [("Item", "Entity"), ("Item", "Entity"), ("Item", "Item"), ("User", "Entity")]
    relations = tuple(
        RelationSchema(type=f"R{n}", head=head, tail=tail, phrase=Phrase(out=f"to{n}", back=f"from{n}"))
        for n, (head, tail) in enumerate(ends)
    )
    labels = (("Item", "item"), ("Entity", "entity"), ("User", "user"))
    schema = GraphSchema(
        labels=tuple(LabelSchema(label=label, role=role) for label, role in labels),
        relations=relations,
        interactions=(InteractionSchema(type="LIKED"), InteractionSchema(type="BOUGHT", verb="bought")),
    )
    relation = random.integers(0, len(ends), 40)
    facts = np.unique(
        [(random.integers(*spans[ends[r][0]]), r, random.integers(*spans[ends[r][1]])) for r in relation],
        axis=0,
    ).astype(np.int32)
    pairs = random.integers(0, n_users * n_items, n_users * n_items // 2)
    size = len(pairs)
    return GraphSnapshot(
        schema=schema,
        vocabularies=tuple(Vocabulary(x, map(str, range(*spans[x]))) for x in spans),
        names=tuple(f"node {n}" for n in range(first_user + n_users)),
        texts=("",) * n_items,
        triples=Triples(*(np.ascontiguousarray(column) for column in facts.T)),
        interactions=Interactions(
            user=(pairs // n_items).astype(np.int32),
            item=(pairs % n_items).astype(np.int32),
            value=np.ones(size, np.float32),
            time=np.zeros(size, np.int64),
            kind=random.integers(0, 2, size).astype(np.int8),
            liked=random.random(size) < 0.8,
        ),
    )


def random_sources(random: np.random.Generator, graph: GraphSnapshot) -> Sources:
    """A few items and entities of weights so odd that no two paths from two sources are equal."""
    nodes = random.permutation(graph.first_user)[: random.integers(1, 6)]
    weights = random.uniform(0.5, 1, len(nodes)).astype(np.float32)
    user = None if random.random() < 0.3 else int(random.integers(graph.n_users))
    return Sources(nodes, weights, tuple(0 if n < graph.n_items else None for n in nodes), user)


CONFIGS = (
    PathConfig(),
    PathConfig(through_users=False, mixed_relations_factor=0.4),
    PathConfig(max_co_users=2, co_liked_factor=0.9, repeated_source_factor=0.8, min_relative_score=0),
)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("config", CONFIGS, ids=["default", "facts only", "other factors"])
def test_as_the_slow_finder(config: PathConfig, seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = random_graph(random)
    sources = random_sources(random, graph)
    vectors = random.normal(size=(graph.n_items, 3)).astype(np.float32)
    slow = SlowFinder(graph, vectors, sources, config)
    items: Sequence[int] = range(graph.n_items)
    found = PathFinder(graph, vectors, config=config).find(sources, items, LIMIT)
    for item, paths in zip(items, found, strict=True):
        expected = slow.find(item, LIMIT)
        assert [(x.nodes, x.edges) for x in paths] == [(x.nodes, x.edges) for x in expected]
        assert [x.score for x in paths] == pytest.approx([x.score for x in expected], rel=1e-5)
