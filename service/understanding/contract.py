"""The structure of a free text, as it goes over the wire: what was understood, which words it came from, and
how sure that is.
"""

from typing import Annotated, Literal

from pydantic import Field

from kg.names import LONGEST_NAME
from kg.schema import LONGEST_ID
from service.filters.expression import Filter
from service.wire import Contract

Intent = Literal["recommend", "similar", "search", "explain", "filter", "greet"]
MAX_PARTS = 200
MAX_WORDS = 2_000
Confidence = Annotated[float, Field(ge=0, le=1)]
Offset = Annotated[int, Field(ge=0, le=MAX_WORDS)]


class Part(Contract):
    """Words of the text; a part that somebody adds by hand needs no place."""

    words: str = Field("", max_length=MAX_WORDS, description="The words of the text that it comes from.")
    start: Offset | None = Field(None, description="Where they begin in the text, in characters.")
    end: Offset | None = Field(None, description="Where they end.")
    confidence: Confidence = Field(1.0, description="How sure it is: 1 for a name as the graph has it.")


class UnderstoodNode(Part):
    """An entity or an item."""

    label: str = Field(max_length=LONGEST_NAME)
    id: str = Field(min_length=1, max_length=LONGEST_ID)
    name: str = Field("", max_length=MAX_WORDS)


class UnderstoodPhrase(Part):
    """What is wanted or rejected in words that name nothing."""

    words: str = Field(min_length=1, max_length=MAX_WORDS)


class UnderstoodClause(UnderstoodPhrase):
    """A clause that says a like (1), a dislike (-1) or neither (0)."""

    value: Literal[-1, 0, 1]


class UnderstoodFilter(Part):
    """What every item must fulfil."""

    expression: Filter


class UnderstoodText(Contract):
    """What a text means. It may be edited and sent back as `understood`, in place of the text."""

    intent: Intent | None = Field(None, description="What the text asks for; null: it is about other things.")
    intent_confidence: Confidence = 1.0
    likes: list[UnderstoodNode] = Field(
        default_factory=list, max_length=MAX_PARTS, description="Entities and items that it wants or likes."
    )
    dislikes: list[UnderstoodNode] = Field(
        default_factory=list, max_length=MAX_PARTS, description="Those that it rejects; they are left out."
    )
    meant: list[UnderstoodNode] = Field(
        default_factory=list,
        max_length=MAX_PARTS,
        description="Entities that the text encoder finds near to what is wanted; they count as likes.",
    )
    rejected_meanings: list[UnderstoodNode] = Field(
        default_factory=list,
        max_length=MAX_PARTS,
        description="Entities near to what is rejected; items with them are ranked lower.",
    )
    wants: list[UnderstoodPhrase] = Field(
        default_factory=list, max_length=MAX_PARTS, description="Moods and subjects that it wants."
    )
    rejects: list[UnderstoodPhrase] = Field(
        default_factory=list,
        max_length=MAX_PARTS,
        description="Moods and subjects that it rejects; items near to them in meaning are ranked lower.",
    )
    filter: list[UnderstoodFilter] = Field(
        default_factory=list, max_length=MAX_PARTS, description="What every item must fulfil: all of these."
    )
    sentiment: list[UnderstoodClause] = Field(
        default_factory=list, max_length=MAX_PARTS, description="What its clauses say of liking."
    )
    reserved: bool = Field(
        False, description="Whether what is wanted shall differ from what it is compared with."
    )
    not_understood: list[UnderstoodPhrase] = Field(
        default_factory=list, max_length=MAX_PARTS, description="What does not count."
    )
    query: str = Field(
        "", max_length=MAX_WORDS, description="What the text encoder compares items with; empty: nothing."
    )
