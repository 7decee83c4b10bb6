"""Why a row that refers to no node is rejected, and what to do if only the way its id is written is wrong."""

import unicodedata
from collections.abc import Callable

import pandas as pd

from kg.graph import HashArray
from kg.ingestion.hashes import hashes, in_sorted
from kg.ingestion.ids import as_seen, without_point
from kg.ingestion.mapping_parts import NodeMapping

_AS_NUMBERS: tuple[Callable[[str], str], ...] = (
    without_point,
    lambda text: f"{without_point(text)}.0",
    lambda text: without_point(text).lstrip("0") or "0",
)
_AS_TEXTS: tuple[Callable[[str], str], ...] = (
    as_seen,
    lambda text: unicodedata.normalize("NFD", as_seen(text)),
)


def dangling_reasons(label: str, node: NodeMapping, known: HashArray, ids: pd.Series) -> list[str]:
    """The reason for each of `ids`, none of which has a hash in `known`, the sorted hashes of a label."""
    add = f"add `id: {{column: {node.id.column}, type: integer}}` to nodes.{label}"
    alike = "they differ only in invisible characters or in how letters are composed (NFC, NFD)"
    found = dict.fromkeys(ids.index, f"is the id of no {label}; add it to {node.source} or remove the row")
    for forms, advice in ((_AS_TEXTS, f"{alike}: write them alike"), (_AS_NUMBERS, add)):
        for form in forms:
            others = ids.map(form)
            for row in ids.index[in_sorted(hashes(others), known)]:
                found[row] = f"is the id of no {label}, but {others[row]!a} is; {advice}"
    return list(found.values())
