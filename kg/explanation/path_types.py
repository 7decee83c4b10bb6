"""The path types: three metapaths from a source to an item. Every edge of a path is in the snapshot.

    DirectPath          stated or liked node -> item             1 edge
    SharedEntityPath    source -> shared node -> item            2 edges, facts only
    CoLikedPath         liked item <- other users -> item        2 interactions; one user represents all

A score is a product of factors in (0, 1], so it is in (0, 1] too:

    weight       the weight of the source, given by the caller
    specificity  idf of the shared node: ln(1 + N / degree) / ln(1 + N), N items (Spärck Jones 1972).
                 In a graph of 9,066 films a director of five has .82, a language of 6,000 has .10
    closeness    (1 + max(0, cosine)) / 2 of source item and item in the model's vectors; 1 for other sources
    clarity      1 if both edges have the same relation ("directed by ..., who also directed"), else .9
    emphasis     (1 + 1 / (1 + ln m)) / 2 for a relation with m tails per head on average, the mean of both
                 edges: the only director of a film (1) is more informative than one of sixteen actors (.63)

Specificity spans a factor of ten and closeness a factor of two, so a hub does not outrank a director. The
user chose a stated entity, so a direct edge from it scores (1 + specificity) / 2. For paths through other
users, specificity is half the cosine of the two items' like columns: they outrank hubs, but not a director.
"""

import numpy as np
from typing_extensions import override

from kg.explanation.adjacency import FactAdjacency
from kg.explanation.base import Candidate, Candidates, PathConfig, PathQuery, PathType, ScoreArray
from kg.explanation.co_users import CoUsers
from kg.explanation.paths import Edge, ExplanationPath
from kg.explanation.wording import co_liked_sentence, fact_sentence
from kg.graph import GraphSnapshot, IntArray


class DirectPath(PathType):
    """One fact between the source and the item; the evidence is the entry of the fact."""

    through_users = False

    @override
    def candidates(self, query: PathQuery) -> Candidates:
        edges = query.source_edges
        at, item = edges.leading_to(query.items)
        source = edges.source[at]
        nodes = query.sources.nodes[source]
        is_item = nodes < self._snapshot.n_items
        specificity = np.where(is_item, 1, (1 + self._facts.specificity[nodes]) / 2)
        return Candidates(
            item, source, query.relevance[item, source] * specificity, evidence=(edges.entry[at],)
        )

    @override
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        edges = (self._facts.edge(candidate.evidence[0]),)
        text = fact_sentence(self._snapshot, candidate.kind, candidate.nodes, edges)
        return ExplanationPath(candidate.score, candidate.nodes, edges, text)


class SharedEntityPath(PathType):
    """A node with a fact to the source and one to the item; the evidence is the entries of both facts."""

    through_users = False

    @override
    def candidates(self, query: PathQuery) -> Candidates:
        facts, edges = self._facts, query.source_edges
        entries, owner = facts.rows(query.items)
        at, edge = edges.leading_to(facts.neighbour[entries])
        source, first, last, item = edges.source[at], edges.entry[at], entries[edge], owner[edge]
        shared = edges.neighbour[at].astype(np.int64)
        score = query.relevance[item, source] * facts.specificity[shared] * self._clarity(first, last)
        return Candidates(item, source, score, inner=(shared,), evidence=(first, last))

    def _clarity(self, first: IntArray, last: IntArray) -> ScoreArray:
        """Clarity times emphasis for each pair of entries."""
        facts = self._facts
        same = facts.relation[first] == facts.relation[last]
        clarity = np.where(same, 1, self._config.mixed_relations_factor)
        found: ScoreArray = clarity * (facts.emphasis[first] + facts.emphasis[last]) / 2
        return found

    @override
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        first, last = map(self._facts.edge, candidate.evidence)
        edges = (first, last.reversed())
        text = fact_sentence(self._snapshot, candidate.kind, candidate.nodes, edges)
        return ExplanationPath(candidate.score, candidate.nodes, edges, text)


class CoLikedPath(PathType):
    """Other users who liked the source item and the item; the one with the fewest likes represents all.

    The evidence is how many there are.
    """

    through_users = True

    def __init__(self, snapshot: GraphSnapshot, facts: FactAdjacency, config: PathConfig) -> None:
        super().__init__(snapshot, facts, config)
        self._co_users = CoUsers(snapshot)

    @override
    def candidates(self, query: PathQuery) -> Candidates:
        nodes = query.sources.nodes
        counts, users = self._co_users.co_likes(
            query.items, nodes, query.sources.user, self._config.max_co_users
        )
        item, source = np.nonzero(counts)
        support = self._support(nodes[source], query.items[item], counts[item, source])
        score = (query.relevance[item, source] * support).astype(np.float32)
        user = self._snapshot.first_user + users[item, source]
        return Candidates(item, source, score, inner=(user,), evidence=(counts[item, source],))

    def _support(self, sources: IntArray, items: IntArray, together: IntArray) -> ScoreArray:
        """Cosine of the like columns of source and item; `together` is the number of users who liked both."""
        popularity = self._co_users.popularity
        expected = np.sqrt(popularity[sources] * popularity[items].astype(np.float64))
        found: ScoreArray = np.minimum(together / np.maximum(expected, 1), 1) * self._config.co_liked_factor
        return found

    @override
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        source, node, item = candidate.nodes
        user = node - self._snapshot.first_user
        kinds = self._co_users.kind(user, source), self._co_users.kind(user, item)
        first, last = (self._snapshot.schema.interactions[kind].type for kind in kinds)
        text = co_liked_sentence(self._snapshot, source, item, kinds, candidate.evidence[0])
        return ExplanationPath(candidate.score, candidate.nodes, (Edge(first, "in"), Edge(last, "out")), text)


PATH_TYPES: tuple[type[PathType], ...] = (DirectPath, SharedEntityPath, CoLikedPath)
"""The path types that `PathFinder` searches; the first type wins a tie in score."""
