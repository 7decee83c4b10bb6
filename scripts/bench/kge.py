"""`trailmix bench kge`: link prediction by each knowledge-graph embedding, if wished beside PyKEEN's."""

import json as jsonlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Annotated, Any, get_args

import typer

from embeddings.evaluation.link_prediction import FactSplit, joined, link_metrics, split_facts
from embeddings.graph.configs import KgeConfig, KgeModel
from embeddings.graph.kge import Embedding, train_kge
from kg.adapters.benchmark_graph import read_graph
from kg.errors import UsageError
from kg.graph import GraphSnapshot
from kg.settings import load_settings
from kg.snapshot import SnapshotCache
from kg.store.connect import open_store
from scripts.bench.pykeen_reference import Style, train_with_pykeen
from scripts.progress import reporting

Trainer = Callable[[FactSplit, int, int, KgeConfig, int], Embedding]

MODELS: tuple[KgeModel, ...] = get_args(KgeModel)

OURS = "trailmix"


def command(
    benchmark: Annotated[
        Path | None, typer.Option(help="Use the facts of this benchmark folder instead of the graph's.")
    ] = None,
    pykeen: Annotated[
        bool, typer.Option("--pykeen", help="Train PyKEEN's models, too; needs: pip install pykeen.")
    ] = False,
    dim: Annotated[int, typer.Option(min=2, help="The number of real numbers an entity; even.")] = 64,
    epochs: Annotated[int, typer.Option(min=1, help="The number of passes over the facts.")] = 5,
    batch_size: Annotated[int, typer.Option(min=1, help="The number of facts a step.")] = 2048,
    learning_rate: Annotated[float, typer.Option(help="The learning rate of Adam.")] = 0.02,
    negatives: Annotated[int, typer.Option(min=1, help="The number of entities drawn for each fact.")] = 32,
    seeds: Annotated[
        int, typer.Option(min=1, help="The number of splits and trainings; medians are printed.")
    ] = 3,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train each knowledge-graph embedding and rank held-out facts among all entities.

    A tenth of the facts is held out, and 80 % are trained on. PyKEEN's models are trained twice: with the
    initialisation, constraints and regulariser of PyKEEN's own class ("own"), and with nothing but our
    initialisation ("plain"). Facts, loss, negatives, batches, optimiser, learning rate, epochs and evaluation
    are the same for all.

    Example: trailmix bench kge --benchmark sample --pykeen
    """
    trainers = _trainers(pykeen)
    snapshot = _snapshot(benchmark)
    rows = []
    for model in MODELS:
        config = KgeConfig(model, dim, epochs, batch_size, learning_rate, negatives)
        runs = [run for seed in range(seeds) for run in _runs(snapshot, config, trainers, seed)]
        rows += summary(model, runs)
        if not json:
            print("\n".join(_lines(rows[-len(trainers) :], head=model == MODELS[0])), flush=True)
    if json:
        print(jsonlib.dumps(rows))


def summary(model: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a method: medians over seeds, and our MRR as a share of the method's."""
    rows = []
    ours = median(run["mrr"] for run in runs if run["method"] == OURS)
    for method in dict.fromkeys(run["method"] for run in runs):
        own = [run for run in runs if run["method"] == method]
        middle = {key: median(run[key] for run in own) for key in ("mrr", "hits@10", "seconds")}
        rows.append({"model": model, "method": method, **middle, "ours_by_it": ours / middle["mrr"]})
    return rows


def _lines(rows: list[dict[str, Any]], *, head: bool) -> Iterator[str]:
    if head:
        yield f"{'model':<10}{'method':<14}{'mrr':>8}{'hits@10':>9}{'seconds':>9}{'trailmix / it':>15}"
    for row in rows:
        figures = f"{row['mrr']:>8.4f}{row['hits@10']:>9.4f}{row['seconds']:>9.1f}{row['ours_by_it']:>15.2f}"
        yield f"{row['model']:<10}{row['method']:<14}{figures}"


def _runs(
    snapshot: GraphSnapshot, config: KgeConfig, trainers: dict[str, Trainer], seed: int
) -> Iterator[dict[str, Any]]:
    split = split_facts(snapshot.triples, seed)
    known = joined(split.train, split.valid)
    for method, train in trainers.items():
        began = time.perf_counter()
        embedding = train(split, snapshot.first_user, len(snapshot.relations), config, seed)
        seconds = time.perf_counter() - began
        yield {"method": method, "seconds": seconds, **link_metrics(embedding, split.test, known)}


def _trainers(pykeen: bool) -> dict[str, Trainer]:
    def ours(split: FactSplit, nodes: int, relations: int, config: KgeConfig, seed: int) -> Embedding:
        with reporting() as report:
            return train_kge(split.train, nodes, relations, config, seed, report)

    if not pykeen:
        return {OURS: ours}
    if find_spec("pykeen") is None:
        raise UsageError("--pykeen needs the package: pip install pykeen")

    def theirs(
        split: FactSplit, nodes: int, relations: int, config: KgeConfig, seed: int, style: Style
    ) -> Embedding:
        return train_with_pykeen(split.train, nodes, relations, config, seed, style)

    styles: tuple[Style, ...] = ("own", "plain")
    return {OURS: ours, **{f"pykeen {style}": partial(theirs, style=style) for style in styles}}


def _snapshot(benchmark: Path | None) -> GraphSnapshot:
    """The snapshot of the folder, or of the graph in use, without facts that have a user at one end."""
    if benchmark is not None:
        snapshot = read_graph(benchmark).snapshot()
    else:
        settings = load_settings()
        with reporting() as report, open_store(settings) as store:
            snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
    facts, users = snapshot.triples, snapshot.first_user
    return replace(snapshot, triples=facts.select((facts.head < users) & (facts.tail < users)))
