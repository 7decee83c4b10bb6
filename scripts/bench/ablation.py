"""`trailmix bench ablation`: the model beside itself with one part left out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from embeddings.evaluation.bootstrap import Interval
from embeddings.evaluation.comparison import Row, Table
from embeddings.evaluation.experiment import (
    benchmark_experiment,
    ndcg_by_user,
    result_tables,
    run_experiment,
)
from embeddings.evaluation.trials import OURS
from embeddings.text.encoder import open_encoder
from embeddings.training.ablation import PARTS, missing, variants
from embeddings.training.config import TrainingConfig
from kg.settings import load_settings
from scripts.options import ModelScorerOption, ProtocolOption, training_config
from scripts.progress import reporting
from scripts.report import print_table, tables_json, title


def command(
    benchmark: Annotated[Path, typer.Option(help="The benchmark folder to measure on.")],
    protocol: ProtocolOption = "all",
    without: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A part to leave out: {', '.join(PARTS)}; may be repeated. "
            "The default is each part that the model has."
        ),
    ] = None,
    model_scorer: ModelScorerOption = None,
    k: Annotated[int, typer.Option("--k", min=1, help="The number of items recommended.")] = 20,
    seed: Annotated[int, typer.Option(help="The seed of training and of the intervals.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Train the model with and without each of its parts and measure all on the same trials.

    A part is a scorer (gnn, kge), what the data tells of items (text, facts), or the features that tell the
    ranker how much is known of users and items.

    Example: trailmix bench ablation --benchmark sample --protocol warm --without text --without facts
    """
    config = training_config(None, model_scorer)
    encoder = open_encoder(load_settings())
    with reporting() as report:
        methods = list(variants(without or _parts(config), config, seed, report))
        experiment = benchmark_experiment(benchmark, encoder, protocol, seed, report)
        results = run_experiment(experiment, methods, k, report=report)
    tables = result_tables(results, OURS, seed=seed)
    for table in tables:
        _print(table)
    if json:
        about = {"benchmark": benchmark.name, "seed": seed, "k": k}
        json.write_text(tables_json(about, tables, ndcg_by_user(results)), encoding="utf-8")


def _parts(config: TrainingConfig) -> list[str]:
    """The parts that the model has; stderr names those that it does not have."""
    for why in filter(None, (missing(part, config) for part in PARTS)):
        print(f"skipped {why}", file=sys.stderr)
    return [part for part in PARTS if not missing(part, config)]


def _print(table: Table) -> None:
    parts = sorted({name for row in table.rows for name in row.parts})
    headings = ["", f"NDCG@{table.k}", "95 %", "ratio", "95 %", "difference", "95 %"]
    print_table(title(table), [*headings, *parts], [line(row, parts, table.k) for row in table.rows])


def line(row: Row, parts: Sequence[str], k: int) -> list[str]:
    """One row: NDCG, its ratio to the whole model's, the difference, and NDCG by part of the trial."""
    figures = [f"{row.ndcg.value:.4f}", _ends(row.ndcg, ".4f")]
    if row.versus is None:
        figures += [""] * 4
    else:
        ratio, difference = row.versus.ratio, row.versus.difference
        figures += [f"{ratio.value:.3f}", _ends(ratio, ".3f")]
        figures += [f"{difference.value:+.4f}", _ends(difference, "+.4f")]
    return [row.method, *figures, *(f"{row.parts[part][f'ndcg@{k}']:.4f}" for part in parts)]


def _ends(interval: Interval, form: str) -> str:
    return f"{interval.low:{form}} to {interval.high:{form}}"
