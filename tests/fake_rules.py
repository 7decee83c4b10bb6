"""A graph that answers the queries of rules as told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from store_contract import SCHEMA

from kg.errors import GraphUnavailableError
from kg.schema import GraphSchema
from kg.store.records import BoundedRead
from service.rules.contract import RuleDefinition
from service.rules.store import RuleBook, RuleResult


@dataclass
class FakeRuleGraph:
    """Every query returns `rows`; an exception among them is raised. `down`: no server answers."""

    rows: Sequence[Any] | Exception = ()
    columns: Sequence[str] = ("id",)
    items: Collection[str] = tuple(f"m{n}" for n in range(1, 9))
    down: bool = False
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, *_settings: object) -> Self:
        """Open it."""
        if self.down:
            raise GraphUnavailableError("no graph server answers")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None: ...

    def schema(self) -> GraphSchema:
        return SCHEMA

    def prepare(self, schema: GraphSchema) -> GraphSchema:
        return schema

    def check_read(
        self,
        statement: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float,
        procedures: Collection[str] = (),
    ) -> None: ...

    def bounded_read(
        self, statement: str, parameters: Mapping[str, Any], *, timeout: float, max_rows: int
    ) -> BoundedRead:
        self.asked.append((statement, parameters))
        if isinstance(self.rows, Exception):
            raise self.rows
        rows = [x if isinstance(x, tuple) else (x,) for x in self.rows]
        return BoundedRead(tuple(self.columns), rows, 0.25)

    def stored_nodes(
        self, label: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        return {x: {} for x in ids if x in self.items}


def defined(effect: Any, **fields: Any) -> RuleDefinition:
    return RuleDefinition(cypher="MATCH (m:Movie) RETURN m.id AS id", effect=effect, **fields)


def put(
    book: RuleBook, name: str, effect: Any, *ids: str, weights: Sequence[float] = (), **fields: Any
) -> None:
    """Store a rule whose query returned these ids."""
    book.put(name, defined(effect, **fields), RuleResult(ids, tuple(weights)))
