"""Why this item: paths over a snapshot, from what the asker did or said to an item.

Three forms, best first, every edge one of the snapshot's:

    said or liked node -> item                        1 edge
    source -> shared node -> item                     2 edges, facts only
    liked item <- other people -> item                2 interactions; one of these people stands for all

A score is a product of factors in (0, 1], so it is one itself:

    weight       how much the source matters, given by the caller
    specificity  idf of the node that is shared: ln(1 + N / degree) / ln(1 + N), N items (Spärck Jones 1972).
                 In a graph of 9,066 films a director of five has .82, a language of 6,000 has .10
    closeness    (1 + max(0, cosine)) / 2 of source item and item in the model's vectors; 1 for other sources
    clarity      1 when both edges are of one relation ("directed by ..., who also directed"), else .9
    emphasis     (1 + 1 / (1 + ln m)) / 2 for a relation that gives a head m tails on average, the mean of
                 both edges: the one director of a film (1) says more of it than one of sixteen actors (.63)

Specificity spans a factor of ten and closeness one of two, so that a hub does not outrank a director.
What the asker named is no accident, so a direct edge from it scores (1 + specificity) / 2. Through other
people specificity is half the cosine of the two items' columns of likes: it outranks hubs, not a director.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from kg.graph import FloatArray, GraphSnapshot, IntArray, NodeArray

Direction = Literal["out", "in"]

SAID = -1
"""The kind of a source that the asker named just now, rather than an interaction's."""

NOWHERE = -1

_MIXED_RELATIONS = 0.9
_THROUGH_PEOPLE = 0.5
_SAME_SOURCE_AGAIN = 0.5
_WORTH_SHOWING = 0.25
"""A further path is shown only if it keeps this part of the best one's score."""
_MOST_PEOPLE = 2_000
"""Of an item liked by more, evenly spaced ones speak for all: the time of a request stays bounded."""


@dataclass(frozen=True)
class Edge:
    """One step; "out" goes from head to tail as stored."""

    relation: str
    direction: Direction

    def turned(self) -> "Edge":
        """The same edge walked the other way."""
        return Edge(self.relation, "in" if self.direction == "out" else "out")


@dataclass(frozen=True)
class ExplanationPath:
    """From a source to the item: `edges[i]` joins `nodes[i]` to `nodes[i + 1]`; the score is in (0, 1].

    `text` tells it in words with names in *asterisks*, and never names another user.
    """

    score: float
    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Sources:
    """What the asker did or said, most important last: node numbers (items or entities, each once), weights
    in (0, 1], and kinds (index into the schema's interactions, or SAID).
    """

    nodes: IntArray
    weights: FloatArray
    kinds: IntArray
    user: int | None = None
    """The asker's own user index: nobody is explained to by himself."""


class _Candidates(NamedTuple):
    """Possible paths as columns: position of the item; score; position of the source; node in the middle, or
    NOWHERE for one edge; entries of the adjacency for the first and last edge, or NOWHERE where they are not
    facts.
    """

    which: IntArray
    score: FloatArray
    source: IntArray
    middle: IntArray
    first: IntArray
    last: IntArray

    @classmethod
    def joined(cls, parts: Iterable["_Candidates"]) -> "_Candidates":
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def by_item(self, count: int) -> list["_Candidates"]:
        """Those of each of `count` items, in the order that they have here."""
        order = np.argsort(self.which, kind="stable")
        bounds = np.searchsorted(self.which[order], np.arange(count + 1))
        return [_Candidates._make(column[order[a:b]] for column in self) for a, b in pairwise(bounds)]


