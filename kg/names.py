"""The rules for names of labels, relation types and properties, and their quoting in Cypher.

A name must be valid on both engines and in the files of every export. ArcadeDB refuses `,`, `*` and `~` in
the name of a type, and names its files after the type in URL encoding, where a byte beyond ASCII takes three
characters of the 255 that a file name may have. A label must not contain a colon, because a request names an
entity by `Label:id`.
"""

import unicodedata
from collections.abc import Callable, Iterable

LONGEST_NAME = 63
"""The maximum length of a name in bytes of UTF-8."""

_PUNCTUATION = " _-'&"
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that are not shown: joiners, fillers and variation selectors of some scripts."""


def composed(name: str) -> str:
    """The name in Unicode's composed form (NFC), in which an accent has one spelling."""
    return unicodedata.normalize("NFC", name)


def alike(name: str) -> str:
    """A key that is equal for names that differ only by case or by the Unicode form of their letters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_name(name: str) -> str:
    """Check that a name may become an identifier in Cypher; returns it.

    Raises:
        ValueError: the name is empty, too long, or has a character that no name may have.
    """
    if not name:
        raise ValueError("an empty text is not a name: a name begins with a letter")
    for character in name:
        if not _allowed(character):
            raise ValueError(f"{name!r} is not a name: it holds {_described(character)}; {_RULE}")
    if not name[0].isalpha() or name[-1] == " ":
        raise ValueError(f"{name!r} is not a name; {_RULE}")
    if (size := len(name.encode())) > LONGEST_NAME:
        raise ValueError(f"{name!r} is too long for a name: {size} bytes in UTF-8, at most {LONGEST_NAME}")
    return name


_RULE = (
    "letters and digits of any script, spaces and _ - ' & only, beginning with a letter and not ending "
    "with a space"
)


def is_name(text: str) -> bool:
    """Whether `check_name` accepts the text."""
    try:
        check_name(text)
    except ValueError:
        return False
    return True


def check_distinct(kind: str, names: Iterable[str], key: Callable[[str], str] = alike) -> None:
    """Check that no two names have the same key; `kind` is the word for them in the message.

    Raises:
        ValueError: a name is given twice, or two names differ only by case or by the Unicode form of letters.
    """
    seen: dict[str, str] = {}
    for name in names:
        if key(name) not in seen:
            seen[key(name)] = name
            continue
        other = seen[key(name)]
        if other == name:
            raise ValueError(f"{kind} {name} is given twice")
        if composed(other) == composed(name):
            both, how = f"{other!a} and {name!a}", "the Unicode form of letters"
        else:
            both, how = f"{other!r} and {name!r}", "case or by the form of letters"
        raise ValueError(f"the {kind}s {both} differ only by {how}; rename one of them")


def quoted(name: str) -> str:
    """A name as an identifier in a Cypher statement, in backticks."""
    return "`" + name.replace("`", "``") + "`"


def _allowed(character: str) -> bool:
    category = unicodedata.category(character)
    return character in _PUNCTUATION or (
        (category[0] in "LM" or category == "Nd") and character not in _INVISIBLE and not _selects(character)
    )


def _selects(character: str) -> bool:
    """Whether a character is a variation selector."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _described(character: str) -> str:
    known = unicodedata.name(character, "a character without a name")
    shown = ascii(character) if character in _INVISIBLE else repr(character)
    return f"{shown} (U+{ord(character):04X}, {known})"
