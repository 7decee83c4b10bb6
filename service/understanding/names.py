"""Entities and items that a text names: whole, in part, misspelt, or by a role ("the director of X")."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from embeddings.text.names import Name, Word
from embeddings.text.scripts import scripts_of
from kg.graph import GraphSnapshot
from service.understanding.aliases import Alias, Aliases, folded_name
from service.understanding.lexicon import (
    EVERYDAY,
    FUNCTION_WORDS,
    GENRE_WORDS,
    JOINT_GENRES,
    LANGUAGE_BEFORE,
    NATIONALITIES,
)
from service.understanding.roles import Roles

_SENTENCE_END = re.compile(r"[.!?:;\n]\s*[\"'(]*$")
_TRIGGER = re.compile(
    r"(?: like| likes?(?: in)?| similar to| close to| lines of| vein of| style of| mood of| spirit of"
    r"| kind of"
    r"| reminds? (?:me|us) of| loved?| hated?| liked| enjoyed| adored?| disliked| seen| saw| watch(?:ed|ing)?"
    r"| find| look up| search for| recommend(?:ed)?| suggest(?:ed)?| show(?:ing)? me| have| got| why"
    r"| directed"
    r"| wrote| played| getting| get| of| than| called| named| titled| movie| film| original| no| not"
    r"| except| without| but"
    r"| after| next| about| is in| was in| starred in| plays in| from| is| and| or| skip| finished| rewatched"
    r"| prefer| another| more)(?: the)? $"
)
"""What stands before a title."""
_STRONG = re.compile(
    r"(?: (?:something|anything|movies?|films?|one|ones|more|stuff|things|else|bit|just|lot|much|is|feels?"
    r"|looks?|i d|would|similar|i|me) likes?(?: in)?| similar to| close to| lines of| vein of"
    r"| style of| mood of"
    r"| reminds? (?:me|us) of| loved| hated| enjoyed| adored?| seen| saw| watched| find| look up| search for"
    r"| recommend(?:ed)?| showing me| do you have| got| why| who directed| who wrote| called| not| no| except"
    r"| guy from| man from| girl from| woman from| more like|^ like)(?: the)? $"
)
"""What stands before a title even where it is in lower case."""
_BY = re.compile(
    r"(?: by| with| avec| mit| con| starring| directed by| from| of| and| or| not| no| like| than| about) $"
)
_PRONOUNS = frozenset({"it", "her", "him", "that", "this", "them", "us", "me", "you", "up", "now", "so"})
_HOUSEHOLD = re.compile(r"(?: my| our| the| his| her| your| whole| for)+ $")
_HOMELY = frozenset({"family", "children", "kids", "music", "action", "history"})
_LEAST_MISSPELT, _TWO_EDITS = 5, 8
_MOST_MISSPELT = 6
_LARGE_LABEL = 200


@dataclass(frozen=True)
class Mention:
    """Names in a text: `words[first:end]`."""

    first: int
    end: int
    nodes: tuple[int, ...]
    """Several for "rom-com"."""
    confidence: float
    others: tuple[int, ...] = ()
    is_language: bool = False


class NameFinder:
    """Finds the names of one snapshot; safe to share between threads."""

    def __init__(self, snapshot: GraphSnapshot, small: int, longest: int, shortest: int = 2) -> None:
        self._snapshot = snapshot
        self._shortest = shortest
        self._aliases = Aliases(snapshot, small, longest)
        self._popularity = self._aliases.popularity
        self._longest = max(map(len, self._aliases.by_name), default=0)
        self._sizes = {x.label: len(snapshot.vocabulary(x.label)) for x in snapshot.schema.entities}
        self._small = {label for label, size in self._sizes.items() if size <= small}
        self._roles = Roles(snapshot, self._popularity)
        self._lexicon = self._read_lexicon()
        known = [w for w, x in self._aliases.word_weights.items() if x >= self._aliases.known]
        self._by_length: dict[int, list[str]] = {}
        for word in known:
            for length in range(len(word) - 1, len(word) + 2):
                self._by_length.setdefault(length, []).append(word)

    def find(self, text: str, found: Sequence[Word]) -> list[Mention]:
        """The mentions in a text of these words, in order; none overlaps another."""
        corrected, misspelt = self._corrected(found)
        mentions: list[Mention] = []
        n = 0
        while n < len(found):
            own = self._at(n, text, corrected, misspelt, mentions)
            if own is not None:
                mentions.append(own)
            n = n + 1 if own is None else own.end
        return self._roles.described(mentions, found)

    def alike(self, node: int) -> tuple[int, ...]:
        """The other nodes of a node's name."""
        alias = self._aliases.by_name.get(folded_name(self._snapshot.names[node]))
        own = () if alias is None else (alias.node, *alias.others)
        return tuple(n for n in own if n != node) if node in own else ()

    # ------------------------------------------------------------ one place

    def _at(
        self, n: int, text: str, found: Sequence[Word], misspelt: dict[int, str], before: list[Mention]
    ) -> Mention | None:
        for end in range(min(n + self._longest, len(found)), n, -1):
            name = tuple(word.folded for word in found[n:end])
            for form in dict.fromkeys([name, _bare(name)]):
                if (own := self._of_lexicon(n, end, form, found)) is not None:
                    return own
                alias = self._aliases.by_name.get(form) or self._nearly(form, found[n:end])
                if alias is not None and self._accepts(n, end, alias, text, found, misspelt, before):
                    sure = alias.confidence * (0.8 if any(x in misspelt for x in range(n, end)) else 1)
                    return Mention(n, end, (alias.node,), round(sure, 2), alias.others)
        return None

    def _of_lexicon(self, n: int, end: int, name: Name, found: Sequence[Word]) -> Mention | None:
        nodes = self._lexicon.get(" ".join(name))
        if not nodes or (name[0] in _HOMELY and _HOUSEHOLD.search(_before(found, n))):
            return None
        if name == ("us",) and found[n].text != "US":
            return None
        language = False
        if " ".join(name) in NATIONALITIES:
            spoken = n > 0 and found[n - 1].folded in LANGUAGE_BEFORE
            tongue = self._aliases.by_name.get(name)
            if spoken and tongue is not None:
                return Mention(n, end, (tongue.node,), 0.9, is_language=True)
        return Mention(n, end, nodes, 0.9, is_language=language)

    def _accepts(
        self,
        n: int,
        end: int,
        alias: Alias,
        text: str,
        found: Sequence[Word],
        misspelt: dict[int, str],
        before: list[Mention],
    ) -> bool:
        span = found[n:end]
        if end == n + 1 and scripts_of(span[0].text) - {"LATIN"}:
            own = span[0].text
            caseless = own.lower() == own.upper()
            return (
                len(found) == 1 or caseless or (own[0].isupper() and _within_sentence(text[: span[0].start]))
            )
        said_of = n + 1 < len(found) and found[n + 1].folded in ("was", "were")
        if end == n + 1 and len(span[0].text) < self._shortest and not said_of:
            return False
        if all(word.folded in FUNCTION_WORDS for word in span) and not span[0].text[0].isupper():
            return False
        label = self._label(alias.node)
        leading = _before(found, n)
        if label in self._small:
            return self._is_small_meant(alias, label, span, leading)
        inside = _within_sentence(text[: span[0].start])
        if any(x in misspelt for x in range(n, end)) and end == n + 1:
            surname = alias.kind == "surname" and self._popularity[alias.node] >= self._aliases.well_known
            sure = span[0].text[0].isupper() or (len(span[0].text) >= _TWO_EDITS - 1 and _BY.search(leading))
            return bool(surname and sure)
        if end > n + 1:
            return self._is_phrase_meant(alias, span, leading, plain_case=text.islower())
        if alias.node < self._snapshot.n_items:
            listed = bool(before) and before[-1].end == n and before[-1].nodes[0] < self._snapshot.n_items
            follows = found[n + 1].folded if n + 1 < len(found) else ""
            return self._is_title_word_meant(alias, span[0], leading, inside, listed, follows)
        if alias.kind == "surname" and n and inside and not (before and before[-1].end == n):
            adjacent = not text[found[n - 1].end : span[0].start].strip()
            placed = n > 1 and found[n - 1].text[0].isupper() and found[n - 1].text.istitle()
            if adjacent and placed and not _SENTENCE_END.search(text[: found[n - 1].start]):
                return False  # "New York"
        return self._is_person_word_meant(alias, span[0], leading, inside)

    def _is_small_meant(self, alias: Alias, label: str, span: Sequence[Word], leading: str) -> bool:
        if span[0].folded in _HOMELY and _HOUSEHOLD.search(leading):
            return False
        if self._sizes[label] <= _LARGE_LABEL:
            return True
        capital = all(w.text[0].isupper() for w in span)
        return capital or (len(span) == 1 and alias.kind == "title" and span[0].folded not in EVERYDAY)

    def _is_phrase_meant(self, alias: Alias, span: Sequence[Word], leading: str, *, plain_case: bool) -> bool:
        capitals = sum(word.text[0].isupper() for word in span)
        if alias.node >= self._snapshot.n_items:
            everyday = all(word.folded in EVERYDAY for word in span)
            return not everyday or capitals == len(span)
        if capitals > 1 or (capitals == 1 and not span[0].text[0].isupper()):
            return True
        if leading.endswith((" a ", " an ")):
            return False
        if capitals and _TRIGGER.search(leading):
            return True
        if _STRONG.search(leading):
            return True
        return plain_case and any(word.folded not in EVERYDAY | FUNCTION_WORDS for word in span)

    def _is_title_word_meant(
        self, alias: Alias, word: Word, leading: str, inside: bool, listed: bool, follows: str
    ) -> bool:
        everyday = word.folded in EVERYDAY or word.folded in FUNCTION_WORDS
        capital = word.text[0].isupper() or word.text.isdigit()
        if word.text.isdigit():
            return False
        if alias.kind == "word" and everyday:
            return False
        if capital:
            if not inside:
                return (follows in ("was", "were") and word.folded not in ("it", "that")) or (
                    not everyday and alias.kind != "word"
                )
            return bool(not everyday or listed or (_TRIGGER.search(leading) and word.folded not in _PRONOUNS))
        return not everyday and bool(_STRONG.search(leading)) and not leading.endswith((" a ", " an "))

    def _is_person_word_meant(self, alias: Alias, word: Word, leading: str, inside: bool) -> bool:
        everyday = {word.folded, word.folded.removesuffix("s")} & (EVERYDAY | FUNCTION_WORDS)
        known = self._popularity[alias.node]
        if alias.kind == "name":
            return not everyday and word.text[0].isupper() and inside and bool(_BY.search(leading))
        if known < self._aliases.known or len(word.text) < 3:
            return False
        if word.text[0].isupper():
            return not everyday or (inside and bool(_BY.search(leading)))
        return not everyday and known >= self._aliases.well_known

    # ------------------------------------------------------------ misspelt words

    def _corrected(self, found: Sequence[Word]) -> tuple[list[Word], dict[int, str]]:
        """The words with misspelt ones as the names have them, and those by their number."""
        own = list(found)
        misspelt: dict[int, str] = {}
        for n, word in enumerate(found):
            bare = _bare((word.folded,))[0]
            known = bare in self._aliases.word_weights or bare in EVERYDAY or bare in self._lexicon
            if known or len(bare) < _LEAST_MISSPELT or len(misspelt) >= _MOST_MISSPELT or not bare.isalpha():
                continue
            if (near := self._nearest(bare)) is not None:
                misspelt[n] = near
                own[n] = replace(word, folded=near)
        return own, misspelt

    def _nearly(self, name: Name, span: Sequence[Word]) -> Alias | None:
        """A person of two words, both written like a name, of which the last is misspelt."""
        if len(name) != 2 or not all(word.text[0].isupper() for word in span):
            return None
        if len(name[1]) < _LEAST_MISSPELT or name[0] in EVERYDAY | FUNCTION_WORDS or name[1] in EVERYDAY:
            return None
        for near in self._near(name[1]):
            alias = self._aliases.by_name.get((name[0], near))
            if alias is not None and alias.node >= self._snapshot.n_items:
                return replace(alias, confidence=0.7)
        return None

    def _nearest(self, word: str) -> str | None:
        return next(iter(self._near(word)), None)

    def _near(self, word: str) -> list[str]:
        """Words of names that a misspelt one may be, the nearest first."""
        edits = 2 if len(word) >= _TWO_EDITS else 1
        close = process.extract(
            word, self._by_length.get(len(word), []), scorer=OSA.distance, score_cutoff=edits, limit=20
        )
        weights = self._aliases.word_weights
        alike = [(distance, -weights[own], own) for own, distance, _ in close if own[0] == word[0]]
        return [own for *_, own in sorted(alike)]

    # ------------------------------------------------------------ lexicon

    def _label(self, node: int) -> str:
        return self._snapshot.locate(node)[0]

    def _read_lexicon(self) -> dict[str, tuple[int, ...]]:
        """Everyday words of what small vocabularies have."""
        by_name = {
            " ".join(name): alias.node
            for name, alias in self._aliases.by_name.items()
            if self._label(alias.node) in self._small
        }
        found: dict[str, tuple[int, ...]] = {}
        for table in (NATIONALITIES, GENRE_WORDS):
            for words, names in table.items():
                plain = [" ".join(folded_name(name)) for name in names]
                if (node := next((by_name[x] for x in plain if x in by_name), None)) is not None:
                    found[words] = (node,)
        for words, both in JOINT_GENRES.items():
            if all(name in by_name for name in both):
                found[words] = tuple(by_name[name] for name in both)
        return found


def _bare(name: Name) -> Name:
    """Without the possessive end of the last word."""
    last = re.sub(r"'s?$", "", name[-1])
    if last in _PRONOUNS or last in FUNCTION_WORDS:
        return name
    return (*name[:-1], last)


def _before(found: Sequence[Word], n: int) -> str:
    return " " + "".join(f"{word.folded} " for word in found[max(0, n - 6) : n]).replace("'", " ")


def _within_sentence(before: str) -> bool:
    return bool(before.strip(" \"'(")) and not _SENTENCE_END.search(before)
