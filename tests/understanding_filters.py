"""Filter expressions of the table of sentences: one form for equal ones, and what a list may not break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Expression = Mapping[str, Any]
Form = tuple[Any, ...]

LABEL_OF = {
    "HAS_GENRE": "Genre",
    "DIRECTED_BY": "Person",
    "WRITTEN_BY": "Person",
    "STARS": "Person",
    "IN_LANGUAGE": "Language",
    "FROM_COUNTRY": "Country",
    "PRODUCED_BY": "Company",
    "RELEASED_IN": "Decade",
}
"""Relations of the sample's graph, and the label of their tails."""
EVERYTHING: Form = ("all", frozenset())


@dataclass(frozen=True)
class Item:
    """What a filter can ask of an item: properties, and (relation, name) of its facts."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    facts: frozenset[tuple[str, str]] = frozenset()

    @property
    def year(self) -> int | None:
        return self.properties.get("year")


# ---------------------------------------------------------------------- meaning


def fulfils(item: Item, expression: Expression | None) -> bool:
    """Whether an item fulfils a filter, evaluated as slowly and as plainly as can be."""
    if expression is None:
        return True
    if "relation" in expression:
        return _has_fact(item, expression)
    if "property" in expression:
        return _has_value(item, expression)
    if "not" in expression:
        return not fulfils(item, expression["not"])
    combine = all if "all" in expression else any
    return combine(fulfils(item, part) for part in expression["all" if combine is all else "any"])


def _has_fact(item: Item, expression: Expression) -> bool:
    relation = expression["relation"]
    names = {name for of, name in item.facts if of == relation}
    if "any" in expression:
        return bool(names.intersection(expression["any"]))
    if "all" in expression:
        return names.issuperset(expression["all"])
    if "none" in expression:
        return names.isdisjoint(expression["none"])
    return bool(names)


def _has_value(item: Item, expression: Expression) -> bool:
    value = item.properties.get(expression["property"])
    if value is None:
        return False
    if "any" in expression:
        return value in expression["any"]
    return bool(expression.get("from", value) <= value <= expression.get("to", value))


# ---------------------------------------------------------------------- one form


def normal_form(expression: Expression | None) -> Form:
    """A form that expressions of one meaning share: flat, with one name a leaf, `not` only at leaves."""
    if expression is None:
        return EVERYTHING
    if "relation" in expression:
        return _facts_form(expression)
    if "property" in expression:
        return _values_form(expression)
    if "not" in expression:
        return _negated(normal_form(expression["not"]))
    kind = "all" if "all" in expression else "any"
    return _joined(kind, [normal_form(part) for part in expression[kind]])


def conjuncts(form: Form) -> frozenset[Form]:
    """The forms that must all hold."""
    return form[1] if form[0] == "all" else frozenset({form})


def _facts_form(expression: Expression) -> Form:
    relation = expression["relation"]
    for kind in ("any", "all", "none"):
        if kind in expression:
            leaves = [_leaf(relation, name) for name in expression[kind]]
            return _negated(_joined("any", leaves)) if kind == "none" else _joined(kind, leaves)
    return ("fact", relation, None)


def _leaf(relation: str, name: str) -> Form:
    if relation == "RELEASED_IN":
        decade = int(name.removesuffix("s"))
        return ("range", "year", decade, decade + 9)
    return ("fact", relation, name)


def _values_form(expression: Expression) -> Form:
    name = expression["property"]
    if "any" in expression:
        return _joined("any", [("range", name, value, value) for value in expression["any"]])
    return ("range", name, expression.get("from"), expression.get("to"))


def _negated(form: Form) -> Form:
    if form[0] == "not":
        negated: Form = form[1]
        return negated
    if form[0] in {"all", "any"}:
        return _joined("any" if form[0] == "all" else "all", [_negated(part) for part in form[1]])
    return ("not", form)


def _joined(kind: str, parts: Sequence[Form]) -> Form:
    flat = {leaf for part in parts for leaf in (part[1] if part[0] == kind else [part])}
    merged = _intersected(flat) if kind == "all" else flat
    return next(iter(merged)) if len(merged) == 1 else (kind, frozenset(merged))


def _intersected(parts: set[Form]) -> set[Form]:
    """Ranges of one property become one range."""
    bounds: dict[str, list[Form]] = {}
    for part in parts:
        if part[0] == "range":
            bounds.setdefault(part[1], []).append(part)
    others = {part for part in parts if part[0] != "range"}
    for name, ranges in bounds.items():
        lows = [low for _, _, low, _ in ranges if low is not None]
        highs = [high for *_, high in ranges if high is not None]
        others.add(("range", name, max(lows, default=None), min(highs, default=None)))
    return others


def negated_nodes(form: Form) -> set[tuple[str, str]]:
    """(label, name) of what a filter negates at its top."""
    leaves = [part[1] for part in conjuncts(form) if part[0] == "not" and part[1][0] == "fact"]
    return {(LABEL_OF[relation], name) for _, relation, name in leaves if name is not None}


# ---------------------------------------------------------------------- lists


def breaks(expected: Mapping[str, Any], item: Item) -> bool:
    """Whether an item breaks what a sentence demands: its filter in every reading, or a dislike."""
    readings = [expected.get("filter"), *expected.get("filter_or", [])]
    if not any(fulfils(item, reading) for reading in readings):
        return True
    negated: set[tuple[str, str]] = set().union(*(negated_nodes(normal_form(each)) for each in readings))
    return any(_is_disliked(item, entry, negated) for entry in expected.get("dislikes", []))


def _is_disliked(item: Item, entry: Mapping[str, Any], negated: set[tuple[str, str]]) -> bool:
    nodes = [entry, *entry.get("or", [])]
    if entry["label"] == "Movie":
        return any(item.name == node["name"] and node.get("year") in {None, item.year} for node in nodes)
    if any((node["label"], node["name"]) in negated for node in nodes):
        return False
    return all(any((relation, node["name"]) in item.facts for relation in _relations(node)) for node in nodes)


def _relations(node: Mapping[str, Any]) -> list[str]:
    return [relation for relation, label in LABEL_OF.items() if label == node["label"]]


def list_breaks(
    expected: Mapping[str, Any], answer: Sequence[Item], catalogue: Sequence[Item], k: int
) -> bool:
    """Whether a list breaks what a sentence demands, or is short although more items fulfil it."""
    if any(breaks(expected, item) for item in answer):
        return True
    if len(answer) >= k:
        return False
    return len(answer) < min(k, _fewest(expected, catalogue))


def _fewest(expected: Mapping[str, Any], catalogue: Sequence[Item]) -> int:
    """How many items fulfil the narrowest reading of a sentence."""
    readings = [expected.get("filter"), *expected.get("filter_or", [])]
    single = [{**expected, "filter": reading, "filter_or": []} for reading in readings]
    return min(sum(not breaks(each, item) for item in catalogue) for each in single)


def demands(expected: Mapping[str, Any]) -> bool:
    """Whether a sentence asks for a list and has a hard constraint."""
    asks = expected.get("intent", "greet") not in {"explain", "greet"}
    filtered = "filter" in expected and None not in expected.get("filter_or", [])
    return asks and (filtered or "dislikes" in expected)
