"""`trailmix enrich`: relations made from what the graph holds, beside the facts."""

from collections.abc import Mapping
from typing import Annotated

import typer

from embeddings.text.derived_relations import MENTIONS, mention_relations, similar_relations
from embeddings.text.encoder import open_encoder
from embeddings.text.linking import link_entities
from kg.settings import load_settings
from kg.snapshot import SnapshotCache
from kg.store.connect import open_store
from kg.store.derived import Replaced, derived_types, replace_derived
from scripts.progress import reporting

Threshold = Annotated[
    float, typer.Option("--threshold", min=0.0, max=1.0, help="The lowest score of a relation.")
]


def similar(
    k: Annotated[int, typer.Option("--k", min=1, help="The most relations of one item.")] = 10,
    threshold: Threshold = 0.6,
) -> None:
    """Join each item to those with the most similar texts: SIMILAR_TO, with the cosine.

    The cosine is the relation's `score`.

    Example: trailmix enrich similar --k 5
    """
    settings = load_settings()
    with reporting() as report, open_store(settings) as store:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
        encoder = open_encoder(settings)
        vectors = encoder.encode(snapshot.texts, report)
        found = similar_relations(snapshot, vectors, encoder.name, k, threshold)
        _print(replace_derived(store, found, report=report))


def text_entities(
    threshold: Threshold = 0.8,
    exact: Annotated[
        bool, typer.Option("--exact", help="Find exact names only; no text encoder is loaded.")
    ] = False,
) -> None:
    """Join items to the entities that their texts name: MENTIONS_PERSON, ..., with evidence.

    Example: trailmix enrich text-entities --threshold 0.9
    """
    settings = load_settings()
    with reporting() as report, open_store(settings) as store:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
        encoder = None if exact else open_encoder(settings)
        found = mention_relations(snapshot, link_entities(snapshot, encoder, threshold, report))
        _print(replace_derived(store, found, derived_types(store.schema(), MENTIONS), report))


def _print(done: Mapping[str, Replaced]) -> None:
    for kind, one in done.items():
        print(f"{kind}: {one.written:,} written, {one.removed:,} of an earlier time removed")
    if not any(one.written for one in done.values()):
        print("nothing found; try a lower --threshold")
