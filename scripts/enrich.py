"""`trailmix enrich`: relations made from what the graph holds, beside the facts."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from embeddings.text.linking import Link
    from kg.derived import Replaced
    from kg.graph import GraphSnapshot
    from kg.schema import RelationSchema
    from kg.store import PropertyValue, RelationRow

app = typer.Typer(
    help="Add relations that are found in the items' texts; models ignore them unless asked.",
    no_args_is_help=True,
)

SIMILAR = "SIMILAR_TO"
MENTIONS = "MENTIONS_"

Threshold = Annotated[float, typer.Option("--threshold", min=0.0, max=1.0, help="Only from this score on.")]


@app.command("similar")
def similar(
    k: Annotated[int, typer.Option("--k", min=1, help="How many for each item at most.")] = 10,
    threshold: Threshold = 0.6,
) -> None:
    """Join each item to those whose texts are most like its own: SIMILAR_TO, with a `score` (cosine).

    Example: trailmix enrich similar --k 5
    """
    from embeddings.text.encoder import open_encoder
    from embeddings.text.similar import nearest
    from kg.connect import open_store
    from kg.derived import replace_derived
    from kg.schema import Phrase, RelationSchema
    from kg.settings import load_settings
    from kg.snapshot import SnapshotCache
    from scripts.progress import reporting

    settings = load_settings()
    with open_store(settings) as store, reporting() as report:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
        encoder = open_encoder(settings)
        vectors = encoder.encode(snapshot.texts, report)
        ids, label = snapshot.items.ids, snapshot.schema.item.label
        phrase = Phrase(out="described much like", back="also described much like")
        relation = RelationSchema(type=SIMILAR, head=label, tail=label, phrase=phrase, derived=True)
        rows: list[RelationRow] = [
            {
                "head": ids[a],
                "tail": ids[b],
                "properties": {"score": round(score, 4), "encoder": encoder.name},
            }
            for a, b, score in nearest(vectors, k, threshold)
        ]
        _print(replace_derived(store, {SIMILAR: (relation, rows)}, report=report))


@app.command("text-entities")
def text_entities(
    threshold: Threshold = 0.8,
    exact: Annotated[bool, typer.Option("--exact", help="Exact names only; loads no text encoder.")] = False,
) -> None:
    """Join items to the entities that their texts name: MENTIONS_PERSON and so on, with the evidence.

    Example: trailmix enrich text-entities --threshold 0.9
    """
    from embeddings.text.encoder import open_encoder
    from embeddings.text.linking import link_entities
    from kg.connect import open_store
    from kg.derived import derived_types, replace_derived
    from kg.settings import load_settings
    from kg.snapshot import SnapshotCache
    from scripts.progress import reporting

    settings = load_settings()
    with open_store(settings) as store, reporting() as report:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
        encoder = None if exact else open_encoder(settings)
        found = mentions(snapshot, link_entities(snapshot, encoder, threshold, report))
        _print(replace_derived(store, found, derived_types(store.schema(), MENTIONS), report))


def mentions(
    snapshot: "GraphSnapshot", links: "list[Link]"
) -> "dict[str, tuple[RelationSchema, list[RelationRow]]]":
    """Links as relations, one type for each label of the entities."""
    from kg.schema import Phrase, RelationSchema

    found: dict[str, tuple[RelationSchema, list[RelationRow]]] = {}
    phrase = Phrase(out="whose description names", back="also named in the description of")
    for link in links:
        label, entity = snapshot.locate(link.node)
        kind = MENTIONS + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", label).upper()
        relation = RelationSchema(
            type=kind, head=snapshot.schema.item.label, tail=label, phrase=phrase, derived=True
        )
        evidence: dict[str, PropertyValue] = {
            "mention": link.mention,
            "position": link.position,
            "by": link.by,
            "score": round(link.score, 4),
        }
        row: RelationRow = {"head": snapshot.items.ids[link.item], "tail": entity, "properties": evidence}
        found.setdefault(kind, (relation, []))[1].append(row)
    return found


def _print(done: "dict[str, Replaced]") -> None:
    for kind, one in done.items():
        print(f"{kind}: {one.written:,} written, {one.removed:,} of an earlier time removed")
    if not any(one.written for one in done.values()):
        print("nothing found; try a lower --threshold")
