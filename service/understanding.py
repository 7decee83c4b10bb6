"""Understanding of free text: the nodes it names or rejects, and vectors of what it wants and rejects.

Names are found by their words, the longest first. Meanings ("science fiction" for Sci-Fi) are found by the
text encoder, among the names of small vocabularies only. People, companies and items have names like "Love",
"I" or "Her": such a single word counts only where it is capitalised within a sentence.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embeddings.text.encoder import TextEncoder
from embeddings.text.names import Match, Name, NameMatcher, Word, fold_case, name_of, words
from kg.graph import FloatArray, GraphSnapshot, IntArray
from kg.shown import shown
from service import cues
from service.config import UnderstandingConfig
from service.language import foreign_language, is_readable, unread_words
from service.rejections import Wishes, read_wishes

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
_SHOWN = 3
"""How many unread words a remark shows."""
_POSSESSIVE = re.compile(r"'s?$")


@dataclass(frozen=True, eq=False)
class Understood:
    """What a text wants and what it rejects."""

    nodes: list[int]
    """Entities and items that it names or means, in order of mention."""
    vector: FloatArray | None
    """The unit vector of what it wants; None where it wants nothing that the encoder can read."""
    rejected: list[int]
    """Entities and items whose names it rejects; all that share a name."""
    rejected_meanings: list[int]
    """Entities that what it rejects means in other words."""
    rejected_vectors: FloatArray
    """The unit vectors of what it rejects in words that are no names, one row a clause."""
    rejected_texts: list[str]
    """What it rejects, as written."""
    unread: str
    """What cannot be read and why, as a sentence; "" where all can."""


class Understanding:
    """Understands free text over one snapshot; encodes the small vocabularies' names when first asked."""

    def __init__(self, snapshot: GraphSnapshot, encoder: TextEncoder, config: UnderstandingConfig) -> None:
        self._encoder = encoder
        self._config = config
        self._names = snapshot.names
        self._n_items = snapshot.n_items
        self._small = _small_vocabularies(snapshot, config.small_vocabulary)
        self._alike: dict[Name, list[int]] = {}
        self._matcher = NameMatcher(self._nodes_by_name(snapshot))

    def warm_up(self, names: TextEncoder | None = None) -> None:
        """Load the encoder and encode the small vocabularies now rather than at the first text.

        `names` encodes those (None: the encoder).
        """
        self._vectors = (names or self._encoder).encode(self._small.phrases)
        _ = self._encoder.scripts

    def understand(self, text: str) -> Understood:
        """The nodes that a text names by its words or its meaning, and the vectors of its clauses.

        What is rejected ("no horror") has no part in what is wanted.
        """
        found = words(text, fold_case)
        matches = self._find(found, text)
        wishes = read_wishes(text, found, matches)
        rejected = self._sharing_names(match.meaning for match in wishes.rejected_names)
        unnamed = [*wishes.rejected_names, *wishes.qualified_names]
        named = dict.fromkeys(match.meaning for match in matches if match not in unnamed)
        reading = _Reading(text, found, matches, self._encoder.scripts)
        wanted = reading.readable(wishes.wanted if wishes.rejected else [(0, len(text))])
        if wishes.rejected and not wishes.wanted:
            wanted = ""
        vectors = self._encode(wanted, self._meaningful(reading, wishes, matches))
        away = [n for row in vectors[1:] for n in self._similar(row) if n not in named]
        meant = [] if not wanted else self._similar(vectors[0])
        unwanted = {*rejected, *away}
        return Understood(
            [n for n in dict.fromkeys([*named, *meant]) if n not in unwanted],
            vectors[0] if wanted else None,
            rejected,
            [n for n in dict.fromkeys(away) if n not in rejected],
            vectors[1:],
            [text[start:end] for start, end in wishes.rejected],
            reading.unread(),
        )

    def _encode(self, wanted: str, rejected: Sequence[str]) -> FloatArray:
        """The vectors of what is wanted, zeros for nothing, and of each rejected clause."""
        return (
            self._encoder.encode([wanted, *rejected]) if wanted or rejected else np.zeros((1, 1), np.float32)
        )

    def _meaningful(self, reading: "_Reading", wishes: Wishes, matches: Sequence[Match[int]]) -> list[str]:
        """The rejected clauses that say something beside names; a genre of one word says something."""
        is_name = np.zeros(len(reading.found), bool)
        for match in matches:
            word = match.end == match.first + 1 and match.meaning in self._small.members
            is_name[match.first : match.end] = not word
        said = [
            (start, end)
            for start, end in wishes.rejected
            if any(
                start <= word.start < end and not named and word.folded not in cues.GENERIC
                for word, named in zip(reading.found, is_name, strict=True)
            )
        ]
        texts = [reading.readable([span]) for span in said[: self._config.most_rejected]]
        return [text for text in texts if text]

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
                if name in nodes:
                    self._alike.setdefault(name, [nodes[name]]).append(node)
                nodes.update(dict.fromkeys(_plurals(name) if small[node] else [name], node))
        return nodes

    def _find(self, found: Sequence[Word], text: str) -> list[Match[int]]:
        """The names in the words, in order; then "Pratchett's" as Pratchett, where it is no name itself."""
        matches = list(self._matcher.find(found, lambda match: self._is_meant(match, found, text)))
        bare = [_bare(word) for word in found]
        if bare != list(found):
            taken = {n for match in matches for n in range(match.first, match.end)}
            more = self._matcher.find(bare, lambda match: self._is_meant(match, bare, text))
            matches += [m for m in more if taken.isdisjoint(range(m.first, m.end))]
        return sorted(matches, key=lambda match: match.first)

    def _sharing_names(self, nodes: Iterable[int]) -> list[int]:
        """The nodes and all others of the same names."""
        found: dict[int, None] = {}
        for node in nodes:
            alike = self._alike.get(name_of(self._names[node], fold_case), [])
            found |= dict.fromkeys([node, *alike])
        return list(found)

    def _is_meant(self, match: Match[int], found: Sequence[Word], text: str) -> bool:
        """Whether these words stand for that node, rather than being everyday words that are its name too."""
        node, span = match.meaning, found[match.first : match.end]
        single = len(span) == 1
        unread = single and unread_words(span, self._encoder.scripts)
        if single and not unread and len(span[0].text) < self._config.shortest_single_word:
            return False
        if all(word.folded in _FUNCTION_WORDS for word in span):
            return False
        if node in self._small.members:
            return True
        as_written = [w.text for w in span] == [w.text for w in words(self._names[node], fold_case)]
        if unread and as_written and (len(found) == 1 or not _has_case(span[0].text)):
            return True  # the encoder would make nothing of it
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


