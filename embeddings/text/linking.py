"""Entities named in the texts of items: exactly, or in other words that a text encoder finds alike.

Exactly: the longest run of words that is an entity's name, case and accents aside, left to right. Alike: a
run of capitalised words that is no name, whose vector is near that of one. A name that several entities
share, of whichever labels, counts for each of them as much less, so a threshold leaves out what is ambiguous.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embeddings.text.encoder import TextEncoder
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent

SHORTEST = 3
"""Letters of a name that is looked for; shorter ones are found everywhere."""

BLOCK = 512

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_INSIDE = ("of", "the", "de", "la", "von", "van", "and")
"""Small words that may stand within a run of capitalised ones."""


@dataclass(frozen=True)
class Link:
    """An entity named in an item's text."""

    item: int
    node: int
    mention: str
    """As the text has it."""
    position: int
    """Of the mention's first character in the text, from 0."""
    by: Literal["exact", "embedding"]
    score: float
    """1 or the cosine, divided by the number of entities that have the name."""


@dataclass(frozen=True)
class Word:
    """A word of a text: how it is compared, and where it is."""

    plain: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text, without case and accents."""
    return [Word(_plain(found[0]), found.start(), found.end()) for found in _WORD.finditer(text)]


class Names:
    """The names of all entities, by their words."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self.nodes: dict[tuple[str, ...], list[int]] = defaultdict(list)
        """Name -> the nodes that are called so."""
        for label in snapshot.schema.entities:
            start = snapshot.offsets[label.label]
            for node in range(start, start + len(snapshot.vocabulary(label.label))):
                name = tuple(word.plain for word in words(snapshot.names[node]))
                if sum(map(len, name)) >= SHORTEST:
                    self.nodes[name].append(node)
        self.longest = max(map(len, self.nodes), default=0)

    def find(self, found: Sequence[Word]) -> Iterator[tuple[int, int]]:
        """First and behind-last word of each name, left to right, the longest first."""
        at = 0
        while at < len(found):
            for length in range(min(self.longest, len(found) - at), 0, -1):
                if tuple(word.plain for word in found[at : at + length]) in self.nodes:
                    yield at, at + length
                    at += length
                    break
            else:
                at += 1


def link_entities(
    snapshot: GraphSnapshot,
    encoder: TextEncoder | None,
    threshold: float,
    report: Report = silent,
) -> list[Link]:
    """The entities named in each item's text, from `threshold` (0 to 1) on, one link for each pair.

    Left out are the item's own name, and names of what a fact joins to the item already. Without an encoder
    only exact names are found. Sorted by item and node.
    """
    names = Names(snapshot)
    joined = _joined(snapshot)
    links: dict[tuple[int, int], Link] = {}
    unnamed: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for item, text in enumerate(snapshot.texts):
        found = words(_without_name(text, snapshot.names[item]))
        taken: set[int] = set()
        for first, behind in names.find(found):
            taken.update(range(first, behind))
            start, end = found[first].start, found[behind - 1].end
            nodes = names.nodes[tuple(word.plain for word in found[first:behind])]
            if any((item, node) in joined for node in nodes):
                continue  # then the text tells that fact, and means no namesake
            for node in nodes:
                _keep(links, Link(item, node, text[start:end], start, "exact", 1 / len(nodes)))
        if encoder is not None:
            for start, end in _capitalised(text, found, taken):
                unnamed[text[start:end]].append((item, start))
        report("names in texts", item + 1, snapshot.n_items)
    if encoder is not None and unnamed:
        for link in _alike(snapshot, names, encoder, unnamed, threshold, report):
            _keep(links, link)
    good = (x for x in links.values() if x.score >= threshold and (x.item, x.node) not in joined)
    return sorted(good, key=lambda x: (x.item, x.node))


def _alike(
    snapshot: GraphSnapshot,
    names: Names,
    encoder: TextEncoder,
    unnamed: Mapping[str, Sequence[tuple[int, int]]],
    threshold: float,
    report: Report,
) -> Iterator[Link]:
    """Each run of words to the entity whose name is nearest."""
    known = [(node, len(nodes)) for nodes in names.nodes.values() for node in nodes]
    if not known:
        return
    mentions = sorted(unnamed)
    called: FloatArray = encoder.encode([snapshot.names[node] for node, _ in known], report)
    given: FloatArray = encoder.encode(mentions, report)
    for start in range(0, len(mentions), BLOCK):
        scores = given[start : start + BLOCK] @ called.T
        best = np.asarray(scores.argmax(axis=1))
        for row, column in enumerate(best):
            node, sharing = known[column]
            score = float(scores[row, column]) / sharing
            if score >= threshold:
                mention = mentions[start + row]
                yield from (
                    Link(item, node, mention, at, "embedding", score) for item, at in unnamed[mention]
                )


def _keep(links: dict[tuple[int, int], Link], link: Link) -> None:
    """The better of two, else the earlier."""
    before = links.get((link.item, link.node))
    if before is None or link.score > before.score:
        links[link.item, link.node] = link


def _capitalised(text: str, found: Sequence[Word], taken: set[int]) -> Iterator[tuple[int, int]]:
    """Where runs of capitalised words are that no name covers; one alone at a sentence's start is none."""
    run: list[int] = []
    for at in range(len(found) + 1):
        fits = at < len(found) and at not in taken
        if fits and (text[found[at].start].isupper() or (run and found[at].plain in _INSIDE)):
            together = not run or not text[found[run[-1]].end : found[at].start].strip()
            if together:
                run.append(at)
                continue
        yield from _span(text, found, run)
        run = [at] if fits and text[found[at].start].isupper() else []


def _span(text: str, found: Sequence[Word], run: list[int]) -> Iterator[tuple[int, int]]:
    while run and found[run[-1]].plain in _INSIDE:
        run = run[:-1]
    if not run:
        return
    start, end = found[run[0]].start, found[run[-1]].end
    begins = re.search(r"(?:^|[.!?:]\s*)$", text[:start]) is not None
    if end - start >= SHORTEST and not (begins and len(run) == 1):
        yield start, end


def _joined(snapshot: GraphSnapshot) -> set[tuple[int, int]]:
    """Items and nodes that a fact joins, whichever way."""
    heads, tails = snapshot.triples.head.tolist(), snapshot.triples.tail.tolist()
    return {pair for head, tail in zip(heads, tails, strict=True) for pair in ((head, tail), (tail, head))}


def _without_name(text: str, name: str) -> str:
    """The text, with blanks where it begins with the item's name."""
    return " " * len(name) + text[len(name) :] if name and text.startswith(name) else text


def _plain(word: str) -> str:
    folded = unicodedata.normalize("NFKD", word.casefold())
    return "".join(x for x in folded if not unicodedata.combining(x))
