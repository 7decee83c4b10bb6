"""`trailmix evaluate`: the model and baselines side by side, on the graph or on a benchmark folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from embeddings.evaluation.comparison import Table
from embeddings.evaluation.experiment import (
    Experiment,
    benchmark_experiment,
    graph_experiment,
    method_names,
    named_methods,
    ndcg_by_user,
    result_tables,
    run_experiment,
)
from embeddings.evaluation.trials import OURS, Method
from embeddings.text.encoder import open_encoder
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit_scores
from embeddings.training.ranked_by import check_items
from kg.errors import UsageError
from kg.progress import Report
from kg.settings import load_settings
from kg.snapshot import SnapshotCache
from kg.store.connect import open_store
from scripts.lists import DEPTH, write_lists
from scripts.options import KgeOption, ModelScorerOption, ProtocolOption, training_config
from scripts.page import page
from scripts.plots import pictures
from scripts.progress import reporting
from scripts.report import print_tables, tables_json
from scripts.reranking import measure_reranking, print_curves, write_curves


def command(
    benchmark: Annotated[
        Path | None, typer.Option(help="Measure on this benchmark folder instead of on the graph.")
    ] = None,
    protocol: ProtocolOption = "all",
    split: Annotated[
        Literal["random", "next", "future", "stated_likes"],
        typer.Option(
            help="What is held out of the graph: a tenth of each user's items at random, the last tenth of "
            "each user's items, the last tenth of all events, or a tenth of the users, of whom only liked "
            "entities are then known."
        ),
    ] = "random",
    k: Annotated[int, typer.Option("--k", min=1, help="The number of items recommended.")] = 20,
    seed: Annotated[int, typer.Option(help="The seed of the split, of training and of the intervals.")] = 0,
    scorer: Annotated[
        list[str] | None,
        typer.Option("--scorer", help="A method to measure; may be repeated. `all` stands for every method."),
    ] = None,
    kge: KgeOption = None,
    model_scorer: ModelScorerOption = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="The method that ratios divide by. The default is the best baseline of each trial."
        ),
    ] = None,
    facet: Annotated[
        str | None,
        typer.Option(help="The relation that miscalibration is computed over. The default is the broadest."),
    ] = None,
    reranking: Annotated[
        bool,
        typer.Option(
            "--reranking",
            help="Measure the model's lists put together by diversity, calibration, novelty and exploration"
            " at several strengths, in place of methods.",
        ),
    ] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    export_lists: Annotated[
        Path | None,
        typer.Option(
            help="Write the first 100 items of each list to this folder: those of the first method into it, "
            "those of each other method into a subfolder."
        ),
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Write plots (PNG) to this folder.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with tables and plots to this file.")
    ] = None,
) -> None:
    """Measure the model and baselines on the same splits; every item is ranked.

    Example: trailmix evaluate --benchmark sample --protocol mixed --scorer trailmix --scorer ease
    """
    names, config = method_names(scorer), training_config(kge, model_scorer)
    where = {"split": split} if benchmark is None else {"benchmark": benchmark.name}
    if reranking:
        _refuse({"--scorer": scorer, "--against": against, "--export-lists": export_lists, "--html": html})
        with reporting() as report:
            experiment = _experiment(benchmark, protocol, split, seed, report)
            curves = measure_reranking(experiment, config, facet, seed, report)
        print_curves(curves)
        write_curves({**where, "seed": seed}, curves, json, plots)
        return
    with reporting() as report:
        experiment = _experiment(benchmark, protocol, split, seed, report)
        methods = named_methods(names, model_method(config, seed, report), kge, seed, report)
        for name, reason in experiment.left_out.items():
            typer.echo(f"{name} is left out: {reason}", err=True)
        results = run_experiment(experiment, methods, k, DEPTH if export_lists else None, report)
    tables = result_tables(results, against, facet, seed)
    print_tables(tables)
    about = {**where, "seed": seed, "k": k}
    if json:
        json.write_text(tables_json(about, tables, ndcg_by_user(results)), encoding="utf-8")
    if export_lists:
        write_lists(export_lists, results)
    _write_pictures(about, tables, plots, html)


def _refuse(options: dict[str, Any]) -> None:
    """Options that `--reranking` does not take."""
    for name, value in options.items():
        if value:
            raise UsageError(f"{name} is for methods; leave it out beside --reranking")


def _experiment(benchmark: Path | None, protocol: str, split: str, seed: int, report: Report) -> Experiment:
    settings = load_settings()
    encoder = open_encoder(settings)
    if benchmark is not None:
        return benchmark_experiment(benchmark, encoder, protocol, seed, report)
    with open_store(settings) as store:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
    check_items(snapshot)
    return graph_experiment(snapshot, encoder, split, seed, report)


def model_method(config: TrainingConfig, seed: int, report: Report) -> Method:
    """The model under a configuration, as a method to measure."""
    return Method(OURS, (config,), lambda data, config: fit_scores(data, config, seed, report))


def _write_pictures(
    about: dict[str, Any], tables: Sequence[Table], plots: Path | None, html: Path | None
) -> None:
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        for table in tables:
            for name, png in pictures(table).items():
                (plots / name).write_bytes(png)
    if html:
        html.write_text(page(about, tables), encoding="utf-8")
