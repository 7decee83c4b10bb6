"""The schema of a graph: the roles of its labels and the phrases of its relations.

Each node has one label, which the mapping names. Ingestion derives the schema from the mapping and stores it
in the single `(:TrailmixSchema)` node. Cypher statements use only labels and types that the schema contains.
"""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from kg.errors import GraphSchemaError
from kg.names import alike, check_distinct, check_name, composed

Role = Literal["user", "item", "entity"]
"""user and item are the ends of an interaction; every other label is an entity."""

SCHEMA_LABEL = "TrailmixSchema"
RUN_LABEL = "TrailmixRun"
CHECKPOINT_LABEL = "TrailmixCheckpoint"
_OWN_LABELS = (SCHEMA_LABEL, RUN_LABEL, CHECKPOINT_LABEL)

RUN_PROPERTY = "trailmix_run"
"""The property with the ids of the runs that wrote a node or relation; not part of the graph's content."""


GROUP_PROPERTY = "same_as"
"""The property with an item's group of near-duplicates; items with the same value are one group."""

LONGEST_ID = 2_000
"""The most characters of an id, wherever one is read; Neo4j indexes values of at most 8,167 bytes."""


def _own_name(name: str) -> str:
    """Check the name of a label or relation type, and return it in Unicode's composed form."""
    checked = check_name(composed(name))
    if alike(checked) in {alike(label) for label in _OWN_LABELS}:
        raise ValueError(f"{name} is kept for Trailmix itself")
    return checked


Name = Annotated[str, AfterValidator(_own_name)]
"""The name of a label or a relation type, in Unicode's composed form."""

PropertyName = Annotated[str, AfterValidator(check_name)]
"""The name of a property, as it was written."""

Reference = Annotated[str, AfterValidator(composed)]
"""The name of a label or a relation type that is given elsewhere."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelSchema(_Frozen):
    """One node label."""

    label: Name
    role: Role
    name_property: PropertyName = "name"
    """The property with the display name, e.g. `title`."""


class Phrase(_Frozen):
    """The phrases of a relation in an explanation; A is the stored head and B the stored tail."""

    out: str
    """The phrase from head to tail: "A, *directed by* B"."""
    back: str
    """The phrase from tail to head, for the second edge of a path: "B, *who also directed* A"."""


class RelationSchema(_Frozen):
    """One relation type; it joins one head label to one tail label."""

    type: Name
    head: Name
    tail: Name
    phrase: Phrase
    derived: bool = False
    """Whether `trailmix enrich` computed the relations from the graph; otherwise they come from a source."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `derived` if false, so that graphs without derived relations keep their earlier hashes."""
        return {name: value for name, value in dump(self).items() if name != "derived" or value}


class InteractionSchema(_Frozen):
    """One relation type from user to item, with properties `value` and `time`."""

    type: Name
    liked_at_least: float | None = None
    """The minimum value at which an event counts as liked; none: 0, so a negative value never does."""
    verb: str = "liked"
    """The verb in "because you *liked* ..."."""


class GraphSchema(_Frozen):
    """All labels, relations and interactions of one graph.

    Raises:
        ValueError: not exactly one user and one item label, two names are alike, or a relation joins
            an unknown label.
    """

    labels: tuple[LabelSchema, ...]
    relations: tuple[RelationSchema, ...] = ()
    interactions: tuple[InteractionSchema, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role in ("user", "item"):
            found = [x.label for x in self.labels if x.role == role]
            if len(found) != 1:
                raise ValueError(f"a graph has exactly one label with the role {role}, not {found or 'none'}")
        names = [x.label for x in self.labels]
        types = [x.type for x in self.relations] + [x.type for x in self.interactions]
        check_distinct("label", names)
        check_distinct("relation type", types)
        for relation in self.relations:
            for end in (relation.head, relation.tail):
                if end not in names:
                    raise ValueError(f"relation {relation.type} joins the unknown label {end}")
        return self

    @cached_property
    def user(self) -> LabelSchema:
        """The label with the role user."""
        return next(x for x in self.labels if x.role == "user")

    @cached_property
    def item(self) -> LabelSchema:
        """The label with the role item."""
        return next(x for x in self.labels if x.role == "item")

    @cached_property
    def entities(self) -> tuple[LabelSchema, ...]:
        """The labels with the role entity."""
        return tuple(x for x in self.labels if x.role == "entity")

    @cached_property
    def ends(self) -> dict[str, tuple[str, str]]:
        """The labels of head and tail of each relation and interaction type, relations first."""
        sides = (self.user.label, self.item.label)
        return {x.type: (x.head, x.tail) for x in self.relations} | {x.type: sides for x in self.interactions}

    def without_derived(self) -> "GraphSchema":
        """The schema without its derived relations."""
        return self.model_copy(update={"relations": tuple(x for x in self.relations if not x.derived)})

    def label(self, name: str) -> LabelSchema:
        """The label of that name.

        Raises:
            GraphSchemaError: the schema has no such label.
        """
        for found in self.labels:
            if found.label == name:
                return found
        raise GraphSchemaError(
            f"no label {name} in this graph; it has {', '.join(x.label for x in self.labels)}"
        )

    def relation(self, name: str) -> RelationSchema:
        """The relation of that type.

        Raises:
            GraphSchemaError: the schema has no such relation.
        """
        for found in self.relations:
            if found.type == name:
                return found
        raise GraphSchemaError(
            f"no relation {name} in this graph; it has {', '.join(x.type for x in self.relations)}"
        )

    def merged(self, newer: "GraphSchema") -> "GraphSchema":
        """The union of both schemas; for a name in both, the phrases of `newer` win.

        Raises:
            GraphSchemaError: the schemas differ in the role of a label or the end labels of a relation.
        """
        for mine in self.labels:
            for theirs in newer.labels:
                if mine.label == theirs.label and mine.role != theirs.role:
                    raise GraphSchemaError(
                        f"label {mine.label} has the role {mine.role} in this graph, not {theirs.role}"
                    )
        for old in self.relations:
            for new in newer.relations:
                if old.type == new.type and (old.head, old.tail) != (new.head, new.tail):
                    raise GraphSchemaError(f"{old.type} joins {old.head} to {old.tail} in this graph")
        try:
            return GraphSchema(
                labels=tuple({x.label: x for x in (*self.labels, *newer.labels)}.values()),
                relations=tuple({x.type: x for x in (*self.relations, *newer.relations)}.values()),
                interactions=tuple({x.type: x for x in (*self.interactions, *newer.interactions)}.values()),
            )
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise GraphSchemaError(
                f"the mapping does not fit the graph: {problem}; use another TRAILMIX_HOME or database for it"
            ) from None
