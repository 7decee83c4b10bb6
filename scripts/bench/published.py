"""`trailmix bench published`: methods on a folder of KGAT's layout, beside what others published on it."""

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from embeddings.evaluation.experiment import Experiment, method_names, named_methods, run_experiment
from embeddings.evaluation.kgat_split import DEPTH, PaperMetrics, kgat_trial, paper_metrics
from embeddings.evaluation.trials import OURS
from kg.adapters.kgat_folder import KgatFolder, read_kgat_folder
from scripts.bench.published_figures import PublishedData, published_on
from scripts.evaluate import model_method
from scripts.options import ModelScorerOption, training_config
from scripts.progress import reporting
from scripts.report import print_table

DEFAULT = (OURS, "blend", "ease", "als", "item_knn", "lightgcn")

K = 20
"""The papers' figures are of the first 20 items."""

HEADINGS = ["", "recall@20", "NDCG@20", "KGAT's NDCG@20", "from"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with train.txt and the rest.")],
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            "--scorer", help=f"A method to measure; may be repeated. The default is {', '.join(DEFAULT)}."
        ),
    ] = None,
    model_scorer: ModelScorerOption = None,
    seed: Annotated[
        int, typer.Option(help="The seed of training, and of the events that choose configurations.")
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure on a data folder of KGAT's layout beside the figures that papers published.

    All items without a training event of the user are ranked. A method learns from train.txt; its
    configuration is chosen on a random tenth of each user's training events, never on test.txt. NDCG is given
    by two definitions: that of KGIN and KGCL, and that of KGAT, which is higher.

    Example: trailmix bench published amazon-book --scorer ease --scorer item_knn
    """
    names, config = method_names(scorer or DEFAULT), training_config(None, model_scorer)
    with reporting() as report:
        data = read_kgat_folder(folder)
        trial = kgat_trial(data.snapshot, data.test, seed)
        experiment = Experiment([trial], data.snapshot.users.ids, data.snapshot.items.ids)
        methods = named_methods(names, model_method(config, seed, report), None, seed, report)
        results = run_experiment(experiment, methods, K, DEPTH, report)
    measured = {result.name: paper_metrics(result.ranking, data.test, K) for (result,) in results.methods}
    published = published_on(data.counts)
    if json:
        print(jsonlib.dumps(as_json(data, measured, published)))
        return
    print_table(_title(data, published), HEADINGS, table_lines(measured, published))
    print("\n".join(sources(published)))


def table_lines(measured: dict[str, PaperMetrics], published: PublishedData | None) -> list[Sequence[str]]:
    """One line a method: those measured here, then the published ones; `-` where no figure was published."""
    lines: list[Sequence[str]] = [
        [name, f"{own.recall:.4f}", f"{own.ndcg:.4f}", f"{own.kgat_ndcg:.4f}", "this run"]
        for name, own in measured.items()
    ]
    for figure in published.figures if published else ():
        ndcg = [f"{figure.ndcg:.4f}" if figure.definition == name else "-" for name in ("ndcg", "kgat_ndcg")]
        lines.append([figure.method, f"{figure.recall:.4f}", *ndcg, "published"])
    return lines


def sources(published: PublishedData | None) -> list[str]:
    """Where each published figure is from, a line each."""
    if published is None:
        return ["No figures are known that were published on exactly this split."]
    found = [f"{figure.method}: {figure.source}" for figure in published.figures]
    return ["Published figures are of the training step that is best on the test events.", *found]


def as_json(
    data: KgatFolder, measured: dict[str, PaperMetrics], published: PublishedData | None
) -> dict[str, object]:
    """Everything that the table shows."""
    users, items, train, test = data.counts
    return {
        "data": published.name if published else None,
        "users": users,
        "items": items,
        "train_events": train,
        "test_events": test,
        "facts": len(data.snapshot.triples),
        "measured": {name: asdict(own) for name, own in measured.items()},
        "published": [asdict(figure) for figure in published.figures] if published else [],
    }


def _title(data: KgatFolder, published: PublishedData | None) -> str:
    users, items, train, test = data.counts
    name = published.name if published else data.snapshot.source
    facts, events = len(data.snapshot.triples), f"{train:,} training and {test:,} test events"
    return f"{name}: {users:,} users, {items:,} items, {facts:,} facts, {events}"
