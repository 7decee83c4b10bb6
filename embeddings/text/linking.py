"""Entity linking in the texts of items: by exact name, or by similarity of a mention to a name.

By name: the longest sequence of words that is an entity's name, ignoring case and accents, from left to
right. By similarity: a sequence of capitalised words outside of names, whose vector is near that of a name.
If several entities of any label share a name, its score is divided by their number, so a threshold excludes
ambiguous names.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embeddings.text.encoder import TextEncoder
from embeddings.text.names import Name, NameMatcher, Word, fold_case_and_accents, name_of, words
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent

BLOCK = 512
"""Mentions per block that are compared with all names; bounds the memory."""


@dataclass(frozen=True)
class LinkingConfig:
    """Which names and mentions are considered."""

    shortest_name: int = 3
    """Minimum letters of a name and characters of a mention; shorter ones would match in too many texts."""
    connectors: tuple[str, ...] = ("of", "the", "de", "la", "von", "van", "and")
    """Folded words that may occur within a sequence of capitalised words."""


@dataclass(frozen=True)
class Link:
    """An entity named in an item's text."""

    item: int
    node: int
    mention: str
    """The mention as written in the text."""
    position: int
    """Offset of the mention's first character in the text, from 0."""
    by: Literal["exact", "embedding"]
    score: float
    """1 for an exact name, else the cosine; divided by the number of entities with the name."""


Mentions = dict[str, list[tuple[int, int]]]
"""The position of a mention: item and offset in its text."""


def entity_names(snapshot: GraphSnapshot, config: LinkingConfig) -> NameMatcher[list[int]]:
    """A matcher of the names of all entities; a name maps to the nodes that have it."""
    nodes: dict[Name, list[int]] = defaultdict(list)
    for label in snapshot.schema.entities:
        start = snapshot.offsets[label.label]
        for node in range(start, start + len(snapshot.vocabulary(label.label))):
            name = name_of(snapshot.names[node], fold_case_and_accents)
            if sum(map(len, name)) >= config.shortest_name:
                nodes[name].append(node)
    return NameMatcher(dict(nodes))


def link_entities(
    snapshot: GraphSnapshot,
    encoder: TextEncoder | None,
    threshold: float,
    report: Report = silent,
    config: LinkingConfig = LinkingConfig(),
) -> list[Link]:
    """The distinct entities mentioned in each item's text with a score of at least `threshold` (0 to 1).

    The item's own name at the beginning of its text and names of entities that have a fact with the item are
    ignored. Without an encoder only exact names are found. Sorted by item and node.
    """
    names, joined = entity_names(snapshot, config), _joined(snapshot)
    links: dict[tuple[int, int], Link] = {}
    unnamed: Mentions = defaultdict(list)
    for item, text in enumerate(snapshot.texts):
        found = words(_without_name(text, snapshot.names[item]), fold_case_and_accents)
        taken: set[int] = set()
        for match in names.find(found):
            taken.update(range(match.first, match.end))
            if any((item, node) in joined for node in match.meaning):
                continue  # the mention repeats that fact, so it is no other entity of the same name
            start, end = found[match.first].start, found[match.end - 1].end
            for node in match.meaning:
                _keep(links, Link(item, node, text[start:end], start, "exact", 1 / len(match.meaning)))
        if encoder is not None:
            for start, end in _capitalised_runs(text, found, taken, config):
                unnamed[text[start:end]].append((item, start))
        report("names in texts", item + 1, snapshot.n_items)
    if encoder is not None and unnamed:
        for link in _similar(snapshot, names.names, encoder, unnamed, threshold, report):
            _keep(links, link)
    good = (x for x in links.values() if x.score >= threshold and (x.item, x.node) not in joined)
    return sorted(good, key=lambda x: (x.item, x.node))


def _similar(
    snapshot: GraphSnapshot,
    names: Mapping[Name, Sequence[int]],
    encoder: TextEncoder,
    unnamed: Mentions,
    threshold: float,
    report: Report,
) -> Iterator[Link]:
    """Links from each mention to the entities with the nearest name."""
    named = [(node, len(nodes)) for nodes in names.values() for node in nodes]
    if not named:
        return
    mentions = sorted(unnamed)
    name_vectors: FloatArray = encoder.encode([snapshot.names[node] for node, _ in named], report)
    mention_vectors: FloatArray = encoder.encode(mentions, report)
    for start in range(0, len(mentions), BLOCK):
        scores = mention_vectors[start : start + BLOCK] @ name_vectors.T
        for row, column in enumerate(np.asarray(scores.argmax(axis=1))):
            node, sharing = named[column]
            score = float(scores[row, column]) / sharing
            if score >= threshold:
                mention = mentions[start + row]
                yield from (
                    Link(item, node, mention, at, "embedding", score) for item, at in unnamed[mention]
                )


def _keep(links: dict[tuple[int, int], Link], link: Link) -> None:
    """Keep the link with the higher score; on ties the earlier one."""
    before = links.get((link.item, link.node))
    if before is None or link.score > before.score:
        links[link.item, link.node] = link


def _capitalised_runs(
    text: str, found: Sequence[Word], taken: Container[int], config: LinkingConfig
) -> Iterator[tuple[int, int]]:
    """Start and end in `text` of sequences of capitalised words outside of names, filtered by `_span`."""
    run: list[int] = []
    for at in range(len(found) + 1):
        free = at < len(found) and at not in taken
        if free and (found[at].text[0].isupper() or (run and found[at].folded in config.connectors)):
            adjacent = not run or not text[found[run[-1]].end : found[at].start].strip()
            if adjacent:
                run.append(at)
                continue
        yield from _span(text, found, run, config)
        run = [at] if free and found[at].text[0].isupper() else []


def _span(
    text: str, found: Sequence[Word], run: list[int], config: LinkingConfig
) -> Iterator[tuple[int, int]]:
    """Start and end of a sequence of words, without trailing connectors; yields nothing if the sequence is
    too short or is a single word at the beginning of a sentence.
    """
    while run and found[run[-1]].folded in config.connectors:
        run = run[:-1]
    if not run:
        return
    start, end = found[run[0]].start, found[run[-1]].end
    begins = re.search(r"(?:^|[.!?:]\s*)$", text[:start]) is not None
    if end - start >= config.shortest_name and not (begins and len(run) == 1):
        yield start, end


def _joined(snapshot: GraphSnapshot) -> set[tuple[int, int]]:
    """Pairs of item and node that have a fact, in either direction."""
    heads, tails = snapshot.triples.head.tolist(), snapshot.triples.tail.tolist()
    return {pair for head, tail in zip(heads, tails, strict=True) for pair in ((head, tail), (tail, head))}


def _without_name(text: str, name: str) -> str:
    """The text; if it begins with the item's name, the name is replaced by blanks."""
    return " " * len(name) + text[len(name) :] if name and text.startswith(name) else text