class _Adjacency:
    """The facts between items and entities in both directions, as CSR: row `node` holds its edges."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        facts = snapshot.triples
        inside = np.maximum(facts.head, facts.tail) < snapshot.first_user
        head, relation, tail = facts.head[inside], facts.relation[inside], facts.tail[inside]
        here, there = np.concatenate([head, tail]), np.concatenate([tail, head])
        outward = np.repeat([True, False], len(head))
        both = np.concatenate([relation, relation])
        order = np.lexsort((outward, both, there, here))
        self._types = snapshot.relations
        self.node, self.relation, self._outward = there[order], both[order], outward[order]
        self.emphasis = _emphasis(head, relation, len(snapshot.relations))[self.relation]
        degree = np.bincount(here, minlength=snapshot.first_user)
        self.start = np.concatenate([[0], np.cumsum(degree)])
        n = max(snapshot.n_items, 2)
        self.specificity = np.log1p(n / np.maximum(degree, 1)) / np.log1p(n)

    def edge(self, entry: int) -> Edge:
        """One entry as an edge, seen from the node in whose row it stands."""
        return Edge(self._types[self.relation[entry]], "out" if self._outward[entry] else "in")

    def rows(self, nodes: IntArray) -> tuple[IntArray, IntArray]:
        """The entries of many nodes' edges, and for each the position of its node in `nodes`."""
        count = self.start[nodes + 1] - self.start[nodes]
        return spans(self.start[nodes], count), np.repeat(np.arange(len(nodes)), count)


def _emphasis(head: NodeArray, relation: NodeArray, n_relations: int) -> FloatArray:
    """How much one fact of each relation says of its head, float32 [relations], in (.5, 1]."""
    facts = np.bincount(relation, minlength=n_relations)
    heads = np.bincount(np.unique(np.stack([relation, head]), axis=1)[0], minlength=n_relations)
    tails = np.maximum(facts, 1) / np.maximum(heads, 1)
    return np.asarray((1 + 1 / (1 + np.log(tails))) / 2, np.float32)


def spans(starts: IntArray, counts: IntArray) -> IntArray:
    """The numbers starts[i] .. starts[i] + counts[i] - 1 for all i, one after the other."""
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    numbers: IntArray = np.arange(len(shift)) + shift
    return numbers


class _Reach:
    """The edges of the sources, sorted by the node they lead to, and where each item stands among the
    sources (or NOWHERE): made once a request, asked for each item.
    """

    def __init__(self, facts: _Adjacency, sources: Sources, n_items: int) -> None:
        items = np.flatnonzero(sources.nodes < n_items)
        self.position = np.full(n_items, NOWHERE)
        self.position[sources.nodes[items]] = items
        entry, source = facts.rows(sources.nodes)
        order = np.argsort(facts.node[entry], kind="stable")
        self.entry, self.source = entry[order], source[order]
        self.node = facts.node[self.entry]

    def meeting(self, nodes: IntArray) -> tuple[IntArray, IntArray]:
        """Where edges of sources lead to these nodes: positions in self, and positions in `nodes`."""
        low = np.searchsorted(self.node, nodes, "left")
        count = np.searchsorted(self.node, nodes, "right") - low
        return spans(low, count), np.repeat(np.arange(len(nodes)), count)


