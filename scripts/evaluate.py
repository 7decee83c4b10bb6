"""`trailmix evaluate`: the model and baselines side by side on events held out of the graph."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.progress import reporting


def command(
    split: Annotated[
        Literal["random", "temporal"],
        typer.Option(help="random: a tenth of each user's items; temporal: the last tenth of all events."),
    ] = "random",
    k: Annotated[int, typer.Option("--k", min=1, help="How many items are recommended.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the split and of training.")] = 0,
    scorer: Annotated[
        list[str] | None, typer.Option("--scorer", help="A method to measure; may be repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the table to this file as JSON.")] = None,
) -> None:
    """Measure the model beside popularity, item neighbours and EASE: full ranking, same split, same code.

    Example: trailmix evaluate --split temporal --k 10
    """
    from embeddings.evaluation import BASELINES, OURS, metrics_table, split_tasks
    from embeddings.fusion import TrainingConfig
    from embeddings.splits import random_split, temporal_split
    from embeddings.text import CachedEncoder, TransformerEncoder
    from embeddings.training import measure
    from kg.connect import open_store
    from kg.settings import load_settings
    from kg.snapshot import SnapshotCache
    from scripts.train import metrics_text

    settings = load_settings()
    with reporting() as report:
        with open_store(settings) as store:
            snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
        encoder = CachedEncoder(TransformerEncoder(settings.text_model), settings.text_cache_folder)
        events = snapshot.interactions
        parts = random_split(events, seed) if split == "random" else temporal_split(events)
        valid, test = split_tasks(snapshot, encoder.encode(snapshot.texts, report), parts)
        names = tuple(scorer or (OURS, *BASELINES))
        results = [measure(name, valid, test, TrainingConfig(), k, seed, report) for name in names]
    table = metrics_table(results)
    print(metrics_text(table))
    if json:
        json.write_text(table_json(split, seed, k, table))


def table_json(split: str, seed: int, k: int, table: dict[str, dict[str, float]]) -> str:
    """What was measured and how, as JSON."""
    from json import dumps

    return dumps({"split": split, "seed": seed, "k": k, "metrics": table}, indent=2) + "\n"
