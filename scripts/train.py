"""`trailmix train`: from the graph to a model on disk; equal inputs reuse what is there."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts.options import KgeOption, ModelScorerOption, training_config
from scripts.progress import reporting

if TYPE_CHECKING:
    from embeddings.model.model import Manifest
    from embeddings.training.fit import TrainingConfig
    from kg.progress import Report
    from kg.settings import Settings
    from kg.snapshot import SnapshotCache
    from kg.store import GraphStore


@dataclass(frozen=True)
class Trained:
    """A model on disk."""

    path: Path
    manifest: "Manifest"


def command(
    context: typer.Context,
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
    budget: Annotated[
        str | None,
        typer.Option(help="Search the settings for so long before training: 90s, 10m, 1h30m."),
    ] = None,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            help="Keep the latest model's ranking; fit only its scorers, to the graph as it is now.",
        ),
    ] = False,
    kge: KgeOption = None,
    expert: ModelScorerOption = None,
    json: Annotated[bool, typer.Option("--json", help="The manifest of the model, as JSON.")] = False,
) -> None:
    """Train a model on the graph, measure it beside baselines, and make it the one in use.

    Example: trailmix train --seed 1
    """
    from kg.connect import open_store
    from kg.settings import load_settings

    settings = load_settings()
    if refresh:
        _refuse_settings(context)
    seconds = None if budget is None else parse_budget(budget)
    config = training_config(kge, expert)
    with reporting() as report, open_store(settings) as store:
        if refresh:
            trained = refresh_latest(settings, store, report=report, derived=derived)
        else:
            trained = train_latest(
                settings,
                store,
                seed=seed,
                report=report,
                derived=derived,
                measure=measure,
                budget=seconds,
                config=config,
            )
    if json:
        print(trained.manifest.model_dump_json(indent=2))
        return
    if trained.manifest.tuned:
        print(tuned_text(trained.manifest.tuned))
    if trained.manifest.metrics:
        print_metrics(trained.manifest)
    print(f"model {trained.manifest.model_version} in {trained.path}")


def _refuse_settings(context: typer.Context) -> None:
    from kg.errors import UsageError

    for name, flag in (
        ("seed", "--seed"),
        ("measure", "--no-measure"),
        ("budget", "--budget"),
        ("kge", "--kge"),
        ("expert", "--scorer"),
    ):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"--refresh keeps the settings of the latest model; leave out {flag}")


def train_latest(
    settings: "Settings",
    store: "GraphStore",
    *,
    seed: int = 0,
    report: "Report",
    derived: bool = False,
    measure: bool = True,
    budget: float | None = None,
    config: "TrainingConfig | None" = None,
) -> Trained:
    """Train on the graph as it is now, unless a model from equal inputs is there; then that one is used.

    With a `budget`, seconds, a configuration is searched first, from `config` on (None: the defaults);
    training comes on top.
    """
    from embeddings.model.artifact import find_model, read_manifest, save_model
    from embeddings.text.encoder import open_encoder
    from embeddings.training.fit import TrainingConfig
    from embeddings.training.train import describe, train, train_unmeasured
    from embeddings.training.tuning import tune
    from kg.snapshot import SnapshotCache

    snapshots = SnapshotCache(settings.snapshots_folder)
    snapshot = snapshots.load(store, report, derived=derived)
    encoder = open_encoder(settings)
    config, tuned = config or TrainingConfig(), None
    if budget is not None:
        found_config = tune(snapshot, encoder, config, Clock(budget).allows, seed, report)
        config, tuned = found_config.config, found_config.summary()
    inputs = describe(snapshot, encoder.name, config, seed, measured=measure, tuned=tuned).inputs
    found = find_model(settings.models_folder, inputs)
    if found is not None:
        return _reused(found)
    model = (train if measure else train_unmeasured)(snapshot, encoder, config, seed, report)
    model.manifest = model.manifest.model_copy(update={"tuned": tuned, "inputs": inputs})
    path = save_model(model, settings.models_folder)
    _prune(snapshots, settings)
    return Trained(path, read_manifest(path))


def refresh_latest(
    settings: "Settings", store: "GraphStore", *, report: "Report", derived: bool = False
) -> Trained:
    """Fit the latest model's scorers to the graph as it is now, under the ranking that it has."""
    from embeddings.model.artifact import find_model, latest_model, load_ranker, read_manifest, save_model
    from embeddings.text.encoder import open_encoder
    from embeddings.training.train import describe_refreshed, refreshed
    from kg.snapshot import SnapshotCache

    manifest, ranker = load_ranker(latest_model(settings.models_folder))
    snapshots = SnapshotCache(settings.snapshots_folder)
    snapshot = snapshots.load(store, report, derived=derived)
    encoder = open_encoder(settings)
    unchanged = snapshot.fingerprint == manifest.snapshot
    inputs = manifest.inputs if unchanged else describe_refreshed(manifest, snapshot, encoder.name).inputs
    found = find_model(settings.models_folder, inputs)
    if found is not None:
        return _reused(found)
    path = save_model(refreshed(ranker, manifest, snapshot, encoder, report), settings.models_folder)
    _prune(snapshots, settings)
    return Trained(path, read_manifest(path))


def _reused(path: Path) -> Trained:
    from embeddings.model.artifact import read_manifest, use_model

    use_model(path)
    print("model: unchanged inputs, reused", file=sys.stderr)
    return Trained(path, read_manifest(path))


def _prune(snapshots: "SnapshotCache", settings: "Settings") -> None:
    """Drop snapshots that no model was learnt from."""
    from embeddings.model.artifact import saved_models

    models = saved_models(settings.models_folder)
    snapshots.prune(needed={name for _, manifest in models for name in manifest.learnt_from})


class Clock:
    """Allows a next trial while one as long as the longest so far still fits into the budget."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last = now()
        self._end = self._last + seconds
        self._longest = 0.0

    def allows(self) -> bool:
        """Whether there is time for another; asked after each trial."""
        now = self._now()
        self._longest, self._last = max(self._longest, now - self._last), now
        return now + self._longest <= self._end


def parse_budget(text: str) -> float:
    """Seconds of `90s`, `10m`, `1h30m`; a bare number is seconds.

    Raises:
        UsageError: it is none of these, or nothing.
    """
    from kg.errors import UsageError

    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    seconds = (
        sum(int(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    )
    if not seconds:
        raise UsageError(f"--budget {text!r}: write a time such as 90s, 10m or 1h30m")
    return float(seconds)


def tuned_text(tuned: dict[str, Any]) -> str:
    """What a search found, in one line a setting."""
    first = f"{tuned['trials']} trials: NDCG {tuned['ndcg_before']:.4f} before, {tuned['ndcg']:.4f} at best"
    return "\n".join([first, *(f"  {path} = {value:.4g}" for path, value in tuned["changed"].items())])


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