class _People:
    """Who liked what together."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._n_items, self._first_user = snapshot.n_items, snapshot.first_user
        self._liked = snapshot.liked
        self._lengths = np.diff(self._liked.indptr).astype(np.int64)
        self._likers = snapshot.liked.T.tocsr()
        self.popularity = np.diff(self._likers.indptr)
        events = snapshot.interactions.select(snapshot.interactions.liked)
        key = events.user.astype(np.int64) * self._n_items + events.item
        self._key, first = np.unique(key, return_index=True)
        self._kind = events.kind[first]

    def likers(self, item: int, asker: int | None) -> IntArray:
        """Users who liked the item, without the asker."""
        users = self._likers.indices[self._likers.indptr[item] : self._likers.indptr[item + 1]]
        others: IntArray = (users if asker is None else users[users != asker]).astype(np.int64)
        return others

    def in_common(self, one: int, other: int, asker: int | None) -> int:
        """How many, without the asker, liked both items; both are ascending."""
        few, many = sorted((self.likers(one, asker), self.likers(other, asker)), key=len)
        if not len(few):
            return 0
        at = np.minimum(np.searchsorted(many, few), len(many) - 1)
        return int(np.count_nonzero(many[at] == few))

    def kind(self, user: int, item: int) -> int:
        """Which interaction it was by which the user liked the item."""
        return int(self._kind[np.searchsorted(self._key, user * self._n_items + item)])

    def candidates(self, sources: Sources, reach: _Reach, items: IntArray, values: FloatArray) -> _Candidates:
        """One for each item and each source item that somebody else liked together with it."""
        speakers = [self._speakers(int(item), sources.user) for item in items]
        users, of = np.concatenate(speakers), np.repeat(np.arange(len(items)), [len(x) for x in speakers])
        source, at = self._heard(reach, users)
        pair = of[at] * values.shape[1] + source
        counts = np.bincount(pair, minlength=values.size)
        first = np.empty(values.size, np.int64)
        first[pair[::-1]] = users[at[::-1]]
        pairs = np.flatnonzero(counts)
        which, source = np.divmod(pairs, values.shape[1])
        expected = np.sqrt(
            self.popularity[sources.nodes[source]] * self.popularity[items[which]].astype(np.float64)
        )
        support = np.minimum(counts[pairs] / np.maximum(expected, 1), 1) * _THROUGH_PEOPLE
        nowhere = np.full(len(pairs), NOWHERE)
        score = (values[which, source] * support).astype(np.float32)
        return _Candidates(which, score, source, self._first_user + first[pairs], nowhere, nowhere)

    def _speakers(self, item: int, asker: int | None) -> IntArray:
        """Who liked the item, those with the fewest likes first: what they have in common says most."""
        users = self.likers(item, asker)
        if len(users) > _MOST_PEOPLE:
            users = users[np.linspace(0, len(users) - 1, _MOST_PEOPLE).astype(np.int64)]
        return users[np.lexsort((users, self._lengths[users]))]

    def _heard(self, reach: _Reach, users: IntArray) -> tuple[IntArray, IntArray]:
        """Positions of the sources that these like, one user's after another's, and of the users in `users`.

        Who is there several times is looked up once.
        """
        each, again = np.unique(users, return_inverse=True)
        count = self._lengths[each]
        source = reach.position[self._liked.indices[spans(self._liked.indptr[each].astype(np.int64), count)]]
        there = source != NOWHERE
        source = source[there]
        found = np.bincount(np.repeat(np.arange(len(each)), count)[there], minlength=len(each))
        start, count = (np.cumsum(found) - found)[again], found[again]
        return source[spans(start, count)], np.repeat(np.arange(len(users)), count)


class PathFinder:
    """Finds and tells paths; built once for a snapshot, safe to share between threads.

    `item_vectors` (float32 [n_items, d], of any length) say how close two items are; without them all are.
    """

    def __init__(
        self, snapshot: GraphSnapshot, item_vectors: FloatArray | None = None, *, through_users: bool = True
    ) -> None:
        self._n_items, self._first_user = snapshot.n_items, snapshot.first_user
        self._names, self._schema = snapshot.names, snapshot.schema
        self._facts = _Adjacency(snapshot)
        self._vectors = None if item_vectors is None else _unit_rows(item_vectors)
        self._people = _People(snapshot) if through_users else None

    def find(self, sources: Sources, items: Sequence[int], limit: int = 3) -> list[list[ExplanationPath]]:
        """For each item its paths, best first, at most `limit`.

        No two paths of an item share their middle, and a source that has spoken counts half. Ties go to
        facts before people, and among them to the source that comes last.
        """
        if not len(sources.nodes) or not len(items):
            return [[] for _ in items]
        asked = np.array(items, np.int64)
        reach = _Reach(self._facts, sources, self._n_items)
        values = self._closeness(sources.nodes, asked) * sources.weights
        values[sources.nodes == asked[:, None]] = 0
        found = [self._direct(sources, reach, asked, values), self._shared(reach, asked, values)]
        if self._people is not None:
            found.append(self._people.candidates(sources, reach, asked, values))
        return [
            [self._path(sources, item, own, n, score) for n, score in _diverse(own, limit)]
            for item, own in zip(items, _Candidates.joined(found).by_item(len(items)), strict=True)
        ]

    def _closeness(self, nodes: IntArray, items: IntArray) -> FloatArray:
        close = np.ones((len(items), len(nodes)), np.float32)
        if self._vectors is not None:
            is_item = nodes < self._n_items
            cosine = self._vectors[items] @ self._vectors[nodes[is_item]].T
            close[:, is_item] = (1 + np.clip(cosine, 0, 1)) / 2
        return close

    def _direct(self, sources: Sources, reach: _Reach, items: IntArray, values: FloatArray) -> _Candidates:
        at, which = reach.meeting(items)
        source, first = reach.source[at], reach.entry[at]
        nodes = sources.nodes[source]
        named = np.where(nodes < self._n_items, 1, (1 + self._facts.specificity[nodes]) / 2)
        nowhere = np.full(len(at), NOWHERE)
        return _Candidates(which, values[which, source] * named, source, nowhere, first, nowhere)

    def _shared(self, reach: _Reach, items: IntArray, values: FloatArray) -> _Candidates:
        facts = self._facts
        rows, owner = facts.rows(items)
        at, edge = reach.meeting(facts.node[rows])
        source, first, last, which = reach.source[at], reach.entry[at], rows[edge], owner[edge]
        middle = reach.node[at].astype(np.int64)
        clarity = np.where(facts.relation[first] == facts.relation[last], 1, _MIXED_RELATIONS)
        clarity = clarity * (facts.emphasis[first] + facts.emphasis[last]) / 2
        score = values[which, source] * facts.specificity[middle] * clarity
        return _Candidates(which, score, source, middle, first, last)

    def _path(self, sources: Sources, item: int, found: _Candidates, n: int, score: float) -> ExplanationPath:
        source, kind = int(sources.nodes[found.source[n]]), int(sources.kinds[found.source[n]])
        middle = int(found.middle[n])
        if middle >= self._first_user:
            return self._through_people(source, middle, item, sources.user, score)
        edges = [self._facts.edge(int(found.first[n]))]
        nodes = [source, item]
        if middle != NOWHERE:
            edges.append(self._facts.edge(int(found.last[n])).turned())
            nodes.insert(1, middle)
        return ExplanationPath(score, tuple(nodes), tuple(edges), self._told(kind, nodes, edges))

    def _told(self, kind: int, nodes: Sequence[int], edges: Sequence[Edge]) -> str:
        verb = "like" if kind == SAID else self._schema.interactions[kind].verb
        text = f"because you {verb} *{self._names[nodes[0]]}*"
        for n, (edge, node) in enumerate(zip(edges, nodes[1:], strict=True)):
            phrase = self._schema.relation(edge.relation).phrase
            words = phrase.out if edge.direction == "out" else phrase.back
            # "also" has nothing to refer to before a first step
            words = words if n else re.sub(r"\balso\s+", "", words)
            text += f", {words} *{self._names[node]}*"
        return text

    def _through_people(
        self, source: int, user: int, item: int, asker: int | None, score: float
    ) -> ExplanationPath:
        assert self._people is not None
        liked, also = (self._people.kind(user - self._first_user, node) for node in (source, item))
        first, last = self._schema.interactions[liked], self._schema.interactions[also]
        who = "people" if self._people.in_common(source, item, asker) > 1 else "someone"
        text = (
            f"because {who} who {first.verb} *{self._names[source]}* also {last.verb} *{self._names[item]}*"
        )
        return ExplanationPath(
            score, (source, user, item), (Edge(first.type, "in"), Edge(last.type, "out")), text
        )


def _unit_rows(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


def _diverse(found: _Candidates, limit: int) -> list[tuple[int, float]]:
    """Positions and scores of the best, greedily: each middle once, a source that has spoken at half."""
    floor = _WORTH_SHOWING * found.score.max(initial=0)
    worthy = np.flatnonzero((found.score >= floor) & (found.score > 0))
    order = worthy[np.lexsort((-found.source[worthy], -found.score[worthy]))]
    left = found.score[order]
    source, middle = found.source[order], found.middle[order]
    chosen: list[tuple[int, float]] = []
    while len(chosen) < limit and len(left):
        best = int(left.argmax())
        if not left[best] >= floor > 0:
            break
        chosen.append((int(order[best]), float(left[best])))
        left[source == source[best]] *= _SAME_SOURCE_AGAIN
        left[(middle == middle[best]) & (middle != NOWHERE)] = 0
        left[best] = 0
    return chosen
