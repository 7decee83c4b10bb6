"""Templates in a mapping file: "{first} {last}", and `{cast[:6]}` for the first six of a list."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_FIELD = re.compile(r"\{([^{}\[\]]+)(?:\[:(\d+)\])?\}")


def is_template(text: str) -> bool:
    """Whether the text is a template rather than a column name."""
    return "{" in text


def template_columns(piece: str) -> tuple[str, ...]:
    """The columns that a template names."""
    return tuple(column for column, _ in _FIELD.findall(piece))


def render(piece: str, row: Mapping[str, str | list[str]]) -> str:
    """Fill in the template, with lists joined by commas; "" if one of its columns is empty."""
    if not all(row[column] for column in template_columns(piece)):
        return ""

    def fill(field: re.Match[str]) -> str:
        value = row[field[1]]
        if isinstance(value, str):
            return value
        return ", ".join(value[: int(field[2])] if field[2] else value)

    return _FIELD.sub(fill, piece)


def render_all(pieces: tuple[str, ...], row: Mapping[str, str | list[str]]) -> str:
    """The filled-in pieces, joined by spaces; a piece with an empty column is left out."""
    return " ".join(filter(None, (render(piece, row) for piece in pieces)))


def _well_formed(piece: str) -> str:
    if re.search(r"[{}]", _FIELD.sub("", piece)):
        raise ValueError(
            f"{piece!r}: write a column as {{column}}, the first six of a list as {{column[:6]}}"
        )
    return piece


def _several(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Template = Annotated[str, AfterValidator(_well_formed)]
Pieces = Annotated[tuple[Template, ...], BeforeValidator(_several)]
"""Several templates, or a single one."""