class _Reading:
    """A text, its words and names, and which of the words the encoder reads."""

    def __init__(
        self, text: str, found: Sequence[Word], matches: Sequence[Match[int]], scripts: frozenset[str] | None
    ) -> None:
        self.found = found
        self._text, self._scripts = text, scripts
        self._named = {n for match in matches for n in range(match.first, match.end)}
        self._unread = unread_words(found, scripts)
        others = [word for n, word in enumerate(found) if n not in self._named]
        self._language = foreign_language(others, scripts)

    def readable(self, spans: Sequence[tuple[int, int]]) -> str:
        """The spans without words of unknown scripts; "" if no word that can be read is left."""
        kept = [w for w in self.found if any(a <= w.start < b for a, b in spans) and w not in self._unread]
        if self._language or not is_readable(kept):
            return ""
        parts = [self._text[start:end] for start, end in spans]
        if self._unread:
            parts = [word.text for word in kept]
        return (" " if self._unread else ", ").join(parts)

    def unread(self) -> str:
        """What of the text is not read, and why."""
        if self._language:
            return f"the text encoder does not know {self._language}; only names in the text count"
        unread = [w.text for w in self._unread if self.found.index(w) not in self._named]
        if unread:
            listed = ", ".join(map(shown, unread[:_SHOWN])) + (", ..." if len(unread) > _SHOWN else "")
            return f"the text encoder does not know the script of {listed}; only names in it count"
        if not self._named and not is_readable(self.found):
            return "there is no word in it that says what is wanted; it was left out"
        return ""


def _bare(word: Word) -> Word:
    """A word without the ending of a possessive."""
    bare = _POSSESSIVE.sub("", word.folded)
    cut = len(word.folded) - len(bare)
    return word if not cut else Word(word.text[:-cut], bare, word.start, word.end - cut)


def _has_case(word: str) -> bool:
    return word.lower() != word.upper()


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
