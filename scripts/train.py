"""`trailmix train`: from the graph to a model on disk; equal inputs reuse what is there."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.progress import reporting

if TYPE_CHECKING:
    from embeddings.model import Manifest
    from kg.progress import Report
    from kg.settings import Settings
    from kg.store import GraphStore


@dataclass(frozen=True)
class Trained:
    """A model on disk."""

    path: Path
    manifest: "Manifest"


def command(
    seed: Annotated[int, typer.Option(help="Of everything random; the same seed gives the same model.")] = 0,
    derived: Annotated[
        bool, typer.Option("--derived", help="Learn from the relations of trailmix enrich, too.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure/--no-measure",
            help="Hold events out to measure by; without, the ranking is learnt from all of them.",
        ),
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="The manifest of the model, as JSON.")] = False,
) -> None:
    """Train a model on the graph, measure it beside baselines, and make it the one in use.

    Example: trailmix train --seed 1
    """
    from kg.connect import open_store
    from kg.settings import load_settings

    settings = load_settings()
    with reporting() as report, open_store(settings) as store:
        trained = train_latest(settings, store, seed=seed, report=report, derived=derived, measure=measure)
    if json:
        print(trained.manifest.model_dump_json(indent=2))
        return
    if trained.manifest.metrics:
        print_metrics(trained.manifest)
    print(f"model {trained.manifest.model_version} in {trained.path}")


def train_latest(
    settings: "Settings",
    store: "GraphStore",
    *,
    seed: int = 0,
    report: "Report",
    derived: bool = False,
    measure: bool = True,
) -> Trained:
    """Train on the graph as it is now, unless a model from equal inputs is there; then that one is used."""
    from embeddings.artifact import find_model, read_manifest, save_model, saved_models, use_model
    from embeddings.fusion import TrainingConfig
    from embeddings.text import open_encoder
    from embeddings.training import describe, train, train_unmeasured
    from kg.snapshot import SnapshotCache

    snapshots = SnapshotCache(settings.snapshots_folder)
    snapshot = snapshots.load(store, report, derived=derived)
    encoder = open_encoder(settings)
    config = TrainingConfig()
    inputs = describe(snapshot, encoder.name, config, seed, measured=measure).inputs
    found = find_model(settings.models_folder, inputs)
    if found is not None:
        use_model(found)
        print("model: unchanged inputs, reused", file=sys.stderr)
        return Trained(found, read_manifest(found))
    model = (train if measure else train_unmeasured)(snapshot, encoder, config, seed, report)
    path = save_model(model, settings.models_folder)
    snapshots.prune(needed={manifest.snapshot for _, manifest in saved_models(settings.models_folder)})
    return Trained(path, read_manifest(path))


def print_metrics(manifest: "Manifest") -> None:
    """The model beside the baselines on held-out events, as a table on stdout."""
    print(metrics_text(manifest.metrics))


def metrics_text(table: dict[str, dict[str, float]]) -> str:
    """One line a method, one column a metric; the number of users measured comes last."""
    names = list(next(iter(table.values()), {}))
    lines = [f"{'':<12}" + "".join(f"{name:>14}" for name in names)]
    for method, values in table.items():
        cells = (f"{values[name]:>14,.0f}" if name == "users" else f"{values[name]:>14.4f}" for name in names)
        lines.append(f"{method:<12}" + "".join(cells))
    return "\n".join(lines)
