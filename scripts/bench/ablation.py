"""`trailmix bench ablation`: the model beside itself with one part left out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.evaluate import Protocol
from scripts.options import ModelScorerOption, training_config
from scripts.progress import reporting

if TYPE_CHECKING:
    from embeddings.evaluation.bootstrap import Interval
    from embeddings.evaluation.comparison import Row, Table
    from embeddings.training.fit import TrainingConfig


def command(
    benchmark: Annotated[Path, typer.Option(help="A benchmark folder to measure on.")],
    protocol: Annotated[Protocol, typer.Option(help="What is held out.")] = "all",
    without: Annotated[
        list[str] | None,
        typer.Option(help="gnn, kge, text, facts or gate; may be repeated. None: each that the model has."),
    ] = None,
    expert: ModelScorerOption = None,
    k: Annotated[int, typer.Option("--k", min=1, help="How many items are recommended.")] = 20,
    seed: Annotated[int, typer.Option(help="Of training, and of intervals.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Learn the model whole and without each of its parts, and measure all on the same trials.

    gnn, kge: no such scorer, and no knowledge-graph embedding beneath graph convolution. text, facts: the
    data has none. gate: the ranker sees what scorers say and nothing of what is known of users and items.
    Graph convolution is no scorer by default; `--scorer default --scorer gnn` makes it one.

    Example: trailmix bench ablation --benchmark sample --protocol warm --without text --without gate
    """
    from embeddings.evaluation.comparison import tabulate
    from embeddings.evaluation.trials import OURS
    from embeddings.training.ablation import variants
    from kg.settings import load_settings
    from scripts.evaluate import compare, on_benchmark, per_user
    from scripts.report import tables_json

    config = training_config(None, expert)
    with reporting() as report:
        methods = list(variants(without or _parts(config), config, seed, report))
        ground = on_benchmark(load_settings(), benchmark, protocol, seed, report)
        compared = compare(ground, methods, k, None, report)
    tables = [tabulate(trial, found, OURS, OURS, seed=seed) for trial, found in compared.by_trial()]
    for table in tables:
        _print(table)
    if json:
        about = {"benchmark": benchmark.name, "seed": seed, "k": k}
        json.write_text(tables_json(about, tables, per_user(compared)), encoding="utf-8")


def _parts(config: "TrainingConfig") -> list[str]:
    """All that the model has; what it has not is told on stderr."""
    from embeddings.training.ablation import PARTS, missing

    for why in filter(None, (missing(part, config) for part in PARTS)):
        print(f"skipped {why}", file=sys.stderr)
    return [part for part in PARTS if not missing(part, config)]


def _print(table: "Table") -> None:
    from scripts.report import print_table, title

    parts = sorted({name for row in table.rows for name in row.parts})
    headings = ["", f"NDCG@{table.k}", "95 %", "ratio", "95 %", "difference", "95 %"]
    print_table(title(table), [*headings, *parts], [line(row, parts, table.k) for row in table.rows])


def line(row: "Row", parts: Sequence[str], k: int) -> list[str]:
    """One row: NDCG, the ratio to the whole model and the difference from it, NDCG by less that is right."""
    figures = [f"{row.ndcg.value:.4f}", _ends(row.ndcg, ".4f")]
    if row.versus is None:
        figures += [""] * 4
    else:
        ratio, difference = row.versus.ratio, row.versus.difference
        figures += [f"{ratio.value:.3f}", _ends(ratio, ".3f")]
        figures += [f"{difference.value:+.4f}", _ends(difference, "+.4f")]
    return [row.method, *figures, *(f"{row.parts[part][f'ndcg@{k}']:.4f}" for part in parts)]


def _ends(interval: "Interval", form: str) -> str:
    return f"{interval.low:{form}} to {interval.high:{form}}"
