"""Scripts of texts and of a tokenizer's vocabulary, by the names of characters in Unicode."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_KNOWN_FROM = 100
"""A script is read if the vocabulary has at least this many tokens of two or more of its letters. An English
vocabulary has single letters of many scripts, and eight longer tokens of Cyrillic."""
_KNOWN_IDEOGRAPHS = 2_000
"""Chinese characters are words themselves: as many of them as a schoolbook has make the script known."""
_IDEOGRAPHS = "CJK"


@lru_cache(4_096)
def script_of(character: str) -> str:
    """The script of a letter, such as "LATIN" or "CJK"; "" for a character that is no letter."""
    if not character.isalpha():
        return ""
    return unicodedata.name(unicodedata.normalize("NFKC", character)[0], "UNKNOWN").split()[0].split("-")[0]


def scripts_of(text: str) -> set[str]:
    """The scripts of the letters in a text."""
    return {script_of(character) for character in text} - {""}


def known_scripts(tokens: Iterable[str]) -> frozenset[str] | None:
    """The scripts that a vocabulary has words of; None if its tokens are bytes and tell nothing."""
    longer: Counter[str] = Counter()
    ideographs = 0
    for token in tokens:
        if token.startswith("\u0120"):  # byte-level vocabularies write a space so
            return None
        letters = [script_of(x) for x in token if x.isalpha()]
        ideographs += letters == [_IDEOGRAPHS]
        if len(letters) > 1 and len(set(letters)) == 1:
            longer[letters[0]] += 1
    found = {script for script, count in longer.items() if count >= _KNOWN_FROM}
    if ideographs >= _KNOWN_IDEOGRAPHS:
        found |= {_IDEOGRAPHS, "HIRAGANA", "KATAKANA"}
    return frozenset(found)
