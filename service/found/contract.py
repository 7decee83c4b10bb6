"""What goes over the wire to look at items, to search, and to find what is similar."""

from typing import Literal

from pydantic import Field, Json

from kg.explanation.paths import Direction
from service.contract import MAX_K, MAX_TEXT, Contract, Id, LikeId, Path, PathNode, Remark
from service.filters.expression import Filter

MAX_EXAMPLES = 100
"""Positive, or negative, examples of a request for what is similar."""

SimilarBy = Literal["taste", "facts", "text", "mixed"]


class ItemFact(Contract):
    """One fact of an item; "out" goes from the item to the node as stored."""

    relation: str
    direction: Direction
    node: PathNode


class ItemAnswer(Contract):
    """What the graph knows of an item."""

    item_id: str
    label: str
    title: str
    """The name as stored; other items may have the same."""
    display_title: str = Field(
        description="The title, with the year or the id where another item has the same title."
    )
    text: str
    """What the item is, in words; "" without a text."""
    facts: list[ItemFact]
    likes: int = Field(ge=0, description="How many users liked it, as the model's snapshot knows.")
    near_duplicates: list[PathNode] = Field(description="The other items of its `same_as` group.")


class SearchRequest(Contract):
    """What is looked for, as parameters of the address."""

    q: str = Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="Words of a name, misspelt or only begun, or what an item is about.",
    )
    k: int = Field(10, ge=1, le=MAX_K, description="How many hits are wanted.")
    label: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Only nodes of these labels; the default is all but users.",
    )
    filter: Json[Filter] | None = Field(
        None,
        description="Only items that an expression keeps, as in `POST /recommend`, here as JSON in text.",
    )
    user_id: Id | None = Field(
        None,
        description="Hits of about equal relevance are ordered by what the model thinks of this user.",
    )


class SearchMatch(Contract):
    """Why a node is a hit."""

    by: Literal["name", "text"]
    score: float = Field(ge=0, le=1, description="How well the name or the text fits, by itself.")
    words: dict[str, str] = Field(
        description="By word of the query, the word of the name that it stands for, both without case and"
        " accents; empty for a text."
    )


class SearchHit(Contract):
    """One item or entity; ranks begin at 1."""

    rank: int = Field(ge=1)
    label: str
    id: str
    name: str
    display_name: str = Field(
        description="The name, with the year or the id where another node of the label has the same."
    )
    score: float = Field(ge=0, le=1)
    matches: list[SearchMatch]


class FoundMeta(Contract):
    """Which request was answered, and by which model."""

    request_id: str
    model_version: str


class SearchAnswer(Contract):
    """The hits, best first."""

    hits: list[SearchHit]
    warnings: list[Remark]
    meta: FoundMeta


class SimilarRequest(Contract):
    """What something similar to which is wanted."""

    positive: list[LikeId] = Field(
        min_length=1,
        max_length=MAX_EXAMPLES,
        description="Items and entities, as in `likes` of a recommendation: what is similar to all of them.",
    )
    negative: list[LikeId] = Field(
        default_factory=list,
        max_length=MAX_EXAMPLES,
        description="Items and entities, likewise: what is similar to them ranks lower.",
    )
    by: SimilarBy = Field(
        "mixed",
        description="taste: what the same people like; facts: what has the same facts; text: what is alike"
        " in words; mixed: all of them.",
    )
    label: str | None = Field(
        None,
        description="What is to be found: items, or the entities of a label. The default is the label that"
        " all of `positive` have, and items where they have several.",
    )
    filter: Filter | None = Field(
        None, description="Of items only those that an expression keeps, as in `POST /recommend`."
    )
    k: int = Field(10, ge=1, le=MAX_K, description="How many are wanted.")
    explain: bool = Field(True, description="Whether each hit comes with its paths.")


class SimilarHit(Contract):
    """One item or entity; ranks begin at 1."""

    rank: int = Field(ge=1)
    label: str
    id: str
    name: str
    display_name: str = Field(
        description="The name, with the year or the id where another node of the label has the same."
    )
    score: float = Field(description="What the hits are ranked by; it compares within one answer only.")
    similarities: dict[str, float] = Field(
        description="By taste, facts and text, as far as they are asked for: cosines with the positive"
        " examples, less half of those with the negative ones."
    )
    paths: list[Path] = Field(
        description="How it is joined to the positive examples; from an example to the hit."
    )


class SimilarAnswer(Contract):
    """The hits, most similar first."""

    hits: list[SimilarHit]
    warnings: list[Remark]
    meta: FoundMeta
