"""Reads a `GraphSnapshot` from a store and caches it on disk.

Ids, facts and events are sorted, so equal content gives the same arrays and fingerprint for every server and
every order of its answers.

    snapshots/latest.json           {"source": state of the store, "fingerprint": ...}
    snapshots/<fingerprint>/        strings.json (schema, ids, names, texts) and arrays.npz, with the
                                    properties of items in both; never changed

The fingerprint is the checksum: the content of a folder must hash to the folder's name.
"""

import json
import os
import shutil
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from kg.columns import text_column, time_array, value_array
from kg.errors import ArtifactError
from kg.graph import (
    GraphSnapshot,
    IntArray,
    Interactions,
    NodeArray,
    Triples,
    Vocabulary,
    shared_names,
)
from kg.item_properties import ItemProperties
from kg.names import is_name
from kg.progress import Report, silent
from kg.property_columns import item_properties, other_properties
from kg.schema import GROUP_PROPERTY, GraphSchema, LabelSchema
from kg.snapshot_files import DAMAGE, read_files, write_files
from kg.store.records import NodeColumns, RelationColumns
from kg.store.store import ReadStore
from kg.user_profiles import PROFILE_PROPERTIES, UserProfile

_KEPT = 3
"""The number of unneeded snapshots that `prune` keeps, such as earlier ones or those of another engine."""

YEAR = "year"
"""The property that tells two nodes of one name apart."""

MAX_PROPERTIES = 256
"""The most properties of items that a snapshot has, the commonest ones."""

_PART = ".part"
"""The suffix of a folder that is being written."""

_log = structlog.get_logger()


def read_snapshot(store: ReadStore, report: Report = silent, *, derived: bool = False) -> GraphSnapshot:
    """The content of the store as arrays; includes derived relations only if `derived`.

    Relations are read before nodes, so the snapshot has both ends of every relation even if another client
    adds events with new nodes meanwhile. `source` is the state of the store before reading.

    Raises:
        GraphSchemaError: the graph has no schema, because nothing was ingested.
        DataError: another program stored an id or a property that cannot be read; the message names it.
    """
    source, schema = _source(store, derived), store.schema()
    stored = store.counts().relations
    if not derived:
        schema = schema.without_derived()
    stages = len(schema.relations) + len(schema.interactions) + len(schema.labels)
    done = 0

    def step() -> None:
        nonlocal done
        report("read the graph", done, stages)
        done += 1

    facts, events, nodes = [], [], []
    for relation in schema.relations:
        step()
        facts.append(store.read_relations(relation.type, []))
        _warn_of_others(schema, relation.type, stored[relation.type] - len(facts[-1].heads))
    for interaction in schema.interactions:
        step()
        events.append(store.read_relations(interaction.type, ["value", "time"]))
        _warn_of_others(schema, interaction.type, stored[interaction.type] - len(events[-1].heads))
    for label in (schema.item, *schema.entities, schema.user):
        step()
        wanted = [] if label == schema.user else [YEAR]
        if label == schema.item:
            wanted += ["text", GROUP_PROPERTY, *_property_names(store, label)]
        elif label == schema.user:
            wanted += [x for x in store.property_names(label.label) if x in PROFILE_PROPERTIES]
        nodes.append(store.read_nodes(label.label, list(dict.fromkeys([label.name_property, *wanted]))))
    step()
    return assemble(schema, nodes, facts, events, source)


def _property_names(store: ReadStore, label: LabelSchema) -> list[str]:
    """The names of the properties that become columns; says which do not."""
    found = [name for name in store.property_names(label.label) if name not in other_properties(label)]
    names = [name for name in found if is_name(name)][:MAX_PROPERTIES]
    if left_out := sorted(set(found) - set(names)):
        reason = f"a snapshot has the {MAX_PROPERTIES} commonest ones whose names are letters and digits"
        _log.warning(
            "properties_left_out", label=label.label, names=left_out[:20], count=len(left_out), reason=reason
        )
    return names


def _warn_of_others(schema: GraphSchema, kind: str, others: int) -> None:
    """Warn of relations of a type of the schema that join other labels; the snapshot leaves them out."""
    if others > 0:
        head, tail = schema.ends[kind]
        _log.warning(
            "relations_left_out", type=kind, count=others, reason=f"they do not join {head} to {tail}"
        )


_WITH_PROPERTIES = "+properties"
"""Marks snapshots that have the properties of items; those of earlier versions are read again."""


def _source(store: ReadStore, derived: bool) -> str:
    return store.state() + _WITH_PROPERTIES + ("+derived" if derived else "")


