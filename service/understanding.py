"""From free text to what it names: nodes of the graph, and a vector.

Names are found word by word, the longest first; what is said in other words ("science fiction" for Sci-Fi) is
found by the text encoder, among the names of small vocabularies only. People, companies and items have names
like "Love", "I" or "Her": such single words count only where they stand capitalised within a sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embeddings.text.encoder import TextEncoder
from kg.graph import FloatArray, GraphSnapshot, IntArray

SMALL = 2_000
"""Labels with at most so many nodes are vocabularies of words, such as genres and countries."""

LEAST_COSINE = 0.45
NEAR_BEST = 0.08
"""Chosen on 23 sentences with all-MiniLM-L6-v2 and "Sci-Fi genre" for names: "I like to watch science fiction
movies" reaches .53 for Sci-Fi, "something scary for halloween" .62 for Horror, "I want to cook pasta" .33."""

_LONGEST_NAME = 8
_NEGATION_REACH = 3
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_NEGATIONS = frozenset(
    _WORD.findall("no not never without hate hates dislike dislikes except don't doesn't didn't isn't")
)
_FUNCTION_WORDS = frozenset(
    _WORD.findall("""
        a about all also an and any are as at be but by can do film for from get give have he her him his how
        i if in is it its just like love me more movie my new no not now of on one or our out see she show so
        some that the their them then there they this to up us very want was watch we what when which who will
        with you your""")
)
_SENTENCE_END = re.compile(r"[.!?:\n]\s*[\"'(]*$")


@dataclass(frozen=True, eq=False)
class Understood:
    """What a text names (node numbers of entities and items, in order of mention) and its unit vector."""

    nodes: list[int]
    vector: FloatArray


@dataclass(frozen=True)
class _Word:
    text: str
    folded: str
    begins_sentence: bool


def _words(text: str) -> list[_Word]:
    return [
        _Word(m.group(), m.group().casefold().replace("\u2019", "'"), not _mid_sentence(text[: m.start()]))
        for m in _WORD.finditer(text)
    ]


def _mid_sentence(before: str) -> bool:
    return bool(before.strip(" \"'(")) and not _SENTENCE_END.search(before)


class Understanding:
    """Understands free text over one snapshot; encodes the small vocabularies' names when first asked."""

    def __init__(self, snapshot: GraphSnapshot, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._names = snapshot.names
        self._n_items = snapshot.n_items
        self._small = _small_vocabularies(snapshot)
        self._by_name = self._index(snapshot)

    def warm_up(self) -> None:
        """Load the encoder and encode the small vocabularies now rather than at the first text."""
        assert self._vectors is not None

    def understand(self, text: str) -> Understood:
        """The nodes that a text names by its words or its meaning, without those it rejects ("no horror")."""
        vector = self._encoder.encode([text])[0]
        named, rejected = self._mentions(_words(text))
        meant = [n for n in self._meant(vector) if n not in named and n not in rejected]
        return Understood([*named, *meant], vector)

    def _index(self, snapshot: GraphSnapshot) -> dict[str, int]:
        """Folded name -> node. Small vocabularies win over large ones, entities over items, then the node
        with the most facts.
        """
        small = np.zeros(snapshot.first_user, bool)
        small[list(self._small.members)] = True
        facts = snapshot.triples
        degree = np.bincount(np.concatenate([facts.head, facts.tail]), minlength=snapshot.n_nodes)
        numbers = np.arange(snapshot.first_user)
        order = np.lexsort((-numbers, degree[numbers], numbers >= self._n_items, small))
        index: dict[str, int] = {}
        for node in order.tolist():
            folded = [w.folded for w in _words(self._names[node])]
            if 0 < len(folded) <= _LONGEST_NAME:
                for name in _plurals(" ".join(folded)) if small[node] else [" ".join(folded)]:
                    index[name] = node
        return index

    def _mentions(self, words: list[_Word]) -> tuple[list[int], set[int]]:
        named: dict[int, None] = {}
        rejected: set[int] = set()
        start = 0
        while start < len(words):
            size, node = next(self._names_at(words, start), (1, None))
            if node is not None:
                before = words[max(0, start - _NEGATION_REACH) : start]
                if any(w.folded in _NEGATIONS for w in before):
                    rejected.add(node)
                else:
                    named[node] = None
            start += size
        return list(named), rejected

    def _names_at(self, words: list[_Word], start: int) -> Iterator[tuple[int, int | None]]:
        for size in range(min(_LONGEST_NAME, len(words) - start), 0, -1):
            span = words[start : start + size]
            node = self._by_name.get(" ".join(w.folded for w in span))
            if node is not None and self._is_meant(node, span):
                yield size, node

    def _is_meant(self, node: int, span: list[_Word]) -> bool:
        """Whether these words stand for that node, rather than being everyday words that are its name too."""
        if all(w.folded in _FUNCTION_WORDS for w in span) or (len(span) == 1 and len(span[0].text) < 3):
            return False
        if node in self._small.members:
            return True
        as_written = [w.text for w in span] == [w.text for w in _words(self._names[node])]
        if len(span) == 1:
            return as_written and span[0].text[0].isupper() and not span[0].begins_sentence
        return node >= self._n_items or (as_written and any(w.text[0].isupper() for w in span[1:]))

    def _meant(self, vector: FloatArray) -> list[int]:
        if not len(self._small.nodes):
            return []
        cosine = self._vectors @ vector
        floor = max(LEAST_COSINE, float(cosine.max()) - NEAR_BEST)
        near = np.flatnonzero(cosine >= floor)
        best_first = near[np.lexsort((near, -cosine[near]))]
        return [int(n) for n in self._small.nodes[best_first]]

    @cached_property
    def _vectors(self) -> FloatArray:
        return self._encoder.encode(self._small.phrases)


@dataclass(frozen=True, eq=False)
class _Small:
    nodes: IntArray
    members: frozenset[int]
    phrases: list[str]


def _small_vocabularies(snapshot: GraphSnapshot) -> _Small:
    """Entities of the small labels, with their label as a word: "Sci-Fi genre". Numbers have no meaning that
    an encoder could find ("1990s" is near "1980s"), so names with digits are matched by their words alone.
    """
    nodes: list[int] = []
    phrases: list[str] = []
    members: set[int] = set()
    for label in snapshot.schema.entities:
        size, start = len(snapshot.vocabulary(label.label)), snapshot.offsets[label.label]
        if size <= SMALL:
            members.update(range(start, start + size))
            for node in range(start, start + size):
                if not re.search(r"\d", snapshot.names[node]):
                    nodes.append(node)
                    phrases.append(f"{snapshot.names[node]} {label.label.lower()}")
    return _Small(np.array(nodes, np.int64), frozenset(members), phrases)


def _plurals(name: str) -> list[str]:
    return [name, f"{name}s", re.sub(r"y$", "ies", name)]
