"""Fuzzy search in names: by words in any order, their beginnings, and their misspellings.

Names and queries are folded: case, accents and apostrophes do not count, and ideographs are words by
themselves. Each word of a query is looked for among the words of all names, three ways:

    itself        1
    a beginning   .8 to 1, the more of the word the query has: "termin" of "terminator"
    misspelt      1 - edits / length, less a tenth: "hitchcok"; only where no name has almost the whole query

An edit is a letter more, less or other, or two neighbours swapped (optimal string alignment). Words of four
to seven letters may have one, longer ones two (as Algolia's defaults), and the beginning of a longer word
one.

The score of a name is the share of the query that it has, each word weighted by its inverse document
frequency, times a factor from .8 to 1 for the share of the name that the query has, times .9. The whole name
scores 1. Names that score less than half of the best are left out.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from kg.explanation.adjacency import spans
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

_MOST_WORDS = 12
"""The first words of a query that are looked for."""
_ALMOST_WHOLE = 0.8
"""A name with such a share of the query makes misspellings unlikely."""
_MOST_MISSPELT = 4
"""So many words of a query are looked for as misspelt."""
_LEAST_SHARE = 0.35
"""The least share of a query that a name must have."""
_PARTIAL = 0.9
"""The highest score of a name that is not the whole query."""
_OUT_OF_ORDER = 0.02
"""Taken off where the words of the query do not follow each other in the name."""
_LEAST_PREFIX = 0.8
_MISSPELT = 0.9
_JOINED = 0.97
"""Two words written as one, or one as two."""
_ORDERED = 300
"""So many of the best names are compared word by word."""

_LEAST_RELATIVE = 0.5
_LEAST_FACTOR = 0.8
_LEAST_MISSPELT = 4
"""The fewest letters of a word that may be misspelt."""
_ONE_EDIT = 7
"""The most letters of a word that may have one edit alone."""
_LAST = "\U0010ffff"
"""Sorts after every letter."""

_WORD = re.compile(r"\w+")
_COMPOUND = re.compile(r"\w+(?:[-.\u2010\u2011]\w+)+")

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i"}
)
"""Letters that Unicode does not decompose."""
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\u00b4`"))


def folded(text: str) -> str:
    """A text without case, accents and apostrophes, and with blanks around ideographs."""
    text = text.casefold()
    if text.isascii():
        return text.replace("'", "").replace("`", "")
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(x for x in plain if not unicodedata.combining(x)).translate(_APOSTROPHES)
    return unicodedata.normalize("NFC", "".join(f" {x} " if _is_ideograph(x) else x for x in plain))


def _is_ideograph(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff" or character >= "\U00020000"


@dataclass(frozen=True)
class NameHit:
    """A name that a query means."""

    node: int
    score: float
    """In (0, 1]; 1: the query is the whole name."""
    words: tuple[tuple[str, str], ...]
    """The words of the query that the name has, each with the folded word of the name."""


@dataclass(frozen=True, eq=False)
class _Found:
    """The nodes that have one word of the query, dense over all nodes."""

    quality: FloatArray
    """From 0, not there, to 1, float32 [n_nodes]."""
    word: IntArray
    """The number of the word in the vocabulary, -1: none, int64 [n_nodes]."""
    weight: float


class NameIndex:
    """The names of nodes 0 to n - 1; read-only, safe to share between threads."""

    def __init__(self, names: Sequence[str]) -> None:
        texts = [folded(name) for name in names]
        found = [_WORD.findall(text) for text in texts]
        extra = [_joined(text) for text in texts]
        distinct: list[str] = sorted({word for own in (*found, *extra) for word in own})
        self._vocabulary = distinct
        self._number = {word: n for n, word in enumerate(distinct)}
        self._length: IntArray = np.array([len(word) for word in distinct], np.int64)
        self._n = len(names)
        self._words = np.fromiter((self._number[w] for own in found for w in own), np.int64)
        self._starts = np.concatenate([[0], np.cumsum([len(own) for own in found], dtype=np.int64)])
        owner = np.repeat(np.arange(self._n), np.diff(self._starts))
        more = np.fromiter((self._number[w] for own in extra for w in own), np.int64)
        more_owner = np.repeat(np.arange(self._n), [len(own) for own in extra])
        words, owner = np.concatenate([self._words, more]), np.concatenate([owner, more_owner])
        pairs = np.unique(words * max(self._n, 1) + owner)
        self._postings = pairs % max(self._n, 1)
        counts = np.bincount(pairs // max(self._n, 1), minlength=len(distinct))
        self._posting_starts = np.concatenate([[0], np.cumsum(counts)])
        self._rarity = np.log1p(self._n / np.maximum(counts, 1)).astype(np.float32)
        rarity = self._rarity[self._words]
        self._name_weight = np.bincount(owner[: len(rarity)], rarity, self._n).astype(np.float32)
        self._by_length: Mapping[int, tuple[IntArray, list[str]]] = _by_length(distinct)
        self._prefixes: dict[int, _Prefixes] = {}

    def search(self, query: str, limit: int, allowed: BoolArray | None = None) -> list[NameHit]:
        """The best names, best first, ties by node; `allowed`, bool [n], leaves out others."""
        asked = _WORD.findall(folded(query))[:_MOST_WORDS]
        if not asked or not self._n:
            return []
        found = [self._find(word) for word in asked]
        share = self._share(asked, found)
        if share.max() < _ALMOST_WHOLE:
            for n in self._perhaps_misspelt(asked):
                found[n] = self._find(asked[n], misspelt=True)
            share = self._share(asked, found)
        nodes = np.flatnonzero(
            share >= _LEAST_SHARE if allowed is None else (share >= _LEAST_SHARE) & allowed
        )
        covered = _LEAST_FACTOR + (1 - _LEAST_FACTOR) * self._coverage(found, nodes)
        scores = _PARTIAL * share[nodes] * covered
        if not len(scores):
            return []
        good = scores >= _LEAST_RELATIVE * scores.max()
        nodes, scores = nodes[good], scores[good]
        best = np.lexsort((nodes, -scores))[: max(limit, _ORDERED)]
        hits = [self._hit(asked, found, int(nodes[n]), float(scores[n])) for n in best]
        return sorted(hits, key=lambda hit: (-hit.score, hit.node))[:limit]

    def _share(self, asked: Sequence[str], found: Sequence[_Found]) -> FloatArray:
        """The share of the query that each name has, float32 [n]."""
        self._join(asked, found)
        whole = sum(x.weight for x in found)
        return np.asarray(sum(x.weight * x.quality for x in found) / whole, np.float32)

    def _perhaps_misspelt(self, asked: Sequence[str]) -> list[int]:
        """The places of the words that are most likely misspelt: unknown ones, then long ones."""
        order = sorted(range(len(asked)), key=lambda n: (asked[n] in self._number, -len(asked[n])))
        return order[:_MOST_MISSPELT]

    def _find(self, word: str, *, misspelt: bool = False) -> _Found:
        """The nodes with a word or its continuations, and what it may be misspelt for."""
        low = bisect_left(self._vocabulary, word)
        high = bisect_left(self._vocabulary, word + _LAST)
        numbers = np.arange(low, high)
        share: Float64Array = len(word) / self._length[low:high]
        quality = np.where(share == 1, 1, _LEAST_PREFIX + (1 - _LEAST_PREFIX) * share)
        if misspelt:
            near, near_quality = self._misspelt(word)
            numbers, quality = np.concatenate([numbers, near]), np.concatenate([quality, near_quality])
        return self._spread(numbers, quality, self._number.get(word))

    def _spread(self, numbers: IntArray, quality: Float64Array, exact: int | None) -> _Found:
        order = np.argsort(quality, kind="stable")  # the best is written last
        numbers, quality = numbers[order], quality[order]
        starts = self._posting_starts[numbers]
        counts = self._posting_starts[numbers + 1] - starts
        nodes = self._postings[spans(starts, counts)]
        best, word = np.zeros(self._n, np.float32), np.full(self._n, -1)
        best[nodes], word[nodes] = np.repeat(quality, counts), np.repeat(numbers, counts)
        if exact is not None:
            return _Found(best, word, float(self._rarity[exact]))
        return _Found(best, word, float(np.log1p(self._n / max(int(np.count_nonzero(best)), 1))))

    def _misspelt(self, word: str) -> tuple[IntArray, Float64Array]:
        """The words that a word may be misspelt for, or begin with, and their qualities."""
        size = len(word)
        edits = 0 if size < _LEAST_MISSPELT else 1 if size <= _ONE_EDIT else 2
        numbers: list[IntArray] = [np.zeros(0, np.int64)]
        quality: list[Float64Array] = [np.zeros(0)]
        for length in range(size - edits, size + edits + 1) if edits else ():
            if length in self._by_length:
                own, words = self._by_length[length]
                distance = _distances(word, words, edits)
                near = distance <= edits
                numbers.append(own[near])
                quality.append(_MISSPELT * (1 - distance[near] / size))
        if edits and not any(map(len, numbers)):
            for length in (size, size + 1):  # a letter is missing more often than one is too many
                first, factor = self._misspelt_beginnings(word, length)
                numbers.append(first)
                quality.append(factor)
        return np.concatenate(numbers), np.concatenate(quality)

    def _misspelt_beginnings(self, word: str, length: int) -> tuple[IntArray, Float64Array]:
        """The words whose first letters, so many, are one edit from a word."""
        size = len(word)
        if length not in self._prefixes:
            self._prefixes[length] = _Prefixes.of(self._vocabulary, length)
        beginnings = self._prefixes[length]
        near = np.flatnonzero(_distances(word, beginnings.texts, 1) <= 1)
        numbers = spans(beginnings.starts[near], beginnings.counts[near])
        share = size / self._length[numbers]
        return numbers, _MISSPELT * (1 - 1 / size) * (_LEAST_PREFIX + (1 - _LEAST_PREFIX) * share)

    def _join(self, asked: Sequence[str], found: Sequence[_Found]) -> None:
        """Two words of the query may be one of the name: "spider man"."""
        for (one, other), (first, second) in zip(pairwise(asked), pairwise(found), strict=True):
            number = self._number.get(one + other)
            if number is not None:
                nodes = self._postings[self._posting_starts[number] : self._posting_starts[number + 1]]
                for own in (first, second):
                    better = nodes[own.quality[nodes] < _JOINED]
                    own.quality[better], own.word[better] = _JOINED, number

    def _coverage(self, found: Sequence[_Found], nodes: IntArray) -> FloatArray:
        """The share of each name that the query has, float32 [nodes]."""
        matched = np.zeros(len(nodes), np.float32)
        for own in found:
            word = own.word[nodes]
            matched += np.where(word >= 0, self._rarity[word], 0)
        return np.asarray(np.minimum(matched / np.maximum(self._name_weight[nodes], 1e-6), 1))

    def _hit(self, asked: Sequence[str], found: Sequence[_Found], node: int, score: float) -> NameHit:
        matched = [(word, int(own.word[node])) for word, own in zip(asked, found, strict=True)]
        words = tuple((word, self._vocabulary[n]) for word, n in matched if n >= 0)
        name = self._words[self._starts[node] : self._starts[node + 1]].tolist()
        spelt = [self._vocabulary[n] for n in name]
        if spelt == list(asked) or "".join(spelt) == "".join(asked):
            return NameHit(node, 1.0, words)
        places = [name.index(n) for _, n in matched if n in name]
        in_order = all(other == one + 1 for one, other in pairwise(places))
        return NameHit(node, score if in_order else score - _OUT_OF_ORDER, words)


@dataclass(frozen=True, eq=False)
class _Prefixes:
    """The distinct beginnings of one length of longer words; the words of each stand one after another."""

    texts: list[str]
    starts: IntArray
    counts: IntArray

    @classmethod
    def of(cls, vocabulary: Sequence[str], size: int) -> "_Prefixes":
        """Those of a sorted vocabulary."""
        texts: list[str] = []
        starts: list[int] = []
        counts: list[int] = []
        for number, word in enumerate(vocabulary):
            if len(word) > size:
                if texts and texts[-1] == word[:size]:
                    counts[-1] += 1
                else:
                    texts.append(word[:size])
                    starts.append(number)
                    counts.append(1)
        return cls(texts, np.array(starts, np.int64), np.array(counts, np.int64))


def _by_length(words: Sequence[str]) -> dict[int, tuple[IntArray, list[str]]]:
    """The numbers of the words of each length, and the words."""
    found: dict[int, list[int]] = {}
    for number, word in enumerate(words):
        found.setdefault(len(word), []).append(number)
    return {size: (np.array(own), [words[n] for n in own]) for size, own in found.items()}


def _distances(word: str, words: Sequence[str], edits: int) -> IntArray:
    """The edits from a word to each of `words`; those beyond `edits` are `edits` + 1."""
    if not words:
        return np.zeros(0, np.int64)
    found = process.cdist([word], words, scorer=OSA.distance, score_cutoff=edits, dtype=np.int32)
    return np.asarray(found[0], np.int64)


def _joined(text: str) -> list[str]:
    """Words that are joined by hyphens or dots, as one word each: "spiderman", "et"."""
    return [re.sub(r"\W", "", x) for x in _COMPOUND.findall(text)]