def assemble(
    schema: GraphSchema,
    nodes: list[NodeColumns],
    facts: list[RelationColumns],
    events: list[RelationColumns],
    source: str = "",
) -> GraphSnapshot:
    """A snapshot of columns whose rows may be in any order.

    `nodes` has one element per label: the item label, the entity labels, the user label. `facts` and `events`
    have one element per relation and interaction of the schema. A node without a name gets its id as name.
    All columns but the name may be absent; each column of the item label is a property of the items.
    """
    labels = (schema.item, *schema.entities, schema.user)
    vocabularies: list[Vocabulary] = []
    names: list[str] = []
    texts: list[str] = []
    groups: tuple[str, ...] = ()
    years: list[Any] = []
    properties, profiles = ItemProperties(), {}
    for label, columns in zip(labels, nodes, strict=True):
        order = sorted(range(len(columns.ids)), key=columns.ids.__getitem__)
        vocabularies.append(Vocabulary(label.label, (columns.ids[n] for n in order)))
        called = text_column(label.label, columns, label.name_property, ", ")
        names += [columns.ids[n] if (name := called[n]) is None else name for n in order]
        own = columns.properties.get(YEAR)
        years += [None if own is None else own[n] for n in order]
        if label == schema.item:
            written = text_column(label.label, columns, "text", " ")
            texts = [written[n] or "" for n in order]
            groups = _groups(columns, order)
            own_values = {x: [v[n] for n in order] for x, v in columns.properties.items()}
            properties = item_properties(label, own_values)
        elif label == schema.user:
            profiles = _profiles(columns)
    return GraphSnapshot(
        schema,
        tuple(vocabularies),
        tuple(names),
        tuple(texts),
        _triples(schema, vocabularies, facts),
        _interactions(schema, vocabularies, events),
        source,
        groups,
        _years_of_shared(vocabularies, names, years),
        properties,
        profiles,
    )


def _profiles(users: NodeColumns) -> dict[str, UserProfile]:
    columns = {name: own for name, own in users.properties.items() if name in PROFILE_PROPERTIES}
    found = {
        user: UserProfile().changed({name: own[n] for name, own in columns.items()})
        for n, user in enumerate(users.ids)
        if any(own[n] for own in columns.values())
    }
    return {user: profile for user, profile in found.items() if profile}


def _years_of_shared(vocabularies: list[Vocabulary], names: list[str], years: list[Any]) -> dict[int, str]:
    shared = sorted(node for nodes in shared_names(vocabularies, names) for node in nodes)
    found = {node: years[node] for node in shared if years[node] is not None}
    return {node: f"{year:g}" if isinstance(year, float) else str(year) for node, year in found.items()}


def _groups(items: NodeColumns, order: list[int]) -> tuple[str, ...]:
    """The group of each item as text, "" without one; empty if no item has a group."""
    found = items.properties.get(GROUP_PROPERTY, [])
    groups = tuple("" if found[n] is None else str(found[n]) for n in order) if found else ()
    return groups if any(groups) else ()


def _triples(schema: GraphSchema, vocabularies: list[Vocabulary], facts: list[RelationColumns]) -> Triples:
    starts = np.cumsum([0, *map(len, vocabularies)])
    by_label = {v.label: (v, int(start)) for v, start in zip(vocabularies, starts, strict=False)}

    def numbers(label: str, ids: list[str]) -> NodeArray:
        vocabulary, start = by_label[label]
        return (vocabulary.indices(ids) + start).astype(np.int32)

    none = [np.zeros(0, np.int32)]
    heads = [numbers(r.head, f.heads) for r, f in zip(schema.relations, facts, strict=True)]
    tails = [numbers(r.tail, f.tails) for r, f in zip(schema.relations, facts, strict=True)]
    kinds = [np.full(len(f.heads), n, np.int32) for n, f in enumerate(facts)]
    head, relation, tail = (np.concatenate(columns or none) for columns in (heads, kinds, tails))
    return Triples.in_order(head, relation, tail)


def _interactions(
    schema: GraphSchema, vocabularies: list[Vocabulary], events: list[RelationColumns]
) -> Interactions:
    items, users = vocabularies[0], vocabularies[-1]
    user = np.concatenate([users.indices(e.heads) for e in events]).astype(np.int32)
    item = np.concatenate([items.indices(e.tails) for e in events]).astype(np.int32)
    kind = np.concatenate([np.full(len(e.heads), n, np.int8) for n, e in enumerate(events)])
    named = list(zip((x.type for x in schema.interactions), events, strict=True))
    largest = np.finfo(np.float32).max
    value = np.concatenate([value_array(name, e) for name, e in named]).clip(-largest, largest)
    time: IntArray = np.concatenate([time_array(name, e) for name, e in named])
    thresholds = np.array([max(x.liked_at_least or 0.0, 0.0) for x in schema.interactions])
    liked = value >= thresholds[kind]  # so a negative value never counts as liked
    order = np.lexsort((kind, item, user))
    return Interactions(
        user[order], item[order], value.astype(np.float32)[order], time[order], kind[order], liked[order]
    )


