"""`trailmix rules`: queries of the graph that allow, deny, boost or pin items in recommendations."""

import json as jsonlib
import re
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from kg.errors import UsageError
from kg.settings import Settings, load_settings
from kg.store.connect import open_store
from scripts.parameters import Parameters, parsed_parameters
from service.rules.contract import NAME_RULE, RULE_NAME, RuleDefinition
from service.rules.evaluate import RuleLimits
from service.rules.refresh import check_rule, refresh_rules
from service.rules.store import RuleBook, StoredRule
from service.rules.views import rule_view

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a rule.")]
Query = Annotated[
    str,
    typer.Argument(
        metavar="CYPHER", help="A query that returns item ids as `id`; - reads it from standard input, @FILE"
        " from a file.",
    ),
]  # fmt: skip
EffectOption = Annotated[
    Literal["allow", "deny", "boost", "pin"], typer.Option("--effect", help="What happens to these items.")
]
WeightOption = Annotated[
    float | None, typer.Option("--weight", help="Of a boost: in deviations of the best scores; 1 by default.")
]
PositionOption = Annotated[
    int | None, typer.Option("--position", help="Of a pin: the rank of the first item; 1 by default.")
]
AppliesOption = Annotated[
    Literal["always", "default", "named"],
    typer.Option("--applies", help="To every request, unless it gives `rules`, or only where it names it."),
]
DescriptionOption = Annotated[str, typer.Option("--description", help="For those who read the list.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def list_rules(json: JsonOption = False) -> None:
    """List the rules with how many items each has and since when it could not be evaluated.

    Example: trailmix rules list
    """
    rules = _book(load_settings()).rules()
    for rule in rules:
        print(rule_view(rule).model_dump_json() if json else _line(rule))
    if not rules and not json:
        print("no rule yet: trailmix rules put --help")


def put(
    name: Name,
    cypher: Query,
    effect: EffectOption,
    param: Parameters = None,
    weight: WeightOption = None,
    position: PositionOption = None,
    applies: AppliesOption = "default",
    description: DescriptionOption = "",
) -> None:
    """Check and evaluate a rule, then store it; a running service obeys it a moment later.

    Example: trailmix rules put no-horror "MATCH (m:Movie)-[:HAS_GENRE]->(:Genre {id: $g}) RETURN m.id AS id"
    --param g=Horror --effect deny
    """
    settings = load_settings()
    definition = _definition(cypher, effect, param, weight, position, applies, description)
    if not _is_name(name):
        raise UsageError(f"a rule cannot be called {name!r}: {NAME_RULE}")
    result = check_rule(partial(open_store, settings), definition, _limits(settings))
    print(_line(_book(settings).put(name, definition, result)))


def show(name: Name) -> None:
    """Print a rule as JSON, with what its query returned last.

    Example: trailmix rules show no-horror
    """
    found = rule_view(_book(load_settings()).rule(name)).model_dump()
    print(jsonlib.dumps(found, indent=2, ensure_ascii=False))


def remove(name: Name) -> None:
    """Remove a rule.

    Example: trailmix rules remove no-horror
    """
    _book(load_settings()).remove(name)
    print(f"removed {name}")


def check(
    cypher: Query,
    effect: EffectOption = "deny",
    param: Parameters = None,
    weight: WeightOption = None,
    position: PositionOption = None,
) -> None:
    """Say what a rule would return, without storing it.

    Example: trailmix rules check "MATCH (m:Movie) WHERE m.year < $year RETURN m.id AS id" --param year=1930
    """
    settings = load_settings()
    definition = _definition(cypher, effect, param, weight, position)
    found = check_rule(partial(open_store, settings), definition, _limits(settings))
    first = f": {', '.join(found.ids[:10])}{', ...' if len(found.ids) > 10 else ''}" if found.ids else ""
    others = f"; {found.unknown:,} other ids are no items" if found.unknown else ""
    print(f"{_items(len(found.ids))} in {found.seconds:.2f} s{first}{others}")


def refresh(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A rule; none: all.")] = None,
) -> None:
    """Evaluate a rule now, or all of them; a running service obeys it a moment later.

    Example: trailmix rules refresh no-horror
    """
    settings = load_settings()
    book = _book(settings)
    names = [rule.name for rule in (book.rules() if name is None else [book.rule(name)])]
    refresh_rules(book, partial(open_store, settings), [book.rule(x) for x in names], _limits(settings))
    rules = [book.rule(x) for x in names]
    for rule in rules:
        print(_line(rule))
    if any(rule.stale_since is not None for rule in rules):
        raise typer.Exit(1)


def _book(settings: Settings) -> RuleBook:
    return RuleBook(settings.rules_folder)


def _limits(settings: Settings) -> RuleLimits:
    return RuleLimits(settings.rule_timeout, procedures=settings.rule_procedures)


def _definition(
    cypher: str,
    effect: str,
    param: list[str] | None,
    weight: float | None,
    position: int | None,
    applies: str = "default",
    description: str = "",
) -> RuleDefinition:
    values = {"weight": weight, "position": position, "applies": applies, "description": description}
    try:
        return RuleDefinition.model_validate(
            {"cypher": _text(cypher), "effect": effect, "parameters": parsed_parameters(param), **values}
        )
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, x['loc'])) or 'rule'}: {x['msg'].removeprefix('Value error, ')}"
            for x in error.errors(include_input=False, include_url=False)
        )
        raise UsageError("; ".join(problems)) from None


def _text(cypher: str) -> str:
    if cypher == "-":
        return sys.stdin.read()
    if not cypher.startswith("@"):
        return cypher
    try:
        return Path(cypher[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{cypher[1:]}: {error}") from None


def _is_name(name: str) -> bool:
    return re.fullmatch(RULE_NAME, name) is not None


def _line(rule: StoredRule) -> str:
    view = rule_view(rule)
    state = view.state
    stale = f"  stale since {state.stale_since}: {state.reason}" if state.stale_since else ""
    effect = f"{rule.definition.effect:5}  {rule.definition.applies:7}"
    others = f" ({state.unknown:,} other ids are no items)" if state.unknown else ""
    return f"{rule.name}  {effect}  {_items(state.items)}{others}  {state.evaluated_at}{stale}"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"
