"""What nodes are called beside their names: surnames, titles without their ends, companies without "Studios".

An alias of several nodes is that of the most popular one. The popularity of an item is the square root of how
many events it has; an entity has a share of that of its items: one of many actors has less of a film than its
only director.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from embeddings.text.names import Name, Word, fold_case_and_accents, name_of, words
from kg.graph import Float64Array, GraphSnapshot
from service.understanding.lexicon import COMPANY_WORDS, EVERYDAY, FUNCTION_WORDS

_TITLE_END = re.compile(r"\s*\(.*$|:\s.*$|\s-\s.*$|,?\s+or:?\s.*$")
_BRACKETS = re.compile(r"\(([^()]+)\)")
_ALSO = re.compile(r"^(?:a\.?k\.?a\.?|aka)\s+", re.IGNORECASE)
_SERIES = re.compile(r"^((?:\S+ )+\S+?)(?:'s | and (?:the )?)")
_ARTICLES = frozenset({"the", "a", "an"})
_PARTICLES = frozenset(
    ["de", "del", "della", "di", "da", "la", "le", "van", "von", "der", "den", "ter", "st", "mac", "o"]
)
_ORDINAL = re.compile(r"(?:jr|sr|i{1,3}|iv)$")
_ASCII_WORD = re.compile(r"\w+(?:'\w+)*", re.ASCII)
_LEAST_DISTINCT = 6
"""The fewest letters of a word that stands for a whole title."""
_LARGE_LABEL = 200
"""Labels with more nodes have names such as companies have."""


@dataclass(frozen=True)
class Alias:
    """What some words stand for."""

    node: int
    confidence: float
    kind: str
    """name, title, surname, word"""
    others: tuple[int, ...] = ()
    """Less popular nodes of the same name."""


def popularity(snapshot: GraphSnapshot) -> Float64Array:
    """float64 [n items and entities]"""
    events, facts = snapshot.interactions, snapshot.triples
    found = np.zeros(snapshot.first_user)
    found[: snapshot.n_items] = np.sqrt(1 + np.bincount(events.item, minlength=snapshot.n_items))
    for near, far in ((facts.head, facts.tail), (facts.tail, facts.head)):
        own = (near < snapshot.n_items) & (far >= snapshot.n_items) & (far < snapshot.first_user)
        item, entity, kind = near[own].astype(np.int64), far[own].astype(np.int64), facts.relation[own]
        place = kind.astype(np.int64) * snapshot.n_items + item
        size = np.bincount(place)[place]
        found += np.bincount(entity, found[item] / np.sqrt(size), minlength=len(found))
    return found


def folded_name(text: str) -> Name:
    """The folded words of a name, without accents."""
    if text.isascii():  # much faster, and there are many names
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(word.replace("\u2019", "'") for word in name_of(text, fold_case_and_accents))


class Aliases:
    """Of one snapshot: what a sequence of folded words stands for."""

    def __init__(self, snapshot: GraphSnapshot, small: int, longest: int) -> None:
        self._snapshot = snapshot
        self.popularity = popularity(snapshot)
        self._longest = longest
        self._median = float(np.median(self.popularity[: snapshot.n_items])) if snapshot.n_items else 0.0
        large = [
            self.popularity[snapshot.offsets[x.label] :][: len(snapshot.vocabulary(x.label))]
            for x in snapshot.schema.entities
            if len(snapshot.vocabulary(x.label)) > small
        ]
        people = np.concatenate(large) if large else np.zeros(1)
        self.known, self.well_known = (float(x) for x in np.quantile(people, (0.7, 0.95)))
        """The popularity of the best 30 % and of the best 5 % of the entities with large vocabularies."""
        self._best: dict[Name, tuple[float, float, Alias]] = {}
        self._same: dict[Name, list[int]] = {}
        self._words: dict[str, float] = {}
        self._series: dict[Name, list[int]] = {}
        for n in range(snapshot.n_items):
            self._add_item(n)
        for label in snapshot.schema.entities:
            start, size = snapshot.offsets[label.label], len(snapshot.vocabulary(label.label))
            for n in range(start, start + size):
                self._add_entity(n, size, small)
        for name, nodes in self._series.items():
            for node in nodes if len(nodes) > 1 else ():  # one title alone is of a person: "Dante's Inferno"
                self._add(name, node, 0.8, "title", 1)
        self._add_distinct_words()
        self.by_name: dict[Name, Alias] = {}
        for name, (_, _, alias) in self._best.items():
            alike = [n for n in self._same.get(name, []) if n != alias.node]
            kept = Alias(alias.node, alias.confidence, alias.kind, tuple(alike))
            self.by_name[name] = kept
        self.word_weights = self._words
        """Each word of a name with the popularity of the most popular name that has it."""
        del self._best, self._same

    def _add(self, name: Name, node: int, confidence: float, kind: str, rank: float) -> None:
        if not 0 < len(name) <= self._longest:
            return
        if kind == "name":
            self._same.setdefault(name, []).append(node)
        key = (rank, float(self.popularity[node]))
        if name not in self._best or key > self._best[name][:2]:
            self._best[name] = (*key, Alias(node, confidence, kind))
        for word in name:
            self._words[word] = max(self._words.get(word, 0.0), key[1])

    def _add_item(self, node: int) -> None:
        title = self._snapshot.names[node]
        full = folded_name(title)
        known = len(full) > 1 or self.popularity[node] >= self._median
        self._add(full, node, 1.0, "name", 2 if known else 0.5)
        short = _TITLE_END.sub("", title)
        forms = [short, *(_ALSO.sub("", own) for own in _BRACKETS.findall(title))]
        if (series := _SERIES.match(short)) is not None:
            self._series.setdefault(folded_name(series[1]), []).append(node)
        for own in forms:
            name = folded_name(own)
            if name != full:
                self._add(name, node, 0.9, "title", 1.5)
            if len(name) > 2 and name[0] in _ARTICLES:  # an article and two words
                self._add(name[1:], node, 0.9, "title", 1.5)

    def _add_entity(self, node: int, size: int, small: int) -> None:
        text = self._snapshot.names[node]
        name = folded_name(text)
        if size <= small:
            self._add(name, node, 1.0, "name", 3 if size <= _LARGE_LABEL else 2)
            if size > _LARGE_LABEL:
                core = tuple(word for word in name if word not in COMPANY_WORDS)
                if core != name and core and not all(word in EVERYDAY for word in core):
                    self._add(core, node, 0.85, "title", 1)
            elif not any(map(str.isdigit, "".join(name))):
                for form in plurals(name):
                    self._add(form, node, 1.0, "name", 3)
            return
        self._add(name, node, 1.0, "name", 2)
        if len(name) > self._longest:
            return
        parts = [word for word in name if len(word) > 1 and not _ORDINAL.match(word)]
        if len(parts) > 1:
            self._add((parts[0], parts[-1]), node, 0.95, "surname", 1)
            last = parts[-2:] if parts[-2] in _PARTICLES else parts[-1:]
            self._add(tuple(last), node, 0.8, "surname", 1)
            if parts[-1] != "brothers":
                self._add((*last[:-1], f"{last[-1]}s"), node, 0.7, "surname", 0)

    def _add_distinct_words(self) -> None:
        """A rare word of a title stands for the most popular item that has it: "lebowski"."""
        best: dict[str, tuple[float, int]] = {}
        for node in range(self._snapshot.n_items):
            for word in folded_name(_TITLE_END.sub("", self._snapshot.names[node])):
                if len(word) >= _LEAST_DISTINCT and word not in EVERYDAY:
                    best[word] = max(best.get(word, (0.0, 0)), (float(self.popularity[node]), node))
        for word, (_, node) in best.items():
            if (word,) not in self._best:
                self._add((word,), node, 0.7, "word", 0)


def plurals(name: Name) -> Iterator[Name]:
    """The plural forms of a name: "comedies"."""
    *before, last = name
    if last not in FUNCTION_WORDS:
        yield (*before, f"{last}s")
    if last.endswith("y"):
        yield (*before, f"{last[:-1]}ies")


def text_words(text: str) -> list[Word]:
    """The words of a text, folded like aliases."""
    return words(text, lambda word: fold_case_and_accents(word).replace("\u2019", "'"))
