"""The table of the request's fields in docs/http-api.md, made from the contract.

Write it anew after a change of the contract: `python -m service.field_table docs/http-api.md`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from service.contract import RecommendRequest

BEGIN = "<!-- fields of RecommendRequest: written by `python -m service.field_table docs/http-api.md` -->\n"
END = "<!-- end of the fields -->\n"


def field_table(model: type[BaseModel]) -> str:
    """One row for each field of a request, as Markdown: name, type with its limits, default, description."""
    rows = [
        f"| `{name}` | {_type(schema)} | {_default(schema)} | {schema.get('description', '')} |\n"
        for name, schema in model.model_json_schema()["properties"].items()
    ]
    return "".join(["| field | type | default | |\n", "|---|---|---|---|\n", *rows])


def with_field_table(document: str) -> str:
    """The document with the table between its two marks made anew.

    Raises:
        ValueError: a mark is missing.
    """
    before, _, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the document lacks {BEGIN!r} or, after it, {END!r}")
    return before + BEGIN + field_table(RecommendRequest) + END + after


def _type(schema: dict[str, Any]) -> str:
    given = next((x for x in schema.get("anyOf", []) if x.get("type") != "null"), schema)
    kind = given.get("type", "object")
    match given:
        case {"items": {"type": element, "maxLength": longest}, "maxItems": most}:
            return f"up to {most:,} {element}s, up to {longest:,} characters each"
        case {"items": {"type": element}, "maxItems": most}:
            return f"up to {most:,} {element}s"
        case {"items": {"$ref": _}, "maxItems": most}:
            return f"up to {most:,} objects"
        case {"maxLength": most}:
            return f"{kind}, up to {most:,} characters"
        case {"minimum": least, "maximum": most}:
            return f"{kind}, {least:,} to {most:,}"
    return str(kind)


def _default(schema: dict[str, Any]) -> str:
    return "" if schema.get("default") is None else f"`{json.dumps(schema['default'])}`"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_field_table(path.read_text()))
