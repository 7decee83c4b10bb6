"""The filter expression of a request, as it goes over the wire.

{"all": [F, ...]}   {"any": [F, ...]}   {"not": F}
{"relation": TYPE}, alone or with one of "any", "all" and "none": names or ids
{"property": NAME}, alone or with one of "any", "all" and "none": values, or with "from", "to" or both
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    WrapValidator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from typing_extensions import TypeAliasType

from kg.item_properties import LONGEST_VALUE
from kg.names import LONGEST_NAME
from kg.nearest_name import nearest_name
from kg.schema import LONGEST_ID
from kg.shown import shown
from service.wire import Contract

MAX_DEPTH = 10
"""How many objects of an expression may stand within each other."""
MAX_CONDITIONS = 200
"""The most objects of one expression."""
MAX_VALUES = 1_000
"""The most names or values of one condition."""


def _chosen(value: Any, _validate: Any) -> "FilterPart":
    """The condition that an object is, told by its keys; so errors have the pointers of the JSON alone."""
    if isinstance(value, AllOf | AnyOf | NotOf | RelationCondition | PropertyCondition):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(_FORMS)
    given = {key: x for key, x in value.items() if x is not None}
    subjects = [key for key in ("relation", "property") if key in given]
    if len(subjects) == 2:
        raise ValueError('a condition is about a relation or a property; join two conditions by "all"')
    joined = subjects or [key for key in ("all", "any", "not") if key in given]
    if len(joined) > 1:
        raise ValueError(f"give one of {', '.join(joined)}, and nest the others in it")
    if not joined:
        _refuse_unknown(given, _PARTS)
        raise ValueError(_FORMS)
    part = _PARTS[joined[0]]
    _refuse_unknown(given, [own.alias or name for name, own in part.model_fields.items()])
    return part.model_validate(given)


def _refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    if unknown := [key for key in given if key not in known]:
        errors = [_error(key, f"unknown key {shown(key)}{nearest_name(key, known)}") for key in unknown]
        raise ValidationError.from_exception_data("filter", errors)


def _error(key: str, message: str) -> InitErrorDetails:
    error = PydanticCustomError("filter", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=(key,), input=None)


def _scalar(value: Any, _validate: Any) -> str | float | bool:
    """A text, a finite number or a boolean; one error for all, at the place of the value."""
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE:
            raise ValueError(f"a text that is compared has at most {LONGEST_VALUE} characters")
        return value
    if isinstance(value, bool):
        return value
    number = _finite(value)
    if number is None:
        raise ValueError("give a text, a finite number, or true or false")
    return number


def _limit(value: Any, _validate: Any) -> str | float:
    if isinstance(value, str) and len(value) <= LONGEST_VALUE:
        return value
    number = None if isinstance(value, bool) else _finite(value)
    if number is None:
        raise ValueError('give a finite number, or a date such as "2024-05-31"')
    return number


def _finite(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


NodeName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME + len(":") + LONGEST_ID)]
"""A name or an id, alone or after its label: `Label:name`."""
_Text = Annotated[str, Field(max_length=LONGEST_VALUE)]
Value = Annotated[_Text | float | bool, WrapValidator(_scalar)]
Limit = Annotated[_Text | float, WrapValidator(_limit)]

FilterPart = TypeAliasType(
    "FilterPart",
    Annotated[
        "AllOf | AnyOf | NotOf | RelationCondition | PropertyCondition",
        WrapValidator(_chosen),
    ],
)
"""Any object of an expression."""

Parts = Annotated[list[FilterPart], Field(min_length=1, max_length=MAX_CONDITIONS)]
Names = Annotated[list[NodeName], Field(min_length=1, max_length=MAX_VALUES)]
Values = Annotated[list[Value], Field(min_length=1, max_length=MAX_VALUES)]


class AllOf(Contract):
    """All of the parts hold."""

    all: Parts


class AnyOf(Contract):
    """One of the parts holds, or several do."""

    any: Parts


class NotOf(Contract):
    """The part does not hold."""

    negated: FilterPart = Field(alias="not")


class _Condition(Contract):
    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the comparisons that are not made."""
        return {name: value for name, value in dump(self).items() if value is not None}

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = [name for name in ("any", "all", "none") if getattr(self, name) is not None]
        limits = [name for name in ("from", "to") if getattr(self, f"{name}_", None) is not None]
        if len(given) > 1 or (given and limits):
            raise ValueError(
                f'{" and ".join(given + limits)} do not go together; join two conditions by "all"'
            )
        return self


class RelationCondition(_Condition):
    """The item has a relation: at least one of the type, or to any, all or none of some nodes."""

    relation: str = Field(max_length=LONGEST_NAME)
    any: Names | None = None
    all: Names | None = None
    none: Names | None = None


class PropertyCondition(_Condition):
    """The item has a property: any value, any, all or none of some values, or one from a value to another."""

    property_: str = Field(alias="property", max_length=LONGEST_NAME)
    any: Values | None = None
    all: Values | None = None
    none: Values | None = None
    from_: Limit | None = Field(None, alias="from", description="Inclusive: a number, or a date as text.")
    to_: Limit | None = Field(None, alias="to", description="Inclusive: a number, or a date as text.")


_PARTS: Mapping[str, type[AllOf | AnyOf | NotOf | RelationCondition | PropertyCondition]] = {
    "all": AllOf,
    "any": AnyOf,
    "not": NotOf,
    "relation": RelationCondition,
    "property": PropertyCondition,
}
_FORMS = 'a filter is an object with one of "all", "any", "not", "relation" and "property"'


def _within_limits(value: Any) -> Any:
    """The same value, unless it is deeper or larger than an expression may be; before anything is read."""
    parts, depth, count = [value], 0, 0
    while parts := [x for x in parts if isinstance(x, dict)]:
        depth, count = depth + 1, count + len(parts)
        if depth > MAX_DEPTH:
            raise ValueError(f"a filter has at most {MAX_DEPTH} objects within each other")
        if count > MAX_CONDITIONS:
            raise ValueError(f"a filter has at most {MAX_CONDITIONS} objects")
        parts = [inner for part in parts for inner in _inner(part)]
    return value


def _inner(part: dict[str, Any]) -> Sequence[Any]:
    several = (own for key in ("all", "any") if isinstance(own := part.get(key), list))
    return [*(x for own in several for x in own), part.get("not")]


Filter = Annotated[FilterPart, BeforeValidator(_within_limits)]
"""A whole expression."""

for _part in _PARTS.values():
    _part.model_rebuild()
