"""Understanding of free text: the nodes that it names, and its vector.

Names are found by their words, the longest first. Meanings ("science fiction" for Sci-Fi) are found by the
text encoder, among the names of small vocabularies only. People, companies and items have names like "Love",
"I" or "Her": such a single word counts only where it is capitalised within a sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embeddings.text.encoder import TextEncoder
from embeddings.text.names import Match, Name, NameMatcher, Word, fold_case, name_of, words
from kg.graph import FloatArray, GraphSnapshot, IntArray
from service.config import UnderstandingConfig

_NEGATIONS = frozenset(
    name_of("no not never without hate hates dislike dislikes except don't doesn't didn't isn't", fold_case)
)
_FUNCTION_WORDS = frozenset(
    name_of(
        """
        a about all also an and any are as at be but by can do film for from get give have he her him his how
        i if in is it its just like love me more movie my new no not now of on one or our out see she show so
        some that the their them then there they this to up us very want was watch we what when which who will
        with you your""",
        fold_case,
    )
)
_SENTENCE_END = re.compile(r"[.!?:\n]\s*[\"'(]*$")


@dataclass(frozen=True, eq=False)
class Understood:
    """The nodes that a text names (entities and items, in order of mention) and its unit vector."""

    nodes: list[int]
    vector: FloatArray


class Understanding:
    """Understands free text over one snapshot; encodes the small vocabularies' names when first asked."""

    def __init__(self, snapshot: GraphSnapshot, encoder: TextEncoder, config: UnderstandingConfig) -> None:
        self._encoder = encoder
        self._config = config
        self._names = snapshot.names
        self._n_items = snapshot.n_items
        self._small = _small_vocabularies(snapshot, config.small_vocabulary)
        self._matcher = NameMatcher(self._nodes_by_name(snapshot))

    def warm_up(self) -> None:
        """Load the encoder and encode the small vocabularies now rather than at the first text."""
        assert self._vectors is not None

    def understand(self, text: str) -> Understood:
        """The nodes that a text names by its words or its meaning, without those it rejects ("no horror")."""
        vector = self._encoder.encode([text])[0]
        named, rejected = self._named(text)
        meant = [n for n in self._similar(vector) if n not in named and n not in rejected]
        return Understood([*named, *meant], vector)

    def _nodes_by_name(self, snapshot: GraphSnapshot) -> dict[Name, int]:
        """Small vocabularies win over large ones, entities over items, then the node with the most facts."""
        small = np.zeros(snapshot.first_user, bool)
        small[list(self._small.members)] = True
        facts = snapshot.triples
        degree = np.bincount(np.concatenate([facts.head, facts.tail]), minlength=snapshot.n_nodes)
        numbers = np.arange(snapshot.first_user)
        order = np.lexsort((-numbers, degree[numbers], numbers >= self._n_items, small))
        nodes: dict[Name, int] = {}
        for node in order.tolist():
            name = name_of(self._names[node], fold_case)
            if 0 < len(name) <= self._config.longest_name:
                nodes.update(dict.fromkeys(_plurals(name) if small[node] else [name], node))
        return nodes

    def _named(self, text: str) -> tuple[list[int], set[int]]:
        """The nodes that the words name, in order, and those named shortly after a negation."""
        found = words(text, fold_case)
        named: dict[int, None] = {}
        rejected: set[int] = set()
        for match in self._matcher.find(found, lambda match: self._is_meant(match, found, text)):
            before = found[max(0, match.first - self._config.negation_reach) : match.first]
            if any(word.folded in _NEGATIONS for word in before):
                rejected.add(match.meaning)
            else:
                named[match.meaning] = None
        return list(named), rejected

    def _is_meant(self, match: Match[int], found: Sequence[Word], text: str) -> bool:
        """Whether these words stand for that node, rather than being everyday words that are its name too."""
        node, span = match.meaning, found[match.first : match.end]
        single = len(span) == 1
        if single and len(span[0].text) < self._config.shortest_single_word:
            return False
        if all(word.folded in _FUNCTION_WORDS for word in span):
            return False
        if node in self._small.members:
            return True
        as_written = [w.text for w in span] == [w.text for w in words(self._names[node], fold_case)]
        if single:
            return as_written and span[0].text[0].isupper() and _within_sentence(text[: span[0].start])
        return node >= self._n_items or (as_written and any(w.text[0].isupper() for w in span[1:]))

    def _similar(self, vector: FloatArray) -> list[int]:
        """Nodes of small vocabularies near the vector, the nearest first."""
        if not len(self._small.nodes):
            return []
        cosine = self._vectors @ vector
        floor = max(self._config.least_cosine, float(cosine.max()) - self._config.near_best)
        near = np.flatnonzero(cosine >= floor)
        best_first = near[np.lexsort((near, -cosine[near]))]
        return [int(n) for n in self._small.nodes[best_first]]

    @cached_property
    def _vectors(self) -> FloatArray:
        return self._encoder.encode(self._small.phrases)


def _within_sentence(before: str) -> bool:
    return bool(before.strip(" \"'(")) and not _SENTENCE_END.search(before)


@dataclass(frozen=True, eq=False)
class _SmallVocabularies:
    nodes: IntArray
    """Nodes of the small vocabularies, one per phrase."""
    members: frozenset[int]
    """All nodes."""
    phrases: list[str]


def _small_vocabularies(snapshot: GraphSnapshot, largest: int) -> _SmallVocabularies:
    """Entities of the small labels, with their label as a word: "Sci-Fi genre". Numbers have no meaning that
    an encoder could find ("1990s" is near "1980s"), so names with digits are matched by their words alone.
    """
    nodes: list[int] = []
    phrases: list[str] = []
    members: set[int] = set()
    for label in snapshot.schema.entities:
        size, start = len(snapshot.vocabulary(label.label)), snapshot.offsets[label.label]
        if size <= largest:
            members.update(range(start, start + size))
            for node in range(start, start + size):
                if not re.search(r"\d", snapshot.names[node]):
                    nodes.append(node)
                    phrases.append(f"{snapshot.names[node]} {label.label.lower()}")
    return _SmallVocabularies(np.array(nodes, np.int64), frozenset(members), phrases)


def _plurals(name: Name) -> list[Name]:
    *before, last = name
    return [name, (*before, f"{last}s"), (*before, re.sub(r"y$", "ies", last))]
