"""Training the model in use: from the graph in the store to a new model on disk, or to one already there."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from embeddings.model.artifact import (
    check_replaces,
    find_model,
    latest_model,
    load_ranker,
    read_manifest,
    save_model,
    saved_models,
)
from embeddings.model.manifest import Manifest
from embeddings.model.model import Model
from embeddings.model.versions import active_version, remove_versions, use_version, version_before
from embeddings.text.encoder import open_encoder
from embeddings.text.export import keep_exported
from embeddings.training.config import TrainingConfig
from embeddings.training.train import describe, describe_refreshed, refresh, train, train_unmeasured
from embeddings.training.tuning import tune
from kg.errors import ArtifactError, ModelWorseError
from kg.graph import GraphSnapshot
from kg.progress import Report, silent
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from kg.snapshot_changes import NewSince, new_since
from kg.store.store import GraphStore


@dataclass(frozen=True)
class SavedModel:
    """A model on disk, and whether it is now the one in use."""

    path: Path
    manifest: Manifest
    reused: bool
    """Whether it was there already, from equal inputs."""
    refused: str = ""
    """Why it did not come into use; empty: it is in use."""
    new: NewSince | None = None
    """After a refresh: what came into the graph since the model before; None: its snapshot is gone."""


def train_latest(
    settings: Settings,
    store: GraphStore,
    *,
    seed: int = 0,
    report: Report = silent,
    derived: bool = False,
    measure: bool = True,
    budget: float | None = None,
    config: TrainingConfig | None = None,
    new_only: bool = False,
) -> SavedModel:
    """Train on the graph as it is now, or reuse the model that was trained from equal inputs.

    `derived` adds the relations that an enrichment wrote. With a `budget`, in seconds, a search for better
    settings starts at `config` (None: the defaults) and comes before training, which takes its own time.
    `new_only`: a model that is reused does not come into use again, so that a rollback stands.
    """
    snapshots = SnapshotCache(settings.snapshots_folder)
    snapshot = snapshots.load(store, report, derived=derived)
    encoder = open_encoder(settings)
    config, tuned = config or TrainingConfig(), None
    if budget is not None:
        search = tune(snapshot, encoder, config, TimeBudget(budget).allows, seed, report)
        config, tuned = search.config, search.summary()
    inputs = describe(snapshot, encoder.name, config, seed, measured=measure, tuned=tuned).inputs
    found = find_model(settings.models_folder, inputs)
    if found is not None:
        return _in_use(found, settings, reused=True, new_only=new_only)
    model = (train if measure else train_unmeasured)(snapshot, encoder, config, seed, report)
    model.manifest = model.manifest.model_copy(update={"tuned": tuned, "inputs": inputs})
    return _saved(model, settings, snapshots)


def refresh_latest(
    settings: Settings, store: GraphStore, *, report: Report = silent, derived: bool = False
) -> SavedModel:
    """Fit the latest model's scorers to the graph as it is now and keep its ranker."""
    manifest, ranker = load_ranker(latest_model(settings.models_folder))
    snapshots = SnapshotCache(settings.snapshots_folder)
    snapshot = snapshots.load(store, report, derived=derived)
    encoder = open_encoder(settings)
    unchanged = snapshot.fingerprint == manifest.snapshot
    inputs = manifest.inputs if unchanged else describe_refreshed(manifest, snapshot, encoder.name).inputs
    found = find_model(settings.models_folder, inputs)
    new = _new_since(manifest.snapshot, snapshot, snapshots)
    if found is not None:
        return replace(_in_use(found, settings, reused=True), new=new)
    return replace(_saved(refresh(ranker, manifest, snapshot, encoder, report), settings, snapshots), new=new)


def _new_since(fingerprint: str, now: GraphSnapshot, snapshots: SnapshotCache) -> NewSince | None:
    if fingerprint == now.fingerprint:
        return NewSince(0, 0, 0)
    try:
        return new_since(snapshots.by_fingerprint(fingerprint), now)
    except ArtifactError:
        return None


def _in_use(path: Path, settings: Settings, *, reused: bool = False, new_only: bool = False) -> SavedModel:
    """Make a saved model the one in use, unless it is worse than that by more than the margin."""
    folder, manifest, refused = settings.models_folder, read_manifest(path), ""
    active = active_version(folder)
    if reused and new_only and active not in ("", path.name) and (folder / active).is_dir():
        refused = f"model {path.name} is not new. `trailmix models activate {path.name}` uses it"
        return SavedModel(path, manifest, reused, refused)
    try:
        check_replaces(folder, path.name, settings.model_margin)
        use_version(folder, path.name)
    except ModelWorseError as error:
        refused = str(error)
    return SavedModel(path, manifest, reused, refused)


def remove_old_models(settings: Settings, keep: int) -> list[Path]:
    """Remove all but the last `keep` models, never the one in use or the one before; returns the removed."""
    folder = settings.models_folder
    needed = {active_version(folder)}
    with suppress(ArtifactError):  # none was in use before
        needed.add(version_before(folder))
    by_age = sorted(saved_models(folder), key=lambda found: found[1].created, reverse=True)
    old = [path for path, _ in by_age[keep:] if path.name not in needed]
    remove_versions(folder, old)
    return old


def _saved(model: Model, settings: Settings, snapshots: SnapshotCache) -> SavedModel:
    """Write the model and what encodes requests; then remove the snapshots that no model was trained from."""
    path = save_model(model, settings.models_folder)
    keep_exported(settings)
    models = saved_models(settings.models_folder)
    snapshots.prune(needed={name for _, manifest in models for name in manifest.trained_on})
    return _in_use(path, settings)


class TimeBudget:
    """Allows a next trial while one as long as the longest so far still fits into the budget."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last = now()
        self._end = self._last + seconds
        self._longest = 0.0

    def allows(self) -> bool:
        """Whether there is time for another trial; to be asked after each trial."""
        now = self._now()
        self._longest, self._last = max(self._longest, now - self._last), now
        return now + self._longest <= self._end