_LONGEST_READ = 600.0
"""Seconds that the reading of a snapshot may take."""


class SnapshotCache:
    """A folder of snapshots; each is written once, under its fingerprint, and never changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, store: ReadStore, report: Report = silent, *, derived: bool = False) -> GraphSnapshot:
        """The snapshot of the store: from disk if the store has not changed, otherwise read again.

        Raises:
            GraphSchemaError: the graph has no schema, because nothing was ingested.
        """
        pointer = self._pointer()
        if pointer and pointer["source"] == _source(store, derived):
            try:
                return self.by_fingerprint(pointer["fingerprint"])
            except ArtifactError as problem:
                _log.warning("snapshot_rebuilt", problem=str(problem))
        snapshot = read_snapshot(store, report, derived=derived)
        self.save(snapshot)
        return snapshot

    def by_fingerprint(self, fingerprint: str) -> GraphSnapshot:
        """The cached snapshot with that fingerprint.

        Raises:
            ArtifactError: the snapshot is missing or damaged.
        """
        folder = self._folder / fingerprint
        try:
            snapshot = read_files(folder)
        except FileNotFoundError:
            raise ArtifactError(
                f"there is no snapshot {fingerprint} in {self._folder}; train again"
            ) from None
        except DAMAGE as error:
            raise ArtifactError(f"{folder} is damaged ({error}); delete it and train again") from None
        if snapshot.fingerprint != fingerprint:
            raise ArtifactError(
                f"{folder} is damaged (its content has another hash); delete it and train again"
            )
        return snapshot

    def read_at(self, fingerprint: str) -> float:
        """A moment, epoch seconds, before which the graph had everything that is in a cached snapshot.

        Events that it had a little earlier may be missing: reading takes time.
        """
        return (self._folder / fingerprint).stat().st_mtime - _LONGEST_READ

    def latest(self) -> GraphSnapshot:
        """The snapshot that was loaded or saved last, even if the store has changed since.

        Raises:
            ArtifactError: the snapshot is missing or damaged.
        """
        pointer = self._pointer()
        if pointer is None:
            raise ArtifactError(f"there is no snapshot in {self._folder} yet; run trailmix train")
        return self.by_fingerprint(pointer["fingerprint"])

    def save(self, snapshot: GraphSnapshot) -> None:
        """Write the snapshot unless an undamaged copy exists, and make it the latest."""
        target = self._folder / snapshot.fingerprint
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self.by_fingerprint(snapshot.fingerprint)
        except ArtifactError:
            part = self._part()
            write_files(part, snapshot)
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
        os.utime(target)
        pointer = {"source": snapshot.source, "fingerprint": snapshot.fingerprint}
        part = self._part()
        part.write_text(json.dumps(pointer), encoding="utf-8")
        part.replace(self._folder / "latest.json")

    def prune(self, needed: Collection[str]) -> None:
        """Delete all snapshots except the `needed` (fingerprints that models refer to) and the newest few."""
        folders = [path for path in self._folder.glob("*") if path.is_dir() and not path.name.startswith(".")]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in folders[_KEPT:]:
            if path.name not in needed:
                shutil.rmtree(path, ignore_errors=True)

    def holding(self, user_id: str) -> tuple[list[Path], list[Path]]:
        """The folders of the snapshots that contain the user, and the damaged or incomplete folders."""
        having: list[Path] = []
        unclear: list[Path] = []
        for path in sorted(self._folder.glob("*")):
            if not path.is_dir():
                unclear += [path] if path.name.endswith(_PART) else []
                continue
            try:
                strings = json.loads((path / "strings.json").read_text(encoding="utf-8"))
                users = strings["ids"][GraphSchema.model_validate(strings["schema"]).user.label]
            except DAMAGE:
                unclear.append(path)
                continue
            if path.name.endswith(_PART):
                unclear.append(path)
            elif user_id in users:
                having.append(path)
        return having, unclear

    def remove(self, folders: Iterable[Path]) -> None:
        """Delete snapshots, and `latest.json` if it refers to one of them."""
        for path in folders:
            pointer = self._pointer()
            if pointer and pointer["fingerprint"] == path.name:
                (self._folder / "latest.json").unlink()
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _part(self) -> Path:
        return self._folder / f".{uuid.uuid4().hex}{_PART}"

    def _pointer(self) -> dict[str, str] | None:
        try:
            found = json.loads((self._folder / "latest.json").read_text(encoding="utf-8"))
            return {"source": str(found["source"]), "fingerprint": str(found["fingerprint"])}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("snapshot_pointer_damaged", folder=str(self._folder), problem=str(error))
            return None
