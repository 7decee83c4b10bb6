"""What searches and similarities share: labels that can be found, and groups of near-duplicates."""

from collections.abc import Sequence

from kg.errors import InvalidFieldsError
from kg.graph import GraphSnapshot, IntArray
from kg.nearest_name import nearest_name
from kg.shown import shown


def checked_label(snapshot: GraphSnapshot, label: str, pointer: str) -> str:
    """The label, which is that of items or entities.

    Raises:
        InvalidFieldsError: it is unknown, or that of users, who are never found.
    """
    labels = [x.label for x in snapshot.vocabularies[:-1]]
    if label not in labels:
        detail = f"no label {shown(label)} to look for{nearest_name(label, labels)}"
        raise InvalidFieldsError([(pointer, detail)])
    return label


def first_of_groups(nodes: Sequence[int], item_group: IntArray) -> list[int]:
    """The places of the nodes but for items of a group that has an earlier one."""
    seen: set[int] = set()
    kept: list[int] = []
    for place, node in enumerate(nodes):
        key = int(item_group[node]) if node < len(item_group) else node
        if key not in seen:
            kept.append(place)
        seen.add(key)
    return kept
