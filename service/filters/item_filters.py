"""Filter expressions as the items that they keep."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial, reduce

import numpy as np

from kg.errors import InvalidFieldsError
from kg.graph import BoolArray, GraphSnapshot
from kg.item_changes import item_relations
from kg.item_properties import PropertyColumn
from kg.nearest_name import nearest_name
from kg.property_columns import other_properties
from kg.shown import shown
from service.filters.expression import AllOf, AnyOf, FilterPart, NotOf, PropertyCondition, RelationCondition
from service.filters.nodes import NodeNames, joined_items
from service.filters.values import IncomparableError, PropertyValues, Scalar, TextValues, property_values

MASK_BYTES = 64 * 1024 * 1024
"""How much memory the masks of conditions take that are kept."""

_SUGGESTED = 3
"""How many unknown names of one condition come with the nearest known one."""

Fields = list[tuple[str, str]]
"""JSON Pointers, each with a remark."""


@dataclass(frozen=True, eq=False)
class Kept:
    """The items that an expression keeps."""

    mask: BoolArray
    """bool [n_items]; not to be written to."""
    warnings: Fields = field(default_factory=list)
    """JSON Pointers into the request with what to say there."""


class ItemFilters:
    """Evaluates expressions on one snapshot; safe to share between threads.

    The masks of the last conditions are kept; the index of a relation or property is made when one names it.
    """

    def __init__(self, snapshot: GraphSnapshot, earlier: "ItemFilters | None" = None) -> None:
        """`earlier` are those of a snapshot that differs in properties of items alone: what holds is kept."""
        self._n_items = snapshot.n_items
        kept = lru_cache(max(32, MASK_BYTES // 2 // max(snapshot.n_items, 1)))
        # the functions are no methods of this object, which would hold itself in memory
        self._relation: Callable[[str], Kept] = (
            earlier._relation if earlier else kept(_RelationConditions(snapshot).kept)
        )
        self._columns: _Columns = _Columns(snapshot, earlier._columns if earlier else None)
        self._property = kept(_PropertyConditions(snapshot, self._columns).kept)

    def kept(self, expression: FilterPart, pointer: str) -> Kept:
        """The items that an expression keeps; `pointer` is the JSON Pointer to it.

        Raises:
            InvalidFieldsError: conditions name what the graph does not have; it has all of these.
        """
        errors: Fields = []
        warnings: Fields = []
        mask = self._mask(expression, pointer, errors, warnings)
        if errors:
            raise InvalidFieldsError(errors)
        return Kept(mask, warnings)

    def _mask(self, part: FilterPart, pointer: str, errors: Fields, warnings: Fields) -> BoolArray:
        match part:
            case NotOf(negated=inner):
                return np.asarray(~self._mask(inner, f"{pointer}/not", errors, warnings))
            case AllOf(all=parts):
                own = (self._mask(x, f"{pointer}/all/{n}", errors, warnings) for n, x in enumerate(parts))
                return reduce(np.logical_and, own)
            case AnyOf(any=parts):
                own = (self._mask(x, f"{pointer}/any/{n}", errors, warnings) for n, x in enumerate(parts))
                return reduce(np.logical_or, own)
        try:
            key = part.model_dump_json(by_alias=True, exclude_none=True)
            found = self._relation(key) if isinstance(part, RelationCondition) else self._property(key)
        except InvalidFieldsError as error:
            errors += [(pointer + below, detail) for below, detail in error.fields]
            return np.zeros(self._n_items, bool)
        warnings += [(pointer + below, detail) for below, detail in found.warnings]
        return found.mask


class _RelationConditions:
    """Conditions on relations, given as JSON; pointers are below the condition."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._snapshot = snapshot
        self._names = NodeNames(snapshot)
        self._relations = item_relations(snapshot.schema)
        self._joined = cache(partial(joined_items, snapshot))

    def kept(self, key: str) -> Kept:
        """The items that a condition keeps.

        Raises:
            InvalidFieldsError: the graph does not have the relation, or one of the nodes.
        """
        condition = RelationCondition.model_validate_json(key)
        kind = condition.relation
        if kind not in self._relations:
            raise InvalidFieldsError([("/relation", self._no_relation(kind))])
        label = self._relations[kind]
        joined = self._joined(kind, label)
        word, names = _compared(condition)
        nodes, warnings = self._nodes(label, names, word)
        if word == "all":
            return Kept(reduce(np.logical_and, map(joined.mask, nodes)), warnings)
        mask = joined.mask([node for own in nodes for node in own] if word else None)
        return Kept(~mask if word == "none" else mask, warnings)

    def _nodes(self, label: str, names: Sequence[Scalar], word: str) -> tuple[list[list[int]], Fields]:
        """The nodes that each name means, with warnings."""
        found: list[list[int]] = []
        errors: Fields = []
        warnings: Fields = []
        for n, name in enumerate(map(str, names)):
            nodes, remark = self._names.find(label, name)
            found.append(nodes)
            if not nodes:
                detail = self._names.unknown(label, name, suggest=len(errors) < _SUGGESTED)
                errors.append((f"/{word}/{n}", detail))
            elif remark:
                warnings.append((f"/{word}/{n}", remark))
        if errors:
            raise InvalidFieldsError(errors)
        return found, warnings

    def _no_relation(self, kind: str) -> str:
        if kind in self._snapshot.item_properties.columns:
            return f'{shown(kind)} is a property; write {{"property": {json.dumps(kind)}, ...}}'
        item = self._snapshot.items.label
        if kind in self._snapshot.schema.ends:
            return f"{shown(kind)} joins no {item} to others{nearest_name(kind, self._relations)}"
        return f"no relation {shown(kind)} of a {item}{nearest_name(kind, self._relations)}"


