"""Name matching in texts of items and requests: tokens, their folding, and the matcher."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
"""Combining marks, which are no letters by themselves; a decomposed letter has them after its base letter."""
_WORD = re.compile(rf"\w[\w{_MARKS}]*(?:['\u2019]\w[\w{_MARKS}]*)*")

Name = tuple[str, ...]
"""The folded words of a name."""

T = TypeVar("T")


@dataclass(frozen=True)
class Word:
    """A word and its position in a text."""

    text: str
    """The word with its letters composed (NFC), so that two ways to write it are one."""
    folded: str
    """The folded word, used for comparison."""
    start: int
    end: int


def fold_case(word: str) -> str:
    """Remove case; replace typographic apostrophes by plain ones."""
    return word.casefold().replace("\u2019", "'")


def fold_case_and_accents(word: str) -> str:
    """Remove case and accents."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(x for x in decomposed if not unicodedata.combining(x))


def words(text: str, fold: Callable[[str], str]) -> list[Word]:
    """The words of a text, in order."""
    found = ((unicodedata.normalize("NFC", m[0]), m) for m in _WORD.finditer(text))
    return [Word(word, fold(word), m.start(), m.end()) for word, m in found]


def name_of(text: str, fold: Callable[[str], str]) -> Name:
    """The name in a text: its folded words."""
    return tuple(word.folded for word in words(text, fold))


@dataclass(frozen=True)
class Match(Generic[T]):
    """A name in a sequence of words: `words[first:end]`."""

    first: int
    end: int
    meaning: T


class NameMatcher(Generic[T]):
    """Finds names from left to right; at each word the longest name that begins there is chosen."""

    def __init__(self, names: Mapping[Name, T]) -> None:
        self.names = names
        self.longest = max(map(len, names), default=0)

    def find(
        self, found: Sequence[Word], accepts: Callable[[Match[T]], bool] = lambda _: True
    ) -> Iterator[Match[T]]:
        """The non-overlapping names in `found`; if `accepts` rejects a match, a shorter name may match.

        `found` must be folded like the names.
        """
        first = 0
        while first < len(found):
            match = next(filter(accepts, self._beginning_at(first, found)), None)
            if match is not None:
                yield match
            first = first + 1 if match is None else match.end

    def _beginning_at(self, first: int, found: Sequence[Word]) -> Iterator[Match[T]]:
        for end in range(min(first + self.longest, len(found)), first, -1):
            meaning = self.names.get(tuple(word.folded for word in found[first:end]))
            if meaning is not None:
                yield Match(first, end, meaning)
