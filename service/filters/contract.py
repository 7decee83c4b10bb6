"""The fields of a request that restrict or favour items, as they go over the wire."""

from typing import Annotated

from pydantic import Field

from service.filters.expression import Filter
from service.wire import Contract, Id

MAX_BOOSTS = 20
MAX_CANDIDATES = 1_000


class CandidateIds(Contract):
    """The items that may be recommended."""

    include: Annotated[list[Id], Field(min_length=1, max_length=MAX_CANDIDATES)] | None = Field(
        None, description="No other items than these."
    )
    exclude: list[Id] = Field(
        default_factory=list, max_length=MAX_CANDIDATES, description="None of these items."
    )


class Boost(Contract):
    """Ranks the items that a filter keeps up or down."""

    filter: Filter
    weight: float = Field(
        ge=-1,
        le=1,
        description="From -1, nearly out, through 0, no change, to 1, nearly first.",
    )
