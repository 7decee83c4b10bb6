"""What all that goes over the wire shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kg.schema import LONGEST_ID

Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


def pointer_token(name: object) -> str:
    """A field's name or a place as one part of a JSON Pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")


class Contract(BaseModel):
    """What goes over the wire: frozen, strictly typed, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True)
