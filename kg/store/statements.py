"""Cypher statements and batch sizes that several parts of the Bolt store share.

Neo4j 5 and ArcadeDB use the same Cypher text and driver. Measurements on both determine the statements: one
label per node (with two, ArcadeDB's MERGE skips the index and takes 10 to 30 times as long); literal labels
and types (dynamic ones scan every node on Neo4j, and ArcadeDB ignores them); no `elementId`; values collected
per head node, because each record costs the driver about 40 microseconds regardless of its length; parameter
names that no id equals, because ArcadeDB 26.10 takes the id "$rows" for the parameter.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from kg.schema import SCHEMA_LABEL

NODE_BATCH = 5_000
RELATION_BATCH = 10_000
READ_BATCH = 2_000

T = TypeVar("T")

NULL: dict[str, Any] = {}
"""Represents null in collected lists, because collect() drops nulls; no property can be a map."""

BUMP = f"MATCH (s:{SCHEMA_LABEL} {{id: 'schema'}}) SET s.revision = s.revision + 1"


def node_statement(label: str, first: str = "") -> str:
    """A statement that creates or updates nodes; the SET items `first` precede those of the properties."""
    return f"UNWIND $trailmix_rows AS row MERGE (n:{label} {{id: row.id}}) SET {first}n += row.properties"


def relation_statement(kind: str, head: str, tail: str, first: str = "") -> str:
    """A statement like `node_statement` for relations; it returns the number of rows with both ends."""
    return (
        f"UNWIND $trailmix_rows AS row MATCH (h:{head} {{id: row.head}}) "
        f"MATCH (t:{tail} {{id: row.tail}}) MERGE (h)-[r:{kind}]->(t) SET {first}r += row.properties "
        "RETURN count(*) AS found"
    )


def collected(variable: str, name: str) -> str:
    """A Cypher expression that collects a property of all rows in a list, NULL if missing."""
    return f"collect(coalesce({variable}.{name}, {{}}))"


def held(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties that are not null."""
    return {name: value for name, value in properties.items() if value is not None}


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split rows into batches of at most `size`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
