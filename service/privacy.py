"""Export and erasure of the data of one user: in the graph, outbox, cached snapshots and trained models.

A snapshot holds every user's id and events. A model may hold users' rows themselves (EASE does, where there
are fewer users than items) and was in any case learnt from them, so a model counts as a copy of every user in
its snapshot. A file that cannot be read may contain the user, so it counts as a copy too.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings.model.artifact import read_manifest
from embeddings.model.versions import remove_versions
from kg.errors import ArtifactError, UnknownIdError
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from kg.store.store import PrivacyStore
from service.catalogue.change_log import ChangeLog
from service.events.outbox import Outbox
from service.retraining import training_lock


@dataclass(frozen=True)
class Copies:
    """Files outside the graph that contain the data of a user."""

    snapshots: tuple[Path, ...]
    models: tuple[Path, ...]
    unclear: tuple[Path, ...]
    """Damaged or partially written snapshots and models that may contain the user."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed, and what was kept at the caller's request."""

    in_graph: bool
    relations: int
    """Number of events and other relations removed with the user."""
    accepted_events: int
    """Number of events removed from the outbox."""
    removed: tuple[Path, ...]
    kept: tuple[Path, ...]


def find_copies(settings: Settings, user_id: str) -> Copies:
    """Find the copies of a user among all snapshots and models of the home folder."""
    having, unclear = SnapshotCache(settings.snapshots_folder).holding(user_id)
    names, clear = {x.name for x in having}, {x.name for x in settings.snapshots_folder.glob("*")}
    clear -= {x.name for x in unclear}
    models = []
    for path in sorted(settings.models_folder.glob("*")):
        if not path.is_dir():
            continue
        learnt_from = _learnt_from(path)
        if learnt_from & names:
            models.append(path)
        elif not learnt_from or learnt_from - clear:
            unclear.append(path)
    return Copies(tuple(having), tuple(models), tuple(unclear))


def export_user(settings: Settings, store: PrivacyStore, user_id: str) -> dict[str, Any]:
    """All data of a user, for JSON: node, events, other relations, accepted events, files with copies.

    Raises:
        UnknownIdError: neither the graph nor a snapshot has that user.
    """
    schema, copies = store.schema(), find_copies(settings, user_id)
    record = store.read_user(user_id)
    outbox = Outbox(settings.outbox_folder)
    accepted = outbox.of_user(user_id) if outbox.exists else []
    log = ChangeLog(settings.outbox_folder)
    changes = log.of("user", user_id) if log.exists else []
    if record is None and not copies.snapshots and not accepted and not changes:
        raise UnknownIdError(schema.user.label, user_id)
    kinds = {x.type for x in schema.interactions}
    relations = sorted(record.relations if record else [], key=lambda x: (x["type"], x["label"], x["id"]))
    return {
        "label": schema.user.label,
        "id": user_id,
        "properties": record.properties if record else None,
        "events": [x for x in relations if x["type"] in kinds],
        "relations": [x for x in relations if x["type"] not in kinds],
        "accepted_events": [json.loads(x.posted) for x in accepted],
        "accepted_changes": [
            {"operation": x.operation, "properties": dict(x.change.properties)} for x in changes
        ],
        "copies": {
            "snapshots": [path.name for path in copies.snapshots],
            "models": [path.name for path in copies.models],
        },
    }


def forget_user(
    settings: Settings, store: PrivacyStore, user_id: str, *, keep_models: bool = False
) -> Forgotten:
    """Remove a user from the graph, and delete all snapshots and models that may contain the user.

    `keep_models` leaves the models that were trained with the user, and their snapshots, to serve until the
    next is trained; forgetting once more then removes them. May be repeated after an interruption: a model
    goes before the snapshot that tells whose it is.

    Raises:
        UnknownIdError: neither the graph nor a snapshot has that user.
        ArtifactError: a service trains a model, which may have read the user already.
    """
    with training_lock(settings) as lock:
        if lock is None:
            raise ArtifactError(
                "a service trains a model now, which may have read the user already; "
                "nothing was removed: forget the user when the log says retraining_ends"
            )
        return _forget(settings, store, user_id, keep_models)


def _forget(settings: Settings, store: PrivacyStore, user_id: str, keep_models: bool) -> Forgotten:
    schema, copies = store.schema(), find_copies(settings, user_id)
    outbox = Outbox(settings.outbox_folder)
    log = ChangeLog(settings.outbox_folder)
    # first, or they would be delivered again
    events = outbox.forget_user(user_id) if outbox.exists else 0
    changes = log.forget_user(user_id) if log.exists else 0
    relations = store.delete_user(user_id)
    if relations is None and not copies.snapshots and not events and not changes:
        raise UnknownIdError(schema.user.label, user_id)
    models, snapshots, kept = _sorted_out(copies, settings, keep_models)
    remove_versions(settings.models_folder, models)
    SnapshotCache(settings.snapshots_folder).remove(snapshots)
    return Forgotten(relations is not None, relations or 0, events, (*models, *snapshots), kept)


def _sorted_out(
    copies: Copies, settings: Settings, keep_models: bool
) -> tuple[list[Path], list[Path], tuple[Path, ...]]:
    """Split copies into models to remove, snapshots to remove, and files to keep."""
    unclear = [x for x in copies.unclear if x.parent == settings.models_folder]
    leftovers = [x for x in copies.unclear if x.parent != settings.models_folder]
    if not keep_models:
        return [*copies.models, *unclear], [*copies.snapshots, *leftovers], ()
    needed = {name for path in copies.models for name in _learnt_from(path)}
    keep = [path for path in copies.snapshots if path.name in needed]
    drop = [path for path in copies.snapshots if path.name not in needed]
    return unclear, [*drop, *leftovers], (*copies.models, *keep)


def _learnt_from(model: Path) -> set[str]:
    """The fingerprints of a model's snapshots; empty if its manifest cannot be read."""
    try:
        return read_manifest(model).trained_on
    except ArtifactError:
        return set()
