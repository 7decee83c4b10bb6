"""The files of a snapshot in its folder: `strings.json` and `arrays.npz`."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.graph import GraphSnapshot, Interactions, Triples, Vocabulary
from kg.item_properties import BooleanColumn, ItemProperties, NumberColumn, PropertyColumn, TextColumn
from kg.schema import GraphSchema
from kg.user_profiles import UserProfile

DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, zlib.error)
"""The exceptions that reading a damaged file can raise."""


_TRIPLES = ("head", "relation", "tail")
_INTERACTIONS = ("user", "item", "value", "time", "kind", "liked")


def write_files(folder: Path, snapshot: GraphSnapshot) -> None:
    """Write a snapshot into a new folder."""
    folder.mkdir()
    arrays = {f"triples_{name}": getattr(snapshot.triples, name) for name in _TRIPLES}
    arrays |= {f"interactions_{name}": getattr(snapshot.interactions, name) for name in _INTERACTIONS}
    columns = snapshot.item_properties.columns
    for n, column in enumerate(columns.values()):
        arrays |= {f"property_{n}_{name}": array for name, array in column.arrays().items()}
    np.savez(folder / "arrays.npz", **arrays)
    strings = {
        "source": snapshot.source,
        "schema": snapshot.schema.model_dump(mode="json"),
        "ids": {v.label: v.ids for v in snapshot.vocabularies},
        "names": snapshot.names,
        "texts": snapshot.texts,
        "same_as": snapshot.same_as,
        "years": {str(node): year for node, year in snapshot.years.items()},
        "properties": [_described(name, column) for name, column in columns.items()],
        "profiles": {user: asdict(profile) for user, profile in snapshot.profiles.items()},
    }
    (folder / "strings.json").write_text(json.dumps(strings, ensure_ascii=False), encoding="utf-8")


def read_files(folder: Path) -> GraphSnapshot:
    """The snapshot in a folder.

    Raises:
        One of `DAMAGE`: it cannot be read. Its fingerprint tells whether what was read is what was written.
    """
    strings = json.loads((folder / "strings.json").read_text(encoding="utf-8"))
    with np.load(BytesIO((folder / "arrays.npz").read_bytes()), allow_pickle=False) as arrays:
        triples = Triples(*(arrays[f"triples_{name}"] for name in _TRIPLES))
        interactions = Interactions(*(arrays[f"interactions_{name}"] for name in _INTERACTIONS))
        described = strings.get("properties", ())
        properties = {own["name"]: _restored(own, n, arrays) for n, own in enumerate(described)}
    return GraphSnapshot(
        GraphSchema.model_validate(strings["schema"]),
        tuple(Vocabulary(label, ids) for label, ids in strings["ids"].items()),
        tuple(strings["names"]),
        tuple(strings["texts"]),
        triples,
        interactions,
        strings["source"],
        tuple(strings.get("same_as", ())),  # snapshots of earlier versions have no groups, years, properties
        {int(node): year for node, year in strings.get("years", {}).items()},
        ItemProperties(properties),
        {
            user: UserProfile(**{name: tuple(own) for name, own in stated.items()})
            for user, stated in strings.get("profiles", {}).items()
        },
    )


_KINDS: dict[str, type[PropertyColumn]] = {
    "number": NumberColumn,
    "boolean": BooleanColumn,
    "text": TextColumn,
}


def _described(name: str, column: PropertyColumn) -> dict[str, Any]:
    """What `strings.json` has of a property: all but the arrays."""
    kind = next(kind for kind, own in _KINDS.items() if isinstance(column, own))
    texts = {"texts": column.texts, "lists": column.lists} if isinstance(column, TextColumn) else {}
    return {"name": name, "kind": kind, **texts}


def _restored(described: dict[str, Any], n: int, arrays: Mapping[str, npt.NDArray[Any]]) -> PropertyColumn:
    match described["kind"]:
        case "number":
            return NumberColumn(arrays[f"property_{n}_numbers"])
        case "boolean":
            return BooleanColumn(arrays[f"property_{n}_booleans"])
    own = arrays[f"property_{n}_starts"], arrays[f"property_{n}_codes"]
    return TextColumn(*own, tuple(described["texts"]), described["lists"])
