"""The evaluation of a rule on the graph: its check, its query, and what the rows mean."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from kg.errors import StatementRefusedError
from kg.shown import shown
from kg.store.records import BoundedRead
from kg.store.store import RuleStore
from service.rules.contract import MAX_PINNED, MAX_WEIGHT, RuleDefinition
from service.rules.store import RuleResult

_IDS = ("id", "item_id")
_WEIGHT = "weight"


@dataclass(frozen=True)
class RuleLimits:
    """What the query of a rule may take and call."""

    timeout: float = 10.0
    """Seconds."""
    max_rows: int = 100_000
    """Rows that it may return."""
    procedures: Collection[str] = ()
    """Procedures that it may call."""


def evaluate(store: RuleStore, definition: RuleDefinition, limits: RuleLimits) -> RuleResult:
    """What the query of a rule returns now, checked anew: the schema and the engine may have changed.

    Raises:
        StatementRefusedError: it may not run, failed, went over a limit, or returns no item ids.
        GraphError: the graph does not answer.
    """
    text, parameters = definition.cypher, definition.parameters
    store.check_read(text, parameters, timeout=limits.timeout, procedures=limits.procedures)
    found = store.bounded_read(text, parameters, timeout=limits.timeout, max_rows=limits.max_rows)
    ids, weights = _columns(definition, found)
    if definition.effect == "pin" and len(ids) > MAX_PINNED:
        raise StatementRefusedError(f"a rule to pin returns at most {MAX_PINNED:,} items; add LIMIT")
    return _of_items(store, RuleResult(tuple(ids), tuple(weights), seconds=round(found.seconds, 3)))


def _of_items(store: RuleStore, found: RuleResult) -> RuleResult:
    """The result without ids of which the graph has no item."""
    label = store.schema().item.label
    items = store.stored_nodes(label, found.ids, [])
    known = [n for n, x in enumerate(found.ids) if x in items]
    if found.ids and not known:
        raise StatementRefusedError(
            f"none of the {len(found.ids):,} ids that it returns, such as {shown(found.ids[0])}, is that of a"
            f" {label}; return the id of the item: MATCH (m:{label}) ... RETURN m.id AS id"
        )
    ids = tuple(found.ids[n] for n in known)
    weights = tuple(found.weights[n] for n in known) if found.weights else ()
    return RuleResult(ids, weights, len(found.ids) - len(ids), found.seconds)


def _columns(definition: RuleDefinition, found: BoundedRead) -> tuple[list[str], list[float]]:
    """The ids, each once, and their weights; empty where all are 1."""
    if not found.rows and not found.columns:
        return [], []  # ArcadeDB names no columns then
    names = [x for x in found.columns if x in _IDS]
    others = [x for x in found.columns if x not in (*_IDS, _WEIGHT)]
    if len(names) != 1 or others:
        raise StatementRefusedError(
            f"it returns {', '.join(found.columns)}; it has to return one column `id`, and no other but"
            " `weight`: RETURN m.id AS id"
        )
    if _WEIGHT in found.columns and definition.effect != "boost":
        raise StatementRefusedError(f"a rule to {definition.effect} has no column `weight`")
    place = found.columns.index(names[0])
    weighted = found.columns.index(_WEIGHT) if _WEIGHT in found.columns else None
    first: dict[str, float] = {}
    for row in found.rows:
        weight = 1.0 if weighted is None else _weight(row[weighted])
        first.setdefault(_id(row[place]), weight)
    return list(first), [] if weighted is None else list(first.values())


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    hint = "an id is text: RETURN m.id AS id" if value is not None else "add WHERE m.id IS NOT NULL"
    raise StatementRefusedError(f"it returns {shown(str(value))} ({type(value).__name__}) as an id; {hint}")


def _weight(value: Any) -> float:
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) <= MAX_WEIGHT:
        return float(value)
    raise StatementRefusedError(
        f"it returns {shown(str(value))} as a weight; a weight is a number from -{MAX_WEIGHT:g} to"
        f" {MAX_WEIGHT:g}"
    )