class _Columns:
    """What compares the properties of a snapshot, made when it is first asked for."""

    def __init__(self, snapshot: GraphSnapshot, earlier: "_Columns | None") -> None:
        """What compares the columns that `earlier` has as well is taken over."""
        self.columns = snapshot.item_properties.columns
        known = dict(earlier._values) if earlier else {}
        self._values: dict[str, tuple[PropertyColumn, PropertyValues]] = {
            name: own for name, own in known.items() if own[0] is self.columns.get(name)
        }

    def values(self, name: str) -> PropertyValues:
        """What compares a property that there is."""
        column = self.columns[name]
        if name not in self._values:
            self._values[name] = column, property_values(name, column)
        return self._values[name][1]


class _PropertyConditions:
    """Conditions on properties, given as JSON; pointers are below the condition."""

    def __init__(self, snapshot: GraphSnapshot, columns: _Columns) -> None:
        self._snapshot, self._columns = snapshot, columns

    def kept(self, key: str) -> Kept:
        """The items that a condition keeps.

        Raises:
            InvalidFieldsError: no item has the property, or it never has such a value.
        """
        condition = PropertyCondition.model_validate_json(key)
        name = condition.property_
        if name not in self._columns.columns:
            raise InvalidFieldsError([("/property", self._no_property(name))])
        values = self._columns.values(name)
        word, wanted = _compared(condition)
        if not word:
            return Kept(_within(values, condition))
        _check(values, wanted, word)
        warnings = _unknown(values, wanted, word) if isinstance(values, TextValues) else []
        if word == "all":
            return Kept(reduce(np.logical_and, (values.equal([value]) for value in wanted)), warnings)
        mask = values.equal(wanted)
        return Kept(~mask if word == "none" else mask, warnings)

    def _no_property(self, name: str) -> str:
        if name in item_relations(self._snapshot.schema):
            return f'{shown(name)} is a relation; write {{"relation": {json.dumps(name)}, ...}}'
        label, columns = self._snapshot.schema.item, self._columns.columns
        if name in other_properties(label):
            return f"filters do not compare the property {shown(name)} of a {label.label}"
        if not columns:
            return (
                f"the model's snapshot has no property of a {label.label}; if the graph has any, train again"
            )
        return f"no {label.label} has a property {shown(name)}{nearest_name(name, columns)}"


def _compared(condition: RelationCondition | PropertyCondition) -> tuple[str, Sequence[Scalar]]:
    """Which of any, all and none a condition has, and its names or values; "" for none of them."""
    for word in ("any", "all", "none"):
        values = getattr(condition, word)
        if values is not None:
            return word, values
    return "", ()


def _within(values: PropertyValues, condition: PropertyCondition) -> BoolArray:
    if condition.from_ is None and condition.to_ is None:
        return values.present()
    try:
        return values.within(condition.from_, condition.to_)
    except IncomparableError as error:
        raise InvalidFieldsError([(f"/{error.key}", str(error))]) from None


def _check(values: PropertyValues, wanted: Sequence[Scalar], word: str) -> None:
    errors: Fields = []
    for n, value in enumerate(wanted):
        try:
            values.check(value)
        except IncomparableError as error:
            errors.append((f"/{word}/{n}", str(error)))
    if errors:
        raise InvalidFieldsError(errors)


def _unknown(values: TextValues, wanted: Sequence[Scalar], word: str) -> Fields:
    warnings: Fields = []
    for n, value in enumerate(wanted):
        if remark := values.unknown(value, suggest=len(warnings) < _SUGGESTED):
            warnings.append((f"/{word}/{n}", remark))
    return warnings
