"""The parts of a request and of an answer that concern how a list is put together."""

from typing import Annotated, Literal

from pydantic import Field

from kg.names import LONGEST_NAME
from service.wire import Contract

MAX_NAMES = 100
MAX_FACTOR = 10

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Factor = Annotated[float, Field(ge=0, le=MAX_FACTOR)]
Stage = Literal["ranked", "reranked", "explored", "rule", "fallback"]


class Calibrated(Contract):
    """The facet whose mix in the list is brought near to that in what the user liked."""

    relation: Name = Field(description="The relation to the facet's values, such as genres.")
    strength: float = Field(0.5, ge=0, le=1, description="0: as the items rank; 1: by the mix alone.")
