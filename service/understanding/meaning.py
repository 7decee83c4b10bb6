"""What a free text means for a list: its structure, and the vectors of what it wants and rejects.

The structure is read by `service.understanding.reader`. Meanings ("science fiction" for Sci-Fi) are found by
the text encoder, among the names of small vocabularies only.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from embeddings.text.encoder import TextEncoder
from embeddings.text.names import Word
from kg.graph import FloatArray, GraphSnapshot, IntArray
from kg.shown import shown
from service.config import UnderstandingConfig
from service.language import foreign_language, is_readable, unread_words
from service.understanding.contract import UnderstoodNode, UnderstoodPhrase, UnderstoodText
from service.understanding.reader import TextReader

_KEPT_VECTORS = 64
"""So many texts' vectors are kept, for structures that come back."""
_SHOWN = 3
"""How many unread words a remark shows."""


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
        self._snapshot = snapshot
        self._small = _small_vocabularies(snapshot, config.small_vocabulary)
        self._reader = TextReader(snapshot, config)
        self._encode = lru_cache(_KEPT_VECTORS)(self._encoded)

    def warm_up(self, names: TextEncoder | None = None) -> None:
        """Load the encoder and encode the small vocabularies now rather than at the first text.

        `names` encodes those (None: the encoder).
        """
        self._vectors = (names or self._encoder).encode(self._small.phrases)
        _ = self._encoder.scripts

    def understand(self, text: str) -> Understood:
        """What a text wants and rejects."""
        structure, unread = self.read(text)
        return replace(self.applied(structure), unread=unread)

    def read(self, text: str) -> tuple[UnderstoodText, str]:
        """The structure of a text; and what cannot be read and why, as a sentence, "" where all can.

        What is rejected ("no horror") has no part in what is wanted.
        """
        structure, told = self._reader.read(text)
        reading = _Reading(text, told.found, told.named, self._encoder.scripts)
        query = reading.readable(told.wanted)
        if structure.intent in (None, "greet"):
            query = ""
        rejects = [
            phrase
            for phrase in structure.rejects
            if phrase.start is None or reading.readable([(phrase.start, phrase.end or 0)])
        ]
        vectors = self._encode(query, self._pushed(rejects, structure.dislikes))
        named = self._numbers([*structure.likes, *structure.dislikes])
        away = {n: x for row in vectors[1:] for n, x in self._similar(row) if n not in named}
        meant = {n: x for n, x in self._similar(vectors[0]) if n not in away} if query else {}
        structure = structure.model_copy(
            update={
                "query": query,
                "meant": self._as_parts({n: x for n, x in meant.items() if n not in named}),
                "rejected_meanings": self._as_parts(away),
            }
        )
        return structure, reading.unread()

    def applied(self, structure: UnderstoodText) -> Understood:
        """What a structure does, from a text or edited; what the graph does not have is left out."""
        likes = self._numbers(structure.likes)
        rejected = [n for n in self._sharing_names(self._numbers(structure.dislikes)) if n not in likes]
        away = self._numbers(structure.rejected_meanings)
        meant = self._numbers(structure.meant)
        phrases = [x.words for x in structure.rejects]
        vectors = self._encode(structure.query, self._pushed(structure.rejects, structure.dislikes))
        unwanted = {*rejected, *away}
        return Understood(
            [n for n in dict.fromkeys([*likes, *meant]) if n not in unwanted],
            vectors[0] if structure.query else None,
            rejected,
            [n for n in away if n not in rejected],
            vectors[1:],
            [x.words or x.name for x in structure.dislikes] + phrases,
            "",
        )

    def _pushed(
        self, rejects: Sequence[UnderstoodPhrase], dislikes: Sequence[UnderstoodNode]
    ) -> tuple[str, ...]:
        """The words whose meaning is pushed away: a genre's name says something, a person's does not."""
        genres = [
            node.words
            for node in dislikes
            if node.words
            and " " not in node.words
            and self._small.members.intersection(self._numbers([node]))
        ]
        return tuple([*(x.words for x in rejects), *genres][: self._config.most_rejected])

    def unknown(self, structure: UnderstoodText) -> list[tuple[str, str]]:
        """JSON Pointers into a structure of the nodes that the graph does not have, each with `Label:id`."""
        return [
            (f"/{slot}/{n}", f"{node.label}:{node.id}")
            for slot in ("likes", "dislikes", "meant", "rejected_meanings")
            for n, node in enumerate(getattr(structure, slot))
            if not self._numbers([node])
        ]

    def _numbers(self, nodes: Iterable[UnderstoodNode]) -> list[int]:
        found: dict[int, None] = {}
        for node in nodes:
            if node.label in self._snapshot.offsets and node.label != self._snapshot.users.label:
                own = self._snapshot.vocabulary(node.label).find(node.id)
                if own is not None:
                    found[self._snapshot.offsets[node.label] + own] = None
        return list(found)

    def _as_parts(self, nodes: Mapping[int, float]) -> list[UnderstoodNode]:
        located = [(n, *self._snapshot.locate(n), sure) for n, sure in nodes.items()]
        return [
            UnderstoodNode(
                label=label,
                id=own,
                name=self._snapshot.names[n],
                confidence=round(min(1.0, max(0.0, sure)), 2),
            )
            for n, label, own, sure in located
        ]

    def _encoded(self, wanted: str, rejected: tuple[str, ...]) -> FloatArray:
        """The vectors of what is wanted, zeros for nothing, and of each rejected phrase."""
        return (
            self._encoder.encode([wanted, *rejected]) if wanted or rejected else np.zeros((1, 1), np.float32)
        )

    def _sharing_names(self, nodes: Iterable[int]) -> list[int]:
        """The nodes and all others of the same names."""
        found: dict[int, None] = {}
        for node in nodes:
            found |= dict.fromkeys([node, *self._reader.alike(node)])
        return list(found)

    def _similar(self, vector: FloatArray) -> list[tuple[int, float]]:
        """Nodes of small vocabularies near the vector, the nearest first, with their cosines."""
        if not len(self._small.nodes):
            return []
        cosine = self._vectors @ vector
        floor = max(self._config.least_cosine, float(cosine.max()) - self._config.near_best)
        near = np.flatnonzero(cosine >= floor)
        best_first = near[np.lexsort((near, -cosine[near]))]
        return [(int(self._small.nodes[n]), float(cosine[n])) for n in best_first]

    @cached_property
    def _vectors(self) -> FloatArray:
        return self._encoder.encode(self._small.phrases)


class _Reading:
    """A text, its words and names, and which of the words the encoder reads."""

    def __init__(
        self, text: str, found: Sequence[Word], named: Iterable[int], scripts: frozenset[str] | None
    ) -> None:
        self.found = found
        self._text, self._scripts = text, scripts
        self._named = set(named)
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
