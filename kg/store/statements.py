"""Cypher and batch sizes that several parts of the Bolt store share.

One Cypher text and one driver serve Neo4j 5 and ArcadeDB. What was measured on both shapes the statements:
one label a node (with two, ArcadeDB's MERGE skips the index and takes 10 to 30 times as long); labels and
types spelled out (dynamic ones scan every node on Neo4j and are ignored by ArcadeDB); no `elementId`; reading
collected per head node, because a record costs the driver about 40 microseconds, however short it is;
parameters with names that are nobody's id, because ArcadeDB 26.10 takes the id "$rows" for the parameter.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from kg.schema import SCHEMA_LABEL

NODE_BATCH = 5_000
RELATION_BATCH = 10_000
READ_BATCH = 2_000

T = TypeVar("T")

NULL: dict[str, Any] = {}
"""Stands for null in collected lists, from which collect() would leave it out; no property can be a map."""

BUMP = f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) SET s.revision = s.revision + 1"


def node_statement(label: str, first: str = "") -> str:
    """Creates or updates nodes; `first` is set before their properties are."""
    return f"UNWIND $trailmix_rows AS row MERGE (n:{label} {{id: row.id}}) SET {first}n += row.properties"


def relation_statement(kind: str, head: str, tail: str, first: str = "") -> str:
    """Creates or updates relations, `first` set before their properties; counts those with both ends."""
    return (
        f"UNWIND $trailmix_rows AS row MATCH (h:{head} {{id: row.head}}) "
        f"MATCH (t:{tail} {{id: row.tail}}) MERGE (h)-[r:{kind}]->(t) SET {first}r += row.properties "
        "RETURN count(*) AS found"
    )


def collected(variable: str, name: str) -> str:
    """A property of all rows as one list, NULL where it is missing."""
    return f"collect(coalesce({variable}.{name}, {{}}))"


def held(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties without those that are null."""
    return {name: value for name, value in properties.items() if value is not None}


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Rows, at most `size` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
