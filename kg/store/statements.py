"""Cypher statements and batch sizes that several parts of the Bolt store share.

Neo4j 5 and ArcadeDB use the same Cypher text and driver. Measurements on both determine the statements: one
label per node (with two, ArcadeDB's MERGE skips the index and takes 10 to 30 times as long); literal labels
and types (dynamic ones scan every node on Neo4j, and ArcadeDB ignores them); no `elementId`; values collected
per head node, because each record costs the driver about 40 microseconds regardless of its length; parameter
names that no id equals, because ArcadeDB 26.10 takes the id "$rows" for the parameter.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from kg.names import quoted
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
    merge = f"MERGE (n:{quoted(label)} {{id: row.id}})"
    return f"UNWIND $trailmix_rows AS row {merge} SET {first}n += row.properties"


def relation_statement(kind: str, head: str, tail: str, first: str = "", clause: str = "MERGE") -> str:
    """A statement like `node_statement` for relations; it returns the number of rows with both ends.

    The clause CREATE is for relations that are known to be new.
    """
    return (
        f"UNWIND $trailmix_rows AS row MATCH (h:{quoted(head)} {{id: row.head}}) "
        f"MATCH (t:{quoted(tail)} {{id: row.tail}}) {clause} (h)-[r:{quoted(kind)}]->(t) "
        f"SET {first}r += row.properties RETURN count(*) AS found"
    )


def id_constraint(label: str) -> str:
    """A statement that makes the ids of a label unique and indexed; it can be repeated."""
    name = quoted(f"trailmix_{label}_id")
    return f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{quoted(label)}) REQUIRE n.id IS UNIQUE"


def collected(variable: str, name: str) -> str:
    """A Cypher expression that collects a property of all rows in a list, NULL if missing."""
    return f"collect(coalesce({variable}.{quoted(name)}, {{}}))"


def held(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties that are not null."""
    return {name: value for name, value in properties.items() if value is not None}


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split rows into batches of at most `size`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
