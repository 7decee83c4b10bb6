"""How a text from outside is shown in a message: whatever a reader could not see is escaped."""

LONGEST = 60
"""The maximum length of a value within a message."""


def printable(text: str) -> str:
    r"""The text with invisible characters escaped, as `\u200b`; line ends stay.

    So a terminal gets neither control characters nor escape sequences from a file.
    """
    if text.isprintable():
        return text
    return "".join(x if x.isprintable() or x == "\n" else x.encode("unicode_escape").decode() for x in text)


def shown(value: object, longest: int = LONGEST) -> str:
    """A value in quotes, shortened, with invisible characters escaped."""
    return repr(shortened(str(value), longest))


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and "..." if it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
