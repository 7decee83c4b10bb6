"""The part of the Bolt store that writes outside of ingestion runs, and that deletes."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from kg.names import quoted
from kg.schema import RUN_PROPERTY, GraphSchema
from kg.store.bolt_session import BoltSession, work
from kg.store.records import End, NodeRow, RelationRow, UserRecord, check_property_names
from kg.store.statements import (
    NODE_BATCH,
    RELATION_BATCH,
    batches,
    held,
    node_statement,
    relation_statement,
)
from kg.store.store import PrivacyStore, WriteStore
from kg.store.stored_values import described, display_text, stored_ids


class BoltWrites(BoltSession, WriteStore):
    """The write methods of the Bolt store outside of ingestion runs."""

    @override
    def upsert_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        self._check_label(label)
        statement = f"{node_statement(label)} REMOVE n.{RUN_PROPERTY}"
        for batch in batches(rows, NODE_BATCH):
            check_property_names({name for row in batch for name in row["properties"]}, taken=("id",))
            self._write(statement, trailmix_rows=batch)

    @override
    def upsert_relations(self, type: str, rows: Sequence[RelationRow]) -> int:
        head, tail = self._ends(type)
        statement = relation_statement(type, head, tail).replace("RETURN", f"REMOVE r.{RUN_PROPERTY} RETURN")
        found = 0
        for batch in batches(rows, RELATION_BATCH):
            check_property_names({name for row in batch for name in row["properties"]})
            found += self._write(statement, trailmix_rows=batch)[0]["found"]
        return found

    @override
    def delete_relations(self, type: str, *, but: tuple[str, str]) -> int:
        head, tail = self._ends(type)
        check_property_names([but[0]])
        return self._delete_all(
            f"MATCH (:{quoted(head)})-[r:{quoted(type)}]->(:{quoted(tail)}) "
            f"WHERE coalesce(r.{quoted(but[0])}, '') <> $trailmix_value "
            f"WITH r LIMIT {self.delete_batch} DELETE r RETURN count(*) AS n",
            trailmix_value=but[1],
        )

    @override
    def replace_nodes(self, label: str, rows: Sequence[NodeRow]) -> None:
        self._check_label(label)
        merge = f"MERGE (n:{quoted(label)} {{id: row.id}})"
        for batch in batches(rows, NODE_BATCH):
            check_property_names({name for row in batch for name in row["properties"]}, taken=("id",))
            whole = [{"id": row["id"], "properties": row["properties"] | {"id": row["id"]}} for row in batch]
            self._write(f"UNWIND $trailmix_rows AS row {merge} SET n = row.properties", trailmix_rows=whole)

    @override
    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        self._check_label(label)
        found = 0
        for batch in batches(ids, NODE_BATCH):
            keys = [key for text in batch for key in stored_ids(text)]
            nodes = f"UNWIND $trailmix_keys AS key MATCH (n:{quoted(label)} {{id: key}})"
            # relations first: a node may have too many for one transaction
            self._delete_all(
                f"{nodes} MATCH (n)-[r]-() WITH DISTINCT r LIMIT {self.delete_batch} DELETE r "
                "RETURN count(*) AS n",
                trailmix_keys=keys,
            )
            found += self._read(f"{nodes} RETURN count(n) AS n", trailmix_keys=keys)[0]["n"]
            self._write(f"{nodes} DETACH DELETE n", trailmix_keys=keys)
        return found

    @override
    def delete_relations_of(self, type: str, ids: Sequence[str], *, end: End) -> int:
        head, tail = self._ends(type)
        own = {"head": f"(x:{quoted(head)} {{id: key}})-[r:{quoted(type)}]->(:{quoted(tail)})"}
        own["tail"] = f"(:{quoted(head)})-[r:{quoted(type)}]->(x:{quoted(tail)} {{id: key}})"
        deleted = 0
        for batch in batches(ids, NODE_BATCH):
            deleted += self._delete_all(
                f"UNWIND $trailmix_keys AS key MATCH {own[end]} "
                f"WITH DISTINCT r LIMIT {self.delete_batch} DELETE r RETURN count(*) AS n",
                trailmix_keys=[key for text in batch for key in stored_ids(text)],
            )
        return deleted

    @override
    def clear(self) -> None:
        # relations first: 10,000 nodes of high degree have too many relations for one transaction
        for pattern, one in (("()-[x]->()", "DELETE x"), ("(x)", "DETACH DELETE x")):
            statement = f"MATCH {pattern} WITH x LIMIT {self.delete_batch} {one} RETURN count(*) AS n"
            with self._session() as session:
                while session.execute_write(work(statement, {}))[0]["n"]:
                    pass
        self._schema = None


class BoltPrivacy(BoltSession, PrivacyStore):
    """Reads and deletes all data of one user."""

    @override
    def read_user(self, user_id: str) -> UserRecord | None:
        schema = self.schema()
        user = self._user(schema)
        found = self._read(f"{user} RETURN properties(u) AS held", trailmix_keys=stored_ids(user_id))
        if not found:
            return None
        names = dict.fromkeys(x.name_property for x in schema.labels)
        called = "coalesce({})".format(", ".join(f"x.{quoted(name)}" for name in (*names, "id")))
        wanted = f"labels(x) AS labels, x.id AS id, {called} AS name, properties(r) AS properties"
        relations = [
            _end(schema, direction, dict(row))
            for direction, pattern in (("out", "(u)-[r]->(x)"), ("in", "(u)<-[r]-(x)"))
            for row in self._read(
                f"{user} MATCH {pattern} RETURN type(r) AS type, {wanted}", trailmix_keys=stored_ids(user_id)
            )
        ]
        return UserRecord(held(found[0]["held"]) | {"id": user_id}, relations)

    @override
    def delete_user(self, user_id: str) -> int | None:
        user, keys = self._user(self.schema()), stored_ids(user_id)
        if not self._read(f"{user} RETURN u.id AS id", trailmix_keys=keys):
            return None
        some = (
            f"{user} MATCH (u)-[r]-() WITH DISTINCT r LIMIT {self.delete_batch} DELETE r RETURN count(*) AS n"
        )
        deleted = self._delete_all(some, trailmix_keys=keys)
        # the node is deleted last, so calling the method again completes an interrupted deletion
        self._write(f"{user} DETACH DELETE u", trailmix_keys=keys)
        return deleted

    def _user(self, schema: GraphSchema) -> str:
        """A clause that matches the user u by the ids `$trailmix_keys`."""
        return f"UNWIND $trailmix_keys AS key MATCH (u:{quoted(schema.user.label)} {{id: key}})"


def _end(schema: GraphSchema, direction: str, row: dict[str, Any]) -> dict[str, Any]:
    """One relation of a user, with the label that the schema gives to its other end."""
    labels, known = row.pop("labels"), {x.label for x in schema.labels}
    of_type = schema.ends.get(row["type"], ("", ""))[1 if direction == "out" else 0]
    ours = [of_type] if of_type in labels else [x for x in labels if x in known]
    return {
        **row,
        "label": next(iter((*ours, *labels)), ""),
        "id": _shown(row["id"]),
        "name": _shown(row["name"]),
        "direction": direction,
        "properties": held(row["properties"]),
    }


def _shown(value: Any) -> str:
    """An id or a name as text, whatever another program stored; "" for a node without one."""
    text = "" if value is None else display_text(value)
    return described(value) if text is None else text
