"""A graph store without a server, for tests that run anywhere."""

import hashlib
from dataclasses import replace

from kg.errors import GraphError, GraphSchemaError, UnknownIdError
from kg.schema import RUN_PROPERTY
from kg.store.store import GraphCounts, NodeColumns, RelationColumns, UserRecord
from kg.store.store_runs import NotNewError, Undone


class FakeStore:
    """A `GraphStore` in a few dictionaries: the same upserts, none of the server."""

    def __init__(self):
        self.fail_at_write = None
        self.clear()

    def clear(self):
        self.nodes = {}
        self.edges = {}
        self.provenance = {}
        self.records = {}
        self.done = {}
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

    def begin_run(self, run):
        self.records[run.id] = run

    def end_run(self, run_id):
        self.records[run_id] = replace(self.records[run_id], state="finished")
        self.done = {key: x for key, x in self.done.items() if key[0] != run_id}

    def runs(self):
        return sorted(self.records.values(), key=lambda run: (run.began, list(self.records).index(run.id)))

    def checkpoints(self, run_id):
        return {place: x for (run, place), x in self.done.items() if run == run_id}

    def has_nodes(self, label):
        return bool(self.nodes.get(label))

    def has_relations(self, kind):
        return bool(self.edges.get(kind))

    def stored_nodes(self, label, ids, properties):
        return self._stored(label, self.nodes, ids, properties)

    def stored_relations(self, kind, pairs, properties):
        return self._stored(kind, self.edges, pairs, properties)

    def write_batch(self, nodes, relations, checkpoint, *, new=(), changes=True):
        self._write()
        self._refuse(nodes, relations, new)
        for label, rows in nodes.items():
            self._merge(label, self.nodes, [(row["id"], row) for row in rows], checkpoint.run)
        for kind, rows in relations.items():
            pairs = [((row["head"], row["tail"]), row) for row in rows]
            self._merge(kind, self.edges, pairs, checkpoint.run)
        self.done[checkpoint.run, checkpoint.place] = checkpoint

    def undo_run(self, run_id):
        if run_id not in self.records:
            raise UnknownIdError("run", run_id)
        del self.records[run_id]
        return Undone(0, 0, 0)  # the graph itself is a matter for the servers' tests

    def _stored(self, name, things, keys, properties):
        known = things.get(name, {})
        return {
            key: {
                p: self.provenance.get((name, key)) if p == RUN_PROPERTY else known[key].get(p)
                for p in properties
            }
            for key in keys
            if key in known
        }

    def _refuse(self, nodes, relations, new):
        """Everything that can be wrong with a batch, before any of it is written."""
        for label, rows in nodes.items():
            _check_new(label, [row["id"] for row in rows], self.nodes.get(label, ()), label in new)
        for kind, rows in relations.items():
            head, tail = (
                (self.nodes.get(label, {}), {row["id"] for row in nodes.get(label, ())})
                for label in self._ends(kind)
            )
            for row in rows:
                if not any(row["head"] in x for x in head) or not any(row["tail"] in x for x in tail):
                    raise GraphError("a relation without its ends")
            pairs = [(row["head"], row["tail"]) for row in rows]
            _check_new(kind, pairs, self.edges.get(kind, ()), kind in new)

    def _merge(self, name, things, rows, run):
        known = things.setdefault(name, {})
        for key, row in rows:
            properties = dict(row["properties"])
            self.provenance[name, key] = properties.pop(RUN_PROPERTY, run)
            _set(known.setdefault(key, {}), properties)

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

    def delete_relations(self, kind, *, but):
        self._ends(kind)
        edges = self.edges.setdefault(kind, {})
        gone = [pair for pair, held in edges.items() if held.get(but[0]) != but[1]]
        for pair in gone:
            del edges[pair]
        return len(gone)

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


def _check_new(name, keys, known, must_be_new):
    if must_be_new and (len(set(keys)) < len(keys) or any(key in known for key in keys)):
        raise NotNewError(name)


def _set(properties, new):
    properties.update(new)
    for name in [name for name, value in properties.items() if value is None]:
        del properties[name]
