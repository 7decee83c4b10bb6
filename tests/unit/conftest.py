"""Fakes for the unit tests."""

import hashlib
from pathlib import Path

import pytest

from kg.errors import GraphSchemaError
from kg.store import GraphCounts, NodeColumns, RelationColumns, UserRecord


class FakeStore:
    """A `GraphStore` in a few dictionaries: the same upserts, none of the server."""

    def __init__(self):
        self.fail_at_write = None
        self.clear()

    def clear(self):
        self.nodes = {}
        self.edges = {}
        self.writes = 0
        self.reads = 0
        self._schema = None

    def prepare(self, schema):
        self._schema = self._schema.merged(schema) if self._schema else schema
        return self._schema

    def schema(self):
        if self._schema is None:
            raise GraphSchemaError("the graph is empty")
        return self._schema

    def upsert_nodes(self, label, rows):
        self._write()
        for row in rows:
            _set(self.nodes.setdefault(label, {}).setdefault(row["id"], {}), row["properties"])

    def upsert_relations(self, kind, rows):
        self._write()
        head, tail = self._ends(kind)
        found = [r for r in rows if r["head"] in self.nodes[head] and r["tail"] in self.nodes[tail]]
        for row in found:
            _set(
                self.edges.setdefault(kind, {}).setdefault((row["head"], row["tail"]), {}), row["properties"]
            )
        return len(found)

    def read_nodes(self, label, properties=()):
        self.reads += 1
        found = dict(reversed(self.nodes.get(label, {}).items()))  # an order that nobody may rely on
        return NodeColumns(list(found), {p: [x.get(p) for x in found.values()] for p in properties})

    def read_relations(self, kind, properties=()):
        self.reads += 1
        found = dict(reversed(self.edges.get(kind, {}).items()))
        columns = {p: [x.get(p) for x in found.values()] for p in properties}
        return RelationColumns([h for h, _ in found], [t for _, t in found], columns)

    def scan_nodes(self, label):
        found = sorted(self.nodes.get(label, {}).items(), reverse=True)
        yield [(external, dict(held)) for external, held in found]

    def scan_relations(self, kind):
        for (head, tail), held in reversed(self.edges.get(kind, {}).items()):
            yield [(head, tail, dict(held))]

    def read_user(self, user_id):
        user = self.schema().user.label
        if user_id not in self.nodes.get(user, {}):
            return None
        relations = [
            {
                "type": kind,
                "direction": "out",
                "label": tail,
                "id": end,
                "name": end,
                "properties": dict(held),
            }
            for kind, edges in self.edges.items()
            for (start, end), held in edges.items()
            for head, tail in [self._ends(kind)]
            if (head, start) == (user, user_id)
        ]
        return UserRecord({"id": user_id, **self.nodes[user][user_id]}, relations)

    def delete_user(self, user_id):
        found = self.read_user(user_id)
        if found is None:
            return None
        self._write()
        for row in found.relations:
            del self.edges[row["type"]][user_id, row["id"]]
        del self.nodes[self.schema().user.label][user_id]
        return len(found.relations)

    def counts(self):
        return GraphCounts(
            {label: len(x) for label, x in self.nodes.items()},
            {kind: len(x) for kind, x in self.edges.items()},
        )

    def state(self):
        content = repr((self.schema(), sorted(self.nodes.items()), sorted(self.edges.items())))
        return hashlib.sha256(content.encode()).hexdigest()

    def _write(self):
        if self.writes == self.fail_at_write:
            raise ConnectionError("killed")
        self.writes += 1

    def _ends(self, kind):
        schema = self.schema()
        if any(x.type == kind for x in schema.interactions):
            return schema.user.label, schema.item.label
        return schema.relation(kind).head, schema.relation(kind).tail


def _set(properties, new):
    properties.update(new)
    for name in [name for name, value in properties.items() if value is None]:
        del properties[name]


@pytest.fixture
def fake_store():
    return FakeStore()


@pytest.fixture
def other_store():
    return FakeStore()


@pytest.fixture
def bookshop():
    """A folder with another domain's files and mapping."""
    return Path(__file__).parents[1] / "data" / "bookshop"
