"""`trailmix models`: the trained models, and which of them is in use."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from embeddings.model.artifact import check_replaces, load_model, read_manifest, saved_models
from embeddings.model.versions import (
    GUARDED_METRIC,
    Activation,
    active_version,
    guarded_metric,
    roll_back,
    use_version,
    version_before,
    version_folder,
)
from kg.settings import Settings, load_settings
from kg.snapshot import SnapshotCache


def list_models(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List the trained models, oldest first, with what each was measured at; * is in use.

    Example: trailmix models list
    """
    folder = load_settings().models_folder
    active = active_version(folder)
    found = sorted((manifest for _, manifest in saved_models(folder)), key=lambda x: x.created)
    if json:
        for manifest in found:
            row = manifest.model_dump(include={"model_version", "created", "seed", "snapshot", "metrics"})
            print(jsonlib.dumps({**row, "active": manifest.model_version == active}))
        return
    if not found:
        print("no trained model yet: run trailmix train")
    for manifest in found:
        value = guarded_metric(manifest.metrics)
        measured = "not measured" if value is None else f"{GUARDED_METRIC} {value:.4f}"
        mark = "*" if manifest.model_version == active else " "
        print(f"{mark} {manifest.model_version}  {manifest.created}  seed {manifest.seed}  {measured}")


def activate(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version of a trained model.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Also where it is worse than the one in use by more than the margin."),
    ] = False,
) -> None:
    """Make a trained model the one in use; a running service answers by it a moment later.

    Example: trailmix models activate 86aad5295eddd766
    """
    settings = load_settings()
    folder = settings.models_folder
    path = version_folder(folder, version)
    if not force:
        check_replaces(folder, version, settings.model_margin)
    _check_loads(settings, path)
    _tell(use_version(folder, version))


def rollback() -> None:
    """Use the model again that was in use before.

    Example: trailmix models rollback
    """
    settings = load_settings()
    folder = settings.models_folder
    _check_loads(settings, folder / version_before(folder))
    _tell(roll_back(folder))


def _check_loads(settings: Settings, path: Path) -> None:
    """Find damage now rather than in a service."""
    load_model(path, SnapshotCache(settings.snapshots_folder).by_fingerprint(read_manifest(path).snapshot))


def _tell(done: Activation) -> None:
    before = f"; {done.before} was before" if done.before and done.before != done.version else ""
    print(f"model {done.version} is in use{before}")
