"""A graph store without a server, for tests that run anywhere."""

import hashlib
import uuid
from collections import Counter
from dataclasses import replace

from kg.errors import DataError, GraphError, GraphSchemaError, UnknownIdError
from kg.schema import RUN_PROPERTY
from kg.store.records import (
    GraphCounts,
    NodeColumns,
    NotNewError,
    RelationColumns,
    Undone,
    UserRecord,
    check_property_names,
    newest_first,
)
from kg.store.stored_values import (
    check_ids,
    described,
    display_text,
    event_time,
    event_value,
    id_text,
    stored_ids,
    texts_of_ids,
)


class NoId:
    """The key of a node without an id, which only another program can have stored."""


class FakeStore:
    """A `GraphStore` in a few dictionaries; it passes the same contract suite as the servers.

    `nodes[label][id]` and `edges[kind][head, tail]` are properties, `provenance[name, key]` the runs.
    """

    def __init__(self):
        self.fail_at_write = None
        self.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        """There is nothing to give back."""

    def clear(self):
        self.nodes = {}
        self.edges = {}
        self.provenance = {}
        self.records = {}
        self.done = {}
        self.writes = 0
        self.reads = 0
        self._schema = None
        self._identity, self._revision = uuid.uuid4().hex, 0

    def content(self):
        """What is compared where two graphs should hold the same."""
        return self._schema, self.nodes, self.edges

    # ---- schema

    def prepare(self, schema):
        merged = self._schema.merged(schema) if self._schema else schema
        for label in merged.labels:
            for key in self.nodes.get(label.label, ()):
                if not isinstance(key, str | NoId):
                    raise DataError(
                        f"{label.label}: 1 node has an id that is not text, such as {described(key)}; "
                        "make the ids text first"
                    )
        self._revision += merged != self._schema
        self._schema = merged
        return merged

    def schema(self):
        if self._schema is None:
            label = next((label for label, nodes in self.nodes.items() if nodes), None)
            if label is not None:
                raise GraphSchemaError(f"this graph holds nodes of another program (label '{label}')")
            raise GraphSchemaError("this graph is empty; run trailmix ingest")
        return self._schema

    def counts(self):
        schema = self.schema()
        return GraphCounts(
            {x.label: len(self.nodes.get(x.label, ())) for x in schema.labels},
            {kind: len(self.edges.get(kind, ())) for kind in schema.ends},
        )

    def state(self):
        counted = (self._identity, self._revision, self.counts())
        return hashlib.sha256(repr(counted).encode()).hexdigest()[:16]

    # ---- write

    def upsert_nodes(self, label, rows):
        self._check_label(label)
        check_property_names({name for row in rows for name in row["properties"]}, taken=("id",))
        self._upsert(label, self.nodes, [(row["id"], row) for row in rows])

    def upsert_relations(self, kind, rows):
        head, tail = (self.nodes.get(label, ()) for label in self._ends(kind))
        check_property_names({name for row in rows for name in row["properties"]})
        found = [((r["head"], r["tail"]), r) for r in rows if r["head"] in head and r["tail"] in tail]
        self._upsert(kind, self.edges, found)
        return len(found)

    def delete_relations(self, kind, *, but):
        self._ends(kind)
        check_property_names([but[0]])
        self._count_write()
        edges = self.edges.get(kind, {})
        gone = [pair for pair, held in edges.items() if held.get(but[0], "") != but[1]]
        for pair in gone:
            self._delete(kind, self.edges, pair)
        return len(gone)

    def replace_nodes(self, label, rows):
        self._check_label(label)
        check_property_names({name for row in rows for name in row["properties"]}, taken=("id",))
        for row in rows:
            self.nodes.get(label, {}).pop(row["id"], None)
        self._upsert(label, self.nodes, [(row["id"], row) for row in rows])

    def delete_nodes(self, label, ids):
        self._check_label(label)
        self._count_write()
        gone = [key for text in ids for key in self._keys_of(label, text)]
        for key in gone:
            for kind, pair in {(kind, pair) for _, kind, pair, _, _ in self._joined(label, key)}:
                self._delete(kind, self.edges, pair)
            self._delete(label, self.nodes, key)
        return len(gone)

    def delete_relations_of(self, kind, ids, *, end):
        self._ends(kind)
        self._count_write()
        place = ("head", "tail").index(end)
        keys = {key for text in ids for key in stored_ids(text)}
        gone = [pair for pair in self.edges.get(kind, {}) if pair[place] in keys]
        for pair in gone:
            self._delete(kind, self.edges, pair)
        return len(gone)

    # ---- read

    def property_names(self, label):
        self._check_label(label)
        nodes = self.nodes.get(label, {})
        counts = Counter(name for key in nodes for name in self._held(label, self.nodes, key))
        return sorted(counts, key=lambda name: (-counts[name], name))

    def read_nodes(self, label, properties=()):
        self._check_label(label)
        self._check_keys(label)
        ids, columns = self._columns(label, self.nodes, properties)
        return NodeColumns(texts_of_ids(label, ids), columns)

    def read_relations(self, kind, properties=()):
        head, tail = self._ends(kind)
        self._check_keys(head)
        pairs, columns = self._columns(kind, self.edges, properties)
        heads, tails = [h for h, _ in pairs], [t for _, t in pairs]
        return RelationColumns(texts_of_ids(head, heads), texts_of_ids(tail, tails), columns)

    def scan_nodes(self, label):
        self._check_label(label)
        self._check_keys(label)
        found = sorted(self.nodes.get(label, {}), key=str, reverse=True)
        yield [(id_text(key), self._held(label, self.nodes, key)) for key in found]

    def scan_relations(self, kind):
        head, tail = self._ends(kind)
        self._check_keys(head)
        for h, t in reversed(self.edges.get(kind, {})):
            (one,), (other,) = texts_of_ids(head, [h]), texts_of_ids(tail, [t])
            yield [(one, other, self._held(kind, self.edges, (h, t)))]

    def read_events(self, user_id):
        events = [
            _event(x.type, user_id, id_text(item), held)
            for x in self.schema().interactions
            for (user, item), held in self.edges.get(x.type, {}).items()
            if user in stored_ids(user_id)
        ]
        return sorted(events, key=newest_first)

    # ---- privacy

    def read_user(self, user_id):
        user = self.schema().user.label
        keys = self._keys_of(user, user_id)
        if not keys:
            return None
        relations = [
            {
                "type": kind,
                "direction": direction,
                "label": label,
                "id": id_text(other),
                "name": display_text(self._name(label, other)),
                "properties": self._held(kind, self.edges, pair),
            }
            for key in keys
            for direction, kind, pair, label, other in self._joined(user, key)
        ]
        return UserRecord({"id": user_id, **self._held(user, self.nodes, keys[0])}, relations)

    def delete_user(self, user_id):
        user = self.schema().user.label
        keys = self._keys_of(user, user_id)
        if not keys:
            return None
        self._count_write()
        joined = {(kind, pair) for key in keys for _, kind, pair, _, _ in self._joined(user, key)}
        for kind, pair in joined:
            self._delete(kind, self.edges, pair)
        for key in keys:
            self._delete(user, self.nodes, key)
        return len(joined)

    # ---- runs

    def begin_run(self, run):
        self.records[run.id] = run

    def end_run(self, run_id):
        self.records[run_id] = replace(self.records[run_id], state="finished")
        self._forget_checkpoints(run_id)

    def runs(self):
        # of two that began in the same second, tests may rely on which one they began first
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
        self._refuse(nodes, relations, new)
        self._count_write(changes)
        for label, rows in nodes.items():
            self._merge(label, self.nodes, [(row["id"], row) for row in rows], checkpoint.run)
        for kind, rows in relations.items():
            pairs = [((row["head"], row["tail"]), row) for row in rows]
            self._merge(kind, self.edges, pairs, checkpoint.run)
        self.done[checkpoint.run, checkpoint.place] = checkpoint

    def undo_run(self, run_id):
        if run_id not in self.records:
            raise UnknownIdError("run", run_id)
        relations, _ = self._undo(self.edges, run_id)
        nodes, kept = self._undo(self.nodes, run_id, stays=self._is_joined)
        del self.records[run_id]
        self._forget_checkpoints(run_id)
        self._revision += 1
        return Undone(nodes, relations, kept)

    # ---- how

    def _check_keys(self, label):
        keys = list(self.nodes.get(label, ()))
        if any(isinstance(key, NoId) for key in keys):
            raise DataError(f"{label}: a node has no property id; give it an id, or delete it")
        check_ids(label, keys)

    def _keys_of(self, label, text):
        return [key for key in stored_ids(text) if key in self.nodes.get(label, ())]

    def _count_write(self, changes=True):
        if self.writes == self.fail_at_write:
            raise ConnectionError("killed")
        self.writes += 1
        self._revision += changes

    def _check_label(self, label):
        _check_known(label, [x.label for x in self.schema().labels])

    def _ends(self, kind):
        ends = self.schema().ends
        _check_known(kind, list(ends))
        return ends[kind]

    def _upsert(self, name, things, rows):
        if rows:
            self._count_write()
        for key, row in rows:
            properties = {p: x for p, x in row["properties"].items() if p != RUN_PROPERTY}
            _set(things.setdefault(name, {}).setdefault(key, {}), properties)
            self.provenance[name, key] = None

    def _merge(self, name, things, rows, run):
        for key, row in rows:
            properties = dict(row["properties"])
            self.provenance[name, key] = properties.pop(RUN_PROPERTY, run)
            _set(things.setdefault(name, {}).setdefault(key, {}), properties)

    def _delete(self, name, things, key):
        del things[name][key]
        self.provenance.pop((name, key), None)

    def _refuse(self, nodes, relations, new):
        """Everything that can be wrong with a batch, before any of it is written."""
        for label, rows in nodes.items():
            _check_new(label, [row["id"] for row in rows], self.nodes.get(label, ()), label in new)
        for kind, rows in relations.items():
            head, tail = (
                {*self.nodes.get(label, {}), *(row["id"] for row in nodes.get(label, ()))}
                for label in self._ends(kind)
            )
            if any(row["head"] not in head or row["tail"] not in tail for row in rows):
                raise GraphError(f"{kind}: relations did not find their nodes")
            pairs = [(row["head"], row["tail"]) for row in rows]
            _check_new(kind, pairs, self.edges.get(kind, ()), kind in new)

    def _held(self, name, things, key):
        """Properties with the provenance among them, as a server has it."""
        runs = self.provenance.get((name, key))
        return dict(things[name][key]) | ({} if runs is None else {RUN_PROPERTY: runs})

    def _stored(self, name, things, keys, properties):
        known = [key for key in keys if key in things.get(name, {})]
        return {key: {p: self._held(name, things, key).get(p) for p in properties} for key in known}

    def _columns(self, name, things, properties):
        check_property_names(properties)
        self.reads += 1
        keys = list(reversed(things.get(name, {})))  # an order that nobody may rely on
        held = [self._held(name, things, key) for key in keys]
        return keys, {p: [x.get(p) for x in held] for p in properties}

    def _joined(self, label, external):
        """Relations of one node: direction, type, pair, and label and id of the other end."""
        for direction, this in (("out", 0), ("in", 1)):
            for kind, edges in self.edges.items():
                ends = self._ends(kind)
                for pair in edges:
                    if (ends[this], pair[this]) == (label, external):
                        yield direction, kind, pair, ends[1 - this], pair[1 - this]

    def _is_joined(self, label, external):
        return any(True for _ in self._joined(label, external))

    def _name(self, label, external):
        held = self.nodes[label][external]
        names = (held.get(x.name_property) for x in self.schema().labels)
        return next((name for name in names if name is not None), external)

    def _undo(self, things, run_id, stays=lambda _name, _key: False):
        gone = kept = 0
        for name, key in [(name, key) for name, some in things.items() for key in some]:
            runs = (self.provenance.get((name, key)) or "").split()
            if run_id not in runs:
                continue
            if len(runs) > 1:
                self.provenance[name, key] = " ".join(run for run in runs if run != run_id)
            elif stays(name, key):
                self.provenance[name, key] = None
                kept += 1
            else:
                self._delete(name, things, key)
                gone += 1
        return gone, kept

    def _forget_checkpoints(self, run_id):
        self.done = {key: x for key, x in self.done.items() if key[0] != run_id}


def _event(kind, user, item, held):
    value, time = held.get("value"), held.get("time")
    return {
        "type": kind,
        "item": item,
        "value": None if value is None else event_value(kind, user, item, value),
        "time": event_time(kind, user, item, time),
    }


def _check_known(name, names):
    if name not in names:
        raise GraphSchemaError(f"no {name!r} in this graph; it has {', '.join(names)}")


def _check_new(name, keys, known, must_be_new):
    if must_be_new and (len(set(keys)) < len(keys) or any(key in known for key in keys)):
        raise NotNewError(name)


def _set(properties, new):
    properties.update(new)
    for name in [name for name, value in properties.items() if value is None]:
        del properties[name]
