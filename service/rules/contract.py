"""Rules as the API takes and shows them."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from service.contract import MAX_K, Contract

MAX_RULES = 200
MAX_CYPHER = 20_000
MAX_PARAMETERS = 100
MAX_VALUES = 10_000
MAX_WEIGHT = 10.0
MAX_PINNED = 1_000

RULE_NAME = r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
NAME_RULE = "a name has letters, digits and . _ - only, at most 64, and begins with a letter or digit"

Effect = Literal["allow", "deny", "boost", "pin"]
Applies = Literal["always", "default", "named"]

RuleName = Annotated[str, StringConstraints(pattern=f"^{RULE_NAME}$")]
_Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]


def _no_integer(value: object) -> object:
    if isinstance(value, int):
        raise ValueError("a whole number has at most 64 bits")
    return value


_Number = Annotated[float, BeforeValidator(_no_integer), Field(allow_inf_nan=False)]
_Scalar = str | bool | _Integer | _Number
ParameterValue = _Scalar | Annotated[list[_Scalar], Field(max_length=MAX_VALUES)]


class RuleDefinition(Contract):
    """What an administrator stores as a rule: a query that returns item ids, and what they are for."""

    cypher: str = Field(
        min_length=1,
        max_length=MAX_CYPHER,
        description="A reading query that returns the ids of items as `id` (or `item_id`), and for a boost"
        " perhaps a `weight` for each.",
    )
    parameters: dict[str, ParameterValue] = Field(
        default_factory=dict,
        max_length=MAX_PARAMETERS,
        description="The value of each $parameter of the query. They are stored with the rule: the query runs"
        " for all users at once, and not for each request.",
    )
    effect: Effect = Field(
        description="deny: the items are never recommended. allow: no others are. boost: their scores are"
        " raised. pin: they stand at `position` and after it."
    )
    weight: float | None = Field(
        None,
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        description="Of a boost: how far the scores are raised, in standard deviations of the 100 best"
        " scores; negative lowers them. A column `weight` multiplies it. The default is 1.",
    )
    position: int | None = Field(
        None,
        ge=1,
        le=MAX_K,
        description="Of a pin: the rank of the first item, from 1, which is the default; the others follow in"
        " the order of the query.",
    )
    applies: Applies = Field(
        "default",
        description="always: to every request. default: unless the request gives `rules` without its name."
        " named: only where the request names it.",
    )
    description: str = Field("", max_length=2_000, description="For those who read the list of rules.")

    @field_validator("cypher")
    @classmethod
    def _one_statement(cls, text: str) -> str:
        statement = text.strip().removesuffix(";").rstrip()
        if not statement:
            raise ValueError("it has no statement; write a query that returns ids")
        return statement

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.weight is not None and self.effect != "boost":
            raise ValueError(f"weight is for a boost; leave it out of a rule to {self.effect}")
        if self.position is not None and self.effect != "pin":
            raise ValueError(f"position is for a pin; leave it out of a rule to {self.effect}")
        return self


class RuleState(Contract):
    """What a rule's query returned last."""

    items: int = Field(description="How many items it returned.")
    unknown: int = Field(description="How many other ids it returned, of which the graph has no item.")
    evaluated_at: str = Field(description="When it returned them, ISO time, UTC.")
    seconds: float = Field(description="How long it took.")
    stale_since: str | None = Field(
        description="Since when it could not be evaluated again; its last result goes on. null: it could."
    )
    reason: str | None = Field(description="Why not.")


class RuleView(Contract):
    """A rule with what its query returned last."""

    name: str
    rule: RuleDefinition
    state: RuleState


class RuleList(Contract):
    """All rules, by name."""

    rules: list[RuleView]


class RuleRemoved(Contract):
    """The rule that was removed."""

    removed: str
