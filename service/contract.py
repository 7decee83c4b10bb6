"""What goes over the wire: the request and the answer.

The descriptions of the request's fields are also the table in docs/http-api.md: `service/field_table.py`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from kg.explanation.paths import Direction
from kg.names import LONGEST_NAME
from kg.schema import LONGEST_ID
from service.config import RecommenderConfig
from service.filters.contract import MAX_BOOSTS, Boost, CandidateIds
from service.filters.expression import Filter
from service.reranking.contract import MAX_FACTOR, MAX_NAMES, Calibrated, Factor, Name, Stage
from service.understanding.contract import UnderstoodText
from service.wire import Contract as Contract
from service.wire import Id as Id

MAX_K = 200
MAX_IDS = 1_000
MAX_TEXT = 2_000
MAX_SHOWN = 2_000
"""Pages of one list end after so many items."""
MAX_CURSOR = 24_000
"""Characters; 2,000 items take 21,400 of them."""
MAX_SEED = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly."""
SCORE_DECIMALS = 6
PATH_SCORE_DECIMALS = 4

LikeId = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME + len(":") + LONGEST_ID)]
"""An id, alone or after its label: `Label:id`."""
UserState = Literal["hot", "warm", "cold"]


class RecommendRequest(Contract):
    """What is known of the user, and what to answer; every field may be left out or null."""

    user_id: Id | None = Field(
        None,
        description="A user. An id that nobody has is a new user: an answer and a warning, never an error.",
    )
    history: list[Id] = Field(
        default_factory=list,
        max_length=MAX_IDS,
        description="Ids of items that the user liked, oldest first; added to those the graph has.",
    )
    session: list[Id] = Field(
        default_factory=list,
        max_length=MAX_IDS,
        description="Ids of items that the user turned to in this visit, the newest last; they count more"
        " than the past.",
    )
    likes: list[LikeId] = Field(
        default_factory=list,
        max_length=MAX_IDS,
        description="Entities (or items) that the user likes, `Label:id`. The id alone is enough where only"
        " one entity has it, or no entity and one item. An id that several entities have is left out, and a"
        " warning says what to write.",
    )
    dislikes: list[LikeId] = Field(
        default_factory=list,
        max_length=MAX_IDS,
        description="Entities (or items) that the user dislikes, written as in `likes`. They, and items with"
        " a fact to such an entity, are left out; items like them are ranked lower.",
    )
    text: str | None = Field(
        None,
        max_length=MAX_TEXT,
        description="What the user wants, in their own words. Names of entities in it count as likes; so do"
        " names of items of two words or more, written as in the graph. What it rejects is left out or ranked"
        " lower.",
    )
    user_input: str | None = Field(
        None, max_length=MAX_TEXT, description="Another name for `text`; a request has one of them."
    )
    understood: UnderstoodText | None = Field(
        None,
        description="The structure of a text, as an answer has it, edited or not; in place of `text`.",
    )
    k: int = Field(10, ge=1, le=MAX_K, description="How many items to recommend.")
    filter: Filter | None = Field(
        None,
        description="Which items may be recommended: an expression of conditions on their relations and"
        " properties, joined by `all`, `any` and `not`.",
    )
    candidates: CandidateIds | None = Field(
        None,
        description="`include`: ids of the only items that may be recommended; `exclude`: ids of items that"
        " may not. An unknown id is a warning.",
    )
    boost: list[Boost] = Field(
        default_factory=list,
        max_length=MAX_BOOSTS,
        description="Objects of a `filter` and a `weight` from -1 to 1, by which the items that it keeps are"
        " ranked down or up.",
    )
    exclude_seen: bool = Field(
        True,
        description="Leave out all items that the user has any event with, and all that the request names.",
    )
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_CURSOR,
        description="The `cursor` of an answer, for the page after it; the other fields are those of its"
        " request, but `k`, `explain` and `score_contributions`, which may differ.",
    )
    explain: bool = Field(True, description="Whether each item comes with its paths.")
    rules: list[Annotated[str, Field(min_length=1, max_length=64)]] | None = Field(
        None,
        max_length=200,
        description="Names of rules that apply to this request, beside those that always apply; `[]` switches"
        " all others off. Left out, the rules apply that apply by default.",
    )
    score_contributions: bool = Field(
        False,
        description="Whether each item comes with what each scorer contributed to its `ranking_score`.",
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="How much unlike each other the items should be; 0: as they rank."
    )
    novelty: float = Field(
        0.0, ge=0, le=1, description="How much items that fewer people like are ranked up; 0: not at all."
    )
    max_per: dict[Name, Annotated[int, Field(ge=1, le=MAX_K)]] = Field(
        default_factory=dict,
        max_length=MAX_NAMES,
        description='The most items of one entity by a relation: of `{"DIRECTED_BY": 2}`, at most two films'
        " of a director.",
    )
    calibrated: Calibrated | None = Field(
        None,
        description="Brings the list near to the user's own mix of a facet, such as genres: an object of"
        " `relation` and `strength`, 0 to 1 (0.5).",
    )
    explore: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of the places that are filled by drawing from further down the ranking.",
    )
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = Field(
        None, description="The same seed draws the same for `explore`; without one, the request id does."
    )
    weights: dict[Name, Factor] = Field(
        default_factory=dict,
        max_length=MAX_NAMES,
        description=f"Factors, 0 to {MAX_FACTOR}, of what scorers contribute, by their names in"
        " `score_contributions`; 1 for those that are not named.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: x for name, x in values.items() if x is not None or name not in cls.model_fields}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Every field may be null."""
        schema = handler.resolve_ref_schema(handler(core))
        for own in schema["properties"].values():
            if "anyOf" not in own:
                kept = {
                    name: own.pop(name)
                    for name in list(own)
                    if name not in ("default", "description", "title")
                }
                own["anyOf"] = [kept, {"type": "null"}]
        return schema

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if self.text is not None and self.user_input is not None:
            raise ValueError("text and user_input are one field; send one of them")
        if self.understood is not None and (self.text is not None or self.user_input is not None):
            raise ValueError("understood takes the place of text; send one of them")
        return self

    @property
    def drawn_anew(self) -> bool:
        """Whether the same request may get another list the next time."""
        return self.explore > 0 and self.seed is None

    @property
    def free_text(self) -> str:
        """`text` or `user_input` without white space around it, or ""."""
        return (self.text or self.user_input or "").strip()


class PathNode(Contract):
    """A node by label and id, as in the graph."""

    label: str
    id: str
    name: str


class PathEdge(Contract):
    """A relation; "out" goes from its head to its tail as stored."""

    relation: str
    direction: Direction


class Path(Contract):
    """Why: `edges[i]` joins `nodes[i]` to `nodes[i + 1]`, from what the user liked or named to the item."""

    score: float = Field(gt=0, le=1)
    text: str
    nodes: list[PathNode]
    edges: list[PathEdge]


class RecommendedItem(Contract):
    """One item; ranks begin at 1."""

    item_id: str
    rank: int = Field(ge=1)
    score: float = Field(
        ge=0,
        le=1,
        description="The probability that the item is among the next likes of the user, as many as an eighth"
        " of the history, at least one, if `meta.calibrated`. Otherwise a number of the same order.",
    )
    ranking_score: float = Field(
        description="What the items are ranked by; it compares within one answer only."
    )
    title: str
    """The name as stored; other items may have the same."""
    display_title: str = Field(
        description="The title, with the year or the id where another item has the same title."
    )
    paths: list[Path]
    stage: Stage = Field(
        "ranked",
        description="What gave the item its place. ranked: the ranker; reranked: another place than that, by"
        " `diversity` and the like; explored: drawn for `explore`; rule: a rule; fallback: nothing is known"
        " of the user.",
    )
    stage_reason: str | None = Field(
        None, description="Why, where it is not the ranker alone: what moved the item, and its own rank."
    )
    score_contributions: dict[str, float] | None = Field(
        None,
        description="By scorer, its share of `ranking_score`, the largest first; the shares sum to it."
        " `base_value` is the remainder of the Shapley values. Null unless asked for.",
    )
    rules: list[str] = Field(
        default_factory=list,
        exclude_if=lambda names: not names,
        description="The rules that allow, boost or pin the item. Left out where there are none.",
    )


class Remark(Contract):
    """A remark on one field: a JSON Pointer (RFC 6901) into the request, and what about it."""

    pointer: str
    detail: str


class Meta(Contract):
    """Which request was answered, and by which model."""

    request_id: str
    model_version: str
    calibrated: bool = Field(
        description="Whether each `score` is a probability that was learnt from held-out likes. It is none"
        " where fixed weights rank, or where a text or likes of the request count beside the history."
    )


class Recommendation(Contract):
    """The answer."""

    items: list[RecommendedItem]
    recommendation: str = Field(description="The first item with its best path, as a sentence.")
    user_state: UserState = Field(
        description=f"hot: {RecommenderConfig.hot_from} or more liked items are known; warm: fewer, or only"
        " likes or text; cold: nothing."
    )
    cursor: str | None = Field(
        None, description="For the next page; null where no item is left, or after 2,000 items."
    )
    understood: UnderstoodText | None = Field(
        None,
        exclude_if=lambda structure: structure is None,
        description="What the text of the request was understood as; it may be edited and sent back in its"
        " place. Left out where there is no text.",
    )
    warnings: list[Remark]
    meta: Meta


class Health(Contract):
    """The process answers."""

    status: str = "ok"


class Readiness(Contract):
    """A model is loaded."""

    status: str = "ready"
    model_version: str
