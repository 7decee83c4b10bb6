"""`trailmix train`: from the graph to a model on disk; equal inputs reuse what is there."""

import sys
from typing import Annotated, Any

import typer

from embeddings.training.latest import SavedModel, refresh_latest, remove_old_models, train_latest
from kg.errors import UsageError
from kg.settings import load_settings
from kg.snapshot_changes import NewSince
from kg.store.connect import open_store
from scripts.durations import parse_duration
from scripts.options import KgeOption, ModelScorerOption, training_config
from scripts.progress import reporting

NO_TEST_EVENTS = "no liked event could be held out; that takes a user with events of 3 items"
"""Why there is nothing to measure on."""

FIXED_BY_REFRESH = {
    "seed": "--seed",
    "measure": "--no-measure",
    "budget": "--budget",
    "kge": "--kge",
    "model_scorer": "--model-scorer",
}
"""Parameters that `--refresh` takes from the latest model, and the options that set them."""


def command(
    context: typer.Context,
    seed: Annotated[
        int, typer.Option(help="The seed of everything random; the same seed gives the same model.")
    ] = 0,
    derived: Annotated[
        bool, typer.Option("--derived", help="Train on the relations of trailmix enrich, too.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure/--no-measure",
            help="Hold events out and measure on them. Without that, the ranker learns from all events.",
        ),
    ] = True,
    budget: Annotated[
        str | None,
        typer.Option(help="Search for better settings for this long before training: 90s, 10m, 1h30m."),
    ] = None,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            "--since",
            help="Keep the ranker of the model in use, and take up what came into the graph since: only the"
            " scorers are fitted.",
        ),
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1, help="Remove all but this many of the last models, never the one in use or before."
        ),
    ] = None,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only", help="Do not use a model again that was there already, from equal inputs."
        ),
    ] = False,
    kge: KgeOption = None,
    model_scorer: ModelScorerOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the model's manifest as JSON.")] = False,
) -> None:
    """Train a model on the graph, measure it beside baselines, and make it the one in use.

    Example: trailmix train --seed 1
    """
    if refresh:
        _refuse_settings(context)
    settings = load_settings()
    seconds = None if budget is None else parse_duration(budget, "--budget")
    config = training_config(kge, model_scorer)
    with reporting() as report:
        with report.during("graph server"):
            store = open_store(settings)
        with store:
            if refresh:
                saved = refresh_latest(settings, store, report=report, derived=derived)
            else:
                saved = train_latest(
                    settings,
                    store,
                    seed=seed,
                    report=report,
                    derived=derived,
                    measure=measure,
                    budget=seconds,
                    config=config,
                    new_only=new_only,
                )
    removed = remove_old_models(settings, keep) if keep else []
    print_notes(saved)
    _print(saved, json)
    for path in removed if not json else ():
        print(f"removed {path}")


def _refuse_settings(context: typer.Context) -> None:
    for name, option in FIXED_BY_REFRESH.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"--refresh keeps the settings of the latest model; leave out {option}")


def _print(saved: SavedModel, json: bool) -> None:
    manifest = saved.manifest
    if json:
        print(manifest.model_dump_json(indent=2))
        return
    if manifest.tuned:
        print(tuned_text(manifest.tuned))
    if manifest.metrics:
        print(metrics_text(manifest.metrics))
    print(f"model {manifest.model_version} in {saved.path}")


def print_notes(saved: SavedModel) -> None:
    """Say on stderr that nothing was trained, learnt or measured, if so."""
    manifest = saved.manifest
    if saved.new:
        print(f"model: new since the model before: {new_text(saved.new)}", file=sys.stderr)
    if saved.reused:
        print("model: unchanged inputs, reused", file=sys.stderr)
    if saved.refused:
        print(f"model: not in use: {saved.refused}", file=sys.stderr)
    if manifest.ranked_by:
        print(f"model: {manifest.ranked_by}", file=sys.stderr)
    if manifest.measured and not manifest.metrics and not manifest.ranked_on:
        print(f"model: nothing was measured: {NO_TEST_EVENTS}", file=sys.stderr)


def new_text(new: NewSince) -> str:
    """What came into the graph, in words."""
    counts = (("event", new.events), ("user", new.users), ("item", new.items))
    return ", ".join(f"{n:,} {name}{'' if n == 1 else 's'}" for name, n in counts)


def tuned_text(tuned: dict[str, Any]) -> str:
    """What a search found, in one line a setting."""
    first = f"{tuned['trials']} trials: NDCG {tuned['ndcg_before']:.4f} before, {tuned['ndcg']:.4f} at best"
    return "\n".join([first, *(f"  {path} = {value:.4g}" for path, value in tuned["changed"].items())])


def metrics_text(table: dict[str, dict[str, float]]) -> str:
    """One line a method, one column a metric; the number of users measured comes last."""
    names = list(next(iter(table.values()), {}))
    lines = [f"{'':<12}" + "".join(f"{name:>14}" for name in names)]
    for method, values in table.items():
        cells = (_cell(name, values[name]) if name in values else "" for name in names)
        lines.append(f"{method:<12}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    return f"{value:,.0f}" if name == "users" else f"{value:.4f}"
