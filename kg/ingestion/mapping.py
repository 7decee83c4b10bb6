"""The mapping file: which columns of which sources become nodes, relations and interactions.

`docs/mapping.md` documents every key. `kg.ingestion.ingest` checks before writing that the columns exist.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from kg.errors import MappingError
from kg.ingestion.mapping_parts import (
    InteractionMapping,
    KeyPath,
    NodeMapping,
    RelationMapping,
    distinct,
    interaction_columns,
    node_columns,
)
from kg.ingestion.source_mapping import MappingPart, SourceMapping
from kg.nearest_name import nearest_name
from kg.schema import (
    GROUP_PROPERTY,
    GraphSchema,
    InteractionSchema,
    LabelSchema,
    Name,
    Phrase,
    RelationSchema,
)


def plain_phrase(relation_type: str) -> Phrase:
    """The default phrase of a relation without one in the mapping: "A, *published by* B, *as is* C"."""
    return Phrase(out=relation_type.lower().replace("_", " "), back="as is")


class Mapping(MappingPart):
    """The content of a mapping file, checked for consistency.

    Raises:
        ValidationError: the mapping names an unknown source or label, or its graph schema is invalid.
    """

    sources: dict[str, SourceMapping]
    nodes: Annotated[
        dict[Name, Annotated[NodeMapping, BeforeValidator(lambda given: {} if given is None else given)]],
        distinct("label"),
    ]
    relations: Annotated[dict[Name, RelationMapping], distinct("relation type")] = Field(default_factory=dict)
    interactions: Annotated[dict[Name, InteractionMapping], distinct("relation type")] = Field(min_length=1)

    _where: Callable[[KeyPath], str] = PrivateAttr(default=".".join)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for path, name, known in self._references():
            if name not in known:
                kind = "label" if path[-1] in ("from", "to") else "source"
                _refuse(path, f"unknown {kind} {name!r}{nearest_name(name, known)}")
        for label, node in self.nodes.items():
            self._check_node(label, node)
        for kind, interaction in self.interactions.items():
            self._check_interaction(kind, interaction)
        try:
            self.graph_schema()
        except ValidationError as error:
            _refuse(("nodes",), "; ".join(plain_message(e["msg"]) for e in error.errors()))
        return self

    def graph_schema(self) -> GraphSchema:
        """The schema of the graph that an ingestion with this mapping produces."""
        return GraphSchema(
            labels=tuple(
                LabelSchema(label=label, role=node.role, name_property=node.name_property)
                for label, node in self.nodes.items()
            ),
            relations=tuple(
                RelationSchema(
                    type=kind, head=r.head_label, tail=r.tail_label, phrase=r.phrase or plain_phrase(kind)
                )
                for kind, r in self.relations.items()
            ),
            interactions=tuple(
                InteractionSchema(type=kind, liked_at_least=i.liked_at_least, verb=i.verb)
                for kind, i in self.interactions.items()
            ),
        )

    def columns(self) -> Iterator[tuple[KeyPath, str, str]]:
        """Every column that the mapping names, as (path of the key, source, column)."""
        for name, source in self.sources.items():
            yield from ((("sources", name, "lists"), name, column) for column in source.lists)
        for label, node in self.nodes.items():
            if node.source is not None:
                for key, column in node_columns(node):
                    yield ("nodes", label, *key), node.source, column
        for kind, relation in self.relations.items():
            yield ("relations", kind, "head"), relation.source, relation.head
            yield ("relations", kind, "tail"), relation.source, relation.tail
        for kind, interaction in self.interactions.items():
            for key, column in interaction_columns(interaction):
                yield ("interactions", kind, *key), interaction.source, column

    def error(self, path: KeyPath, problem: str) -> MappingError:
        """An error that names the place in the file that this mapping was read from."""
        return MappingError(f"{self.place(path)}: {problem}")

    def place(self, path: KeyPath) -> str:
        """The place of a key in the file that this mapping was read from."""
        return self._where(path)

    def _references(self) -> Iterator[tuple[KeyPath, str, Iterable[str]]]:
        for label, node in self.nodes.items():
            if node.source is not None:
                yield ("nodes", label, "source"), node.source, self.sources
        for kind, relation in self.relations.items():
            yield ("relations", kind, "source"), relation.source, self.sources
            yield ("relations", kind, "from"), relation.head_label, self.nodes
            yield ("relations", kind, "to"), relation.tail_label, self.nodes
        for kind, interaction in self.interactions.items():
            yield ("interactions", kind, "source"), interaction.source, self.sources

    def _check_interaction(self, kind: str, interaction: InteractionMapping) -> None:
        path = ("interactions", kind, "liked_at_least")
        if interaction.liked_at_least is not None and interaction.value is None:
            _refuse(path, "needs a `value` column to compare with")
        if interaction.liked_at_least is not None and interaction.liked_at_least < 0:
            _refuse(path, "must be 0 or more, because a negative value never counts as liked")

    def _check_node(self, label: str, node: NodeMapping) -> None:
        for name in node.properties:
            of_items = name in ("text", GROUP_PROPERTY) and node.role == "item"
            if name == "id" or of_items or name.startswith("trailmix_"):
                _refuse(("nodes", label, "properties", name), f"`{name}` is kept for Trailmix itself")
        if node.text and node.role != "item":
            _refuse(("nodes", label, "text"), "only the label with the role item has a text")
        if node.same_as and node.role != "item":
            _refuse(("nodes", label, "same_as"), "only the label with the role item has groups")
        if node.source is None and (node.properties or node.text or node.same_as):
            _refuse(("nodes", label), "properties, text and same_as need a `source`")
        if node.source and node.same_as in self.sources[node.source].lists:
            _refuse(("nodes", label, "same_as"), "takes a column with one value, not one of the `lists`")
        if node.source is None and any(column != "id" for _, column in node_columns(node)):
            _refuse(("nodes", label), 'without a `source` there is no column but the id: name: "... {id}"')


def _refuse(path: KeyPath, problem: str) -> None:
    raise PydanticCustomError("mapping", "{problem}", {"path": path, "problem": problem})


def plain_message(message: str) -> str:
    """A message of pydantic without its prefix."""
    return message.removeprefix("Value error, ")
