"""Training the model in use: from the graph in the store to a new model on disk, or to one already there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embeddings.model.artifact import (
    find_model,
    latest_model,
    load_ranker,
    read_manifest,
    save_model,
    saved_models,
    use_model,
)
from embeddings.model.manifest import Manifest
from embeddings.model.model import Model
from embeddings.text.encoder import open_encoder
from embeddings.training.config import TrainingConfig
from embeddings.training.train import describe, describe_refreshed, refresh, train, train_unmeasured
from embeddings.training.tuning import tune
from kg.progress import Report, silent
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from kg.store.store import GraphStore


@dataclass(frozen=True)
class SavedModel:
    """A model on disk, now the one in use."""

    path: Path
    manifest: Manifest
    reused: bool
    """Whether it was there already, from equal inputs."""


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
) -> SavedModel:
    """Train on the graph as it is now, or reuse the model that was trained from equal inputs.

    `derived` adds the relations that an enrichment wrote. With a `budget`, in seconds, a search for better
    settings starts at `config` (None: the defaults) and comes before training, which takes its own time.
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
        return _reused(found)
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
    if found is not None:
        return _reused(found)
    return _saved(refresh(ranker, manifest, snapshot, encoder, report), settings, snapshots)


def _reused(path: Path) -> SavedModel:
    use_model(path)
    return SavedModel(path, read_manifest(path), reused=True)


def _saved(model: Model, settings: Settings, snapshots: SnapshotCache) -> SavedModel:
    """Write the model, then remove the snapshots that no model was trained from."""
    path = save_model(model, settings.models_folder)
    models = saved_models(settings.models_folder)
    snapshots.prune(needed={name for _, manifest in models for name in manifest.trained_on})
    return SavedModel(path, read_manifest(path), reused=False)


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
