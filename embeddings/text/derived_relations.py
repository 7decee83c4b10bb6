"""Derived relations from the texts of items, as rows for `kg.store.derived.replace_derived`."""

import re
from collections.abc import Iterable

from embeddings.text.linking import Link
from embeddings.text.similar import nearest
from kg.graph import FloatArray, GraphSnapshot
from kg.schema import Phrase, RelationSchema
from kg.store.records import PropertyValue, RelationRow

SIMILAR = "SIMILAR_TO"
MENTIONS = "MENTIONS_"

Relations = dict[str, tuple[RelationSchema, list[RelationRow]]]
"""For each relation type, its schema and its rows."""


def similar_relations(
    snapshot: GraphSnapshot, vectors: FloatArray, encoder: str, k: int, threshold: float
) -> Relations:
    """Relations from each item to up to k items with the most similar texts, of cosine >= `threshold`.

    `vectors` are unit rows, float32 [n_items, dim]; `encoder` is the name of the encoder that made them.
    Of the items of another `same_as` group the most similar is joined; of the own group none is.
    """
    ids, label = snapshot.items.ids, snapshot.schema.item.label
    group = snapshot.item_group if snapshot.same_as else None
    phrase = Phrase(out="described much like", back="also described much like")
    relation = RelationSchema(type=SIMILAR, head=label, tail=label, phrase=phrase, derived=True)
    rows: list[RelationRow] = [
        {"head": ids[a], "tail": ids[b], "properties": {"score": round(score, 4), "encoder": encoder}}
        for a, b, score in nearest(vectors, k, threshold, group)
    ]
    return {SIMILAR: (relation, rows)}


def mention_relations(snapshot: GraphSnapshot, links: Iterable[Link]) -> Relations:
    """Relations from items to the entities that their texts mention; one type for each entity label."""
    found: Relations = {}
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
