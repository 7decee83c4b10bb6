"""Request bodies that hold several values: JSON, or JSON Lines; and the content types that there are."""

from codecs import BOM_UTF8
from typing import Any

from pydantic_core import from_json

from service.problems import InvalidRequestError

FORM = "application/x-www-form-urlencoded"
"""The content type of an HTML form."""
JSON_LINES = ("application/x-ndjson", "application/jsonl")
"""The content types of JSON Lines."""
MIMETYPES = ("application/json", *JSON_LINES)


def read_values(body: bytes, mimetype: str, most: int, what: str, *, wrapped: str = "") -> list[Any]:
    """The values of a body: its lines, the elements of a list, or one value alone.

    `what` names them, for errors; an object whose only member is `wrapped` holds the list there.

    Raises:
        InvalidRequestError: the body is not JSON, or has more than `most` values.
    """
    if mimetype in JSON_LINES:
        lines = ((n, line) for n, line in enumerate(body.split(b"\n"), start=1) if line.strip())
        values = [_json(line, f"line {n}") for n, line in lines]
    else:
        found = _json(body, "the body")
        if isinstance(found, dict) and set(found) == {wrapped}:
            found = found[wrapped]
        values = found if isinstance(found, list) else [found]
    if len(values) > most:
        raise InvalidRequestError(413, f"{len(values):,} {what}; a request may have {most:,}")
    return values


def _json(text: bytes, what: str) -> Any:
    try:
        # as single bodies are read; json.loads takes halves of characters (lone surrogates)
        return from_json(text.removeprefix(BOM_UTF8))
    except ValueError as error:
        raise InvalidRequestError(400, f"{what} is not JSON: {error}") from None
