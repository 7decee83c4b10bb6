"""`trailmix bench similar`: which similarity of items finds the pairs that people like together."""

import json as json_format
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from embeddings.data.dataset import Dataset
from embeddings.evaluation.bootstrap import Interval
from embeddings.evaluation.similar_items import (
    DEFAULT_SIMILARITIES,
    SIMILARITIES,
    SimilarItemsRow,
    SimilarItemsTable,
    Similarities,
    similar_items_tables,
    similar_items_task,
)
from embeddings.text.encoder import open_encoder
from kg.adapters.benchmark import Benchmark
from kg.errors import UsageError
from kg.settings import load_settings
from scripts.options import KgeOption, ModelScorerOption, training_config
from scripts.progress import reporting
from scripts.report import print_table


def command(
    benchmark: Annotated[Path, typer.Option(help="The benchmark folder to measure on.")],
    similarity: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A similarity to measure: {', '.join(SIMILARITIES)}; may be repeated. The first is "
            f"compared with the others. The default is {', '.join(DEFAULT_SIMILARITIES)}."
        ),
    ] = None,
    kge: KgeOption = None,
    model_scorer: ModelScorerOption = None,
    k: Annotated[int, typer.Option("--k", min=1, help="The number of similar items.")] = 10,
    seed: Annotated[
        int, typer.Option(help="The seed of what is hidden, of training and of the intervals.")
    ] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Rank items by similarity to an item, and look for those that hidden users like too.

    A fifth of the users is hidden from what is learnt, and so are all events of a tenth of the items, whose
    figures stand in a table of their own.

    Example: trailmix bench similar --benchmark sample --similarity model --similarity text
    """
    names = _names(similarity)
    config, encoder = training_config(kge, model_scorer), open_encoder(load_settings())
    with reporting() as report:
        snapshot = Benchmark(benchmark).snapshot
        whole = Dataset.from_snapshot(snapshot, encoder.encode(snapshot.texts, report))
        task = similar_items_task(whole, seed)
        fitted = Similarities(task.dataset, config.scorers, seed, report)
        tables = similar_items_tables(task, {name: fitted.named(name) for name in names}, k, seed)
    for table in tables:
        print_table(*cells(table))
    if json:
        about = {"benchmark": benchmark.name, "seed": seed, "k": k}
        content = {**about, "tables": [asdict(table) for table in tables]}
        json.write_text(json_format.dumps(content, indent=1) + "\n", encoding="utf-8")


def _names(asked: Sequence[str] | None) -> list[str]:
    for name in asked or ():
        if name not in SIMILARITIES:
            raise UsageError(f"no similarity is called {name!r}; there are {', '.join(SIMILARITIES)}")
    return list(dict.fromkeys(asked or DEFAULT_SIMILARITIES))


def cells(table: SimilarItemsTable) -> tuple[str, list[str], list[list[str]]]:
    """Title, headings, and one line per similarity."""
    first = table.rows[0].similarity
    title = (
        f"{table.items}: {table.n_items:,} with {table.n_partners:.1f} partners on average; 95 % intervals"
    )
    headings = ["", f"NDCG@{table.k}", "95 %", f"recall@{table.k}", "95 %", f"{first} / it", "95 %"]
    return title, headings, [_line(row) for row in table.rows]


def _line(row: SimilarItemsRow) -> list[str]:
    figures = [
        f"{row.ndcg.value:.4f}",
        _ends(row.ndcg, ".4f"),
        f"{row.recall.value:.4f}",
        _ends(row.recall, ".4f"),
    ]
    if row.versus is None:
        return [row.similarity, *figures, "", ""]
    ratio = row.versus.ratio
    return [row.similarity, *figures, f"{ratio.value:.2f}", _ends(ratio, ".2f")]


def _ends(interval: Interval, form: str) -> str:
    return f"{interval.low:{form}} to {interval.high:{form}}"
