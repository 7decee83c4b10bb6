"""The nodes that a name may mean."""

from kg.graph import GraphSnapshot
from kg.names import composed


def named_nodes(snapshot: GraphSnapshot, name: str) -> list[int]:
    """The nodes that a like may mean: `Label:id`, else entities of that id, else the item of that id."""
    label, _, rest = name.partition(":")
    label = composed(label)
    vocabularies, offsets = snapshot.vocabularies[:-1], snapshot.offsets
    for vocabulary in vocabularies:
        if vocabulary.label == label and rest in vocabulary:
            return [offsets[label] + vocabulary.index(rest)]
    found = [offsets[v.label] + v.index(name) for v in vocabularies if name in v]
    return [node for node in found if node >= snapshot.n_items] or found
