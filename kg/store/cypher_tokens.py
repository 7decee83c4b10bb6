"""The tokens of a Cypher statement, and which pair of brackets each is in."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "name", "string", "number", "symbol"]
"""A name is an identifier in backticks, a word one without."""

_TOKEN = re.compile(
    r"(?P<string>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<name>`(?:``|[^`])*`)"
    r"|(?P<skipped>//[^\r\n]*|/\*.*?\*/|\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<symbol>=~|.)",
    re.DOTALL,
)
_CLOSING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Token:
    """One token."""

    kind: Kind
    text: str
    """As written; a name without its backticks."""
    enclosing: int
    """The index of the bracket that it is directly in; -1: none. A closing bracket is in the one around."""

    @property
    def word(self) -> str:
        """In capitals, if it may be a keyword, else ""."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def symbol(self) -> str:
        """A symbol, else ""."""
        return self.text if self.kind == "symbol" else ""

    @property
    def identifier(self) -> str:
        """A word or a name, else ""."""
        return self.text if self.kind in ("word", "name") else ""


def tokens(statement: str) -> list[Token]:
    """The tokens without comments.

    Raises:
        ValueError: brackets do not match; an opening quote without a closing one is a symbol.
    """
    found: list[Token] = []
    opened: list[int] = []
    for match in _TOKEN.finditer(statement):
        kind, text = match.lastgroup, match[0]
        if kind == "skipped":
            continue
        closing = _CLOSING.get(text) if kind == "symbol" else None
        if closing and (not opened or found[opened.pop()].text != closing):
            raise ValueError(f"the bracket {text} closes none")
        found.append(_token(kind, text, opened[-1] if opened else -1))
        if text in _CLOSING.values() and kind == "symbol":
            opened.append(len(found) - 1)
    if opened:
        raise ValueError(f"the bracket {found[opened[-1]].text} is not closed")
    return found


def _token(kind: str | None, text: str, enclosing: int) -> Token:
    if kind == "name":
        return Token("name", text[1:-1].replace("``", "`"), enclosing)
    return Token(kind, text, enclosing)  # type: ignore[arg-type]
