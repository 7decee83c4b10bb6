"""A home folder with two models of the small library."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from small_library import ThemeEncoder, library

from embeddings.model.artifact import save_model
from embeddings.model.versions import use_version
from embeddings.training.config import TrainingConfig
from embeddings.training.train import train_unmeasured
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from service.loading import load_recommender
from service.serving import Serving

_RNG = np.random.default_rng(0)
LOANS = [(user, int(book)) for user in range(12) for book in _RNG.permutation(30)[:6]]


def trained_twice(home: Path) -> tuple[Path, str, str]:
    """Train one model on half of the loans and one on all; the home and both versions."""
    settings = Settings(home=home)
    versions = []
    for loans in (LOANS[: len(LOANS) // 2], LOANS):
        snapshot = library(loans, readers=12)
        SnapshotCache(settings.snapshots_folder).save(snapshot)
        model = train_unmeasured(snapshot, ThemeEncoder(), TrainingConfig())
        versions.append(save_model(model, settings.models_folder).name)
    return home, versions[0], versions[1]


def linked_home(trained: tuple[Path, str, str], home: Path) -> Settings:
    """Another home with the same models, of which the first is in use."""
    source, first, _ = trained
    for name in ("models", "snapshots"):
        (home / name).mkdir()
        for path in (source / name).iterdir():
            (home / name / path.name).symlink_to(path)
    settings = Settings(home=home)
    use_version(settings.models_folder, first)
    return settings


@contextmanager
def served_from(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """What serves a home, without a transformer, and looks for another model every 20 ms."""
    monkeypatch.setattr("service.loading.QueryEncoder", lambda *_settings: ThemeEncoder())
    monkeypatch.setattr("service.loading.same_encoder", lambda *_names: None)
    monkeypatch.setattr("service.serving.WATCH_INTERVAL", 0.02)
    found = Serving(settings, load_recommender)
    found.refresh()
    yield found
    found.stop()
