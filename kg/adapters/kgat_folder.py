"""Reads a data folder of KGAT's layout as arrays, with its own split into training and test events.

    train.txt, test.txt    user item item ...       a user's items, liked all of them
    kg_final.txt           head relation tail       may repeat a fact
    item_list.txt          org_id remap_id ...      may be missing, as may the other lists
    entity_list.txt        org_id remap_id
    relation_list.txt      org_id remap_id
    user_list.txt          org_id remap_id

All are integers from 0. An item is the entity of the same number, and users are numbered on their own, so a
node of the snapshot has its number in the folder (KGAT's `load_data.py`). There are neither texts nor times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kg.adapters.facts import relation_type, unused_type
from kg.adapters.files import lines
from kg.adapters.kg_final import names_of_list
from kg.errors import DataError
from kg.graph import NO_TIME, GraphSnapshot, IntArray, Interactions, Triples, Vocabulary
from kg.ingestion.mapping import plain_phrase
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, RelationSchema

USER, ITEM, ENTITY, INTERACTED = "User", "Item", "Entity", "INTERACTED"

NEEDED = ("train.txt", "test.txt", "kg_final.txt")

_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class KgatFolder:
    """A folder of KGAT's layout."""

    snapshot: GraphSnapshot
    """Users, items, entities, facts and the training events; a user's or an item's index is its number."""
    test: sp.csr_array
    """Users x items, float32: 1 for each test event. An item may be in training as well."""

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The number of users, of items, and of different training and test events."""
        seen = self.snapshot.seen
        return self.snapshot.n_users, self.snapshot.n_items, seen.nnz, self.test.nnz


def read_kgat_folder(folder: Path) -> KgatFolder:
    """Read a folder; a repeated event or fact counts once.

    Raises:
        DataError: a file is missing or cannot be read, or a line is not as in KGAT's layout; the message
            names the file and the line.
    """
    _check_files(folder)
    train, test = (_events(folder / name) for name in NEEDED[:2])
    n_users, n_items = (int(max(train[side].max(), test[side].max())) + 1 for side in (0, 1))
    facts = _facts(folder / "kg_final.txt")
    listed = {kind: names_of_list(folder / f"{kind}_list.txt") for kind in ("item", "entity", "relation")}
    n_nodes = max(n_items, int(facts[:, [0, 2]].max(initial=-1)) + 1)
    relations, kinds = _relations(facts, n_items, listed["relation"])
    names = [*_names(range(n_items), listed["item"]), *_names(range(n_items, n_nodes), listed["entity"])]
    users = _names(range(n_users), names_of_list(folder / "user_list.txt"))
    snapshot = GraphSnapshot(
        GraphSchema(
            labels=(
                LabelSchema(label=ITEM, role="item"),
                LabelSchema(label=ENTITY, role="entity"),
                LabelSchema(label=USER, role="user"),
            ),
            relations=relations,
            interactions=(InteractionSchema(type=INTERACTED),),
        ),
        (
            Vocabulary(ITEM, map(str, range(n_items))),
            Vocabulary(ENTITY, map(str, range(n_items, n_nodes))),
            Vocabulary(USER, map(str, range(n_users))),
        ),
        (*names, *users),
        ("",) * n_items,
        Triples(facts[:, 0].astype(np.int32), kinds, facts[:, 2].astype(np.int32)),
        _interactions(train),
        str(folder),
    )
    return KgatFolder(snapshot, _interactions(test).matrix(n_users, n_items))


def _check_files(folder: Path) -> None:
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        packed = [f"{name}.zip" for name in missing if (folder / f"{name}.zip").is_file()]
        hint = f"; unpack {', '.join(packed)} first" if packed else f"; it needs {', '.join(NEEDED)}"
        raise DataError(f"{folder}: has no {', '.join(missing)}{hint}")


def _events(path: Path) -> IntArray:
    """The different pairs of user and item, sorted, int64 [2, events]; a user without items is in none."""
    users: list[int] = []
    items: list[int] = []
    for number, line in lines(path):
        user, *own = _integers(path, number, line, "a user and their items") or [0]
        users += [user] * len(own)
        items += own
    if not items:
        raise DataError(f"{path}: has no event; a line is a user and their items")
    code = np.unique(np.array(users, np.int64) << 32 | np.array(items, np.int64))
    return np.stack([code >> 32, code & 0xFFFFFFFF])


def _facts(path: Path) -> IntArray:
    """The different facts, sorted by relation, head and tail, int64 [facts, 3]."""
    try:
        # Some files end their lines with a blank, so the fields are not split at every blank.
        table = pd.read_csv(path, sep=r"\s+", header=None, dtype="int64", engine="c")
        found = table.to_numpy()
        if found.shape[1] != 3 or found.min() < 0 or found.max() > _LARGEST:
            raise ValueError("not three integers from 0")
    except pd.errors.EmptyDataError:
        return np.zeros((0, 3), np.int64)
    except (OSError, ValueError) as error:
        raise _bad_fact(path) or DataError(f"{path}: cannot be read: {error}") from None
    found = found[np.lexsort((found[:, 2], found[:, 0], found[:, 1]))]
    first = np.ones(len(found), np.bool_)
    first[1:] = (found[1:] != found[:-1]).any(axis=1)
    return found[first]


def _bad_fact(path: Path) -> DataError | None:
    """What is wrong with the first bad line; the fast reader does not tell. None: no line is wrong."""
    try:
        for number, line in lines(path):
            values = _integers(path, number, line, "a head, a relation and a tail")
            if values and len(values) != 3:
                return DataError(f"{path}, line {number}: has {len(values)} values, not head, relation, tail")
    except DataError as error:
        return error
    return None


def _integers(path: Path, number: int, line: str, what: str) -> list[int]:
    """The integers of a line; none of an empty line."""
    found = []
    for value in line.split():
        if not (value.isascii() and value.isdigit() and int(value) <= _LARGEST):
            raise DataError(f"{path}, line {number}: {value!r} is no integer from 0; a line is {what}")
        found.append(int(value))
    return found


def _relations(
    facts: IntArray, n_items: int, names: Mapping[str, str]
) -> tuple[tuple[RelationSchema, ...], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """A relation type for each relation and label of its ends, and the index of each fact's type, int32."""
    is_entity = (facts[:, [0, 2]] >= n_items).astype(np.int64)
    code = facts[:, 1] * 4 + is_entity[:, 0] * 2 + is_entity[:, 1]
    different, kinds = np.unique(code, return_inverse=True)
    found: list[RelationSchema] = []
    for relation, ends in zip(*np.divmod(different, 4), strict=True):
        name = names.get(str(relation), f"relation {relation}")
        kind = unused_type(relation_type(name), {INTERACTED, *(x.type for x in found)})
        head, tail = (ENTITY if is_entity else ITEM for is_entity in (ends & 2, ends & 1))
        phrase = plain_phrase(kind.lower())
        found.append(RelationSchema(type=kind, head=head, tail=tail, phrase=phrase))
    return tuple(found), kinds.ravel().astype(np.int32)


def _names(numbers: range, known: Mapping[str, str]) -> list[str]:
    return [known.get(external, external) for external in map(str, numbers)]


def _interactions(events: IntArray) -> Interactions:
    user, item = events.astype(np.int32)
    count = len(user)
    return Interactions(
        user,
        item,
        np.ones(count, np.float32),
        np.full(count, NO_TIME, np.int64),
        np.zeros(count, np.int8),
        np.ones(count, np.bool_),
    )
