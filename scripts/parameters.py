"""Parameters of Cypher statements on the command line."""

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from kg.errors import UsageError

Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        help="A parameter as name=value, the value in JSON or plain text; may be repeated. "
        "Ids are strings: id='\"15\"'.",
    ),
]


def parsed_parameters(given: Iterable[str] | None) -> dict[str, Any]:
    """`name=value` pairs; a value that is not JSON is a string.

    Raises:
        UsageError: one is not `name=value`.
    """
    parameters: dict[str, Any] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise UsageError(f"--param {pair!r} is not name=value")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters
