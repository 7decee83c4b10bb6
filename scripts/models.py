"""`trailmix models`: the trained models, and which of them is in use."""

import json as jsonlib
from typing import Annotated

import typer

from embeddings.model.artifact import intact, read_manifest, saved_models
from embeddings.model.versions import (
    GUARDED_METRIC,
    Activation,
    active_version,
    check_not_worse,
    guarded_metric,
    roll_back,
    use_version,
    version_folder,
)
from kg.errors import ArtifactError
from kg.settings import load_settings


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
    if not intact(path):
        raise ArtifactError(f"{path}: damaged; choose another of trailmix models list")
    active = active_version(folder)
    if not force and active not in ("", version) and (folder / active).is_dir():
        check_not_worse(read_manifest(path), read_manifest(folder / active), settings.model_margin)
    _tell(use_version(folder, version))


def rollback() -> None:
    """Use the model again that was in use before.

    Example: trailmix models rollback
    """
    _tell(roll_back(load_settings().models_folder))


def _tell(done: Activation) -> None:
    before = f"; {done.before} was before" if done.before and done.before != done.version else ""
    print(f"model {done.version} is in use{before}")
