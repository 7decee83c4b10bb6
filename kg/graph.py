"""The graph as read-only arrays; training, explanation and serving read these instead of the database.

Nodes are numbered once: items 0..n_items-1, then entities label by label, then users. An item's node number
is therefore also its column in every score matrix.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from kg.errors import UnknownIdError
from kg.item_properties import ItemProperties
from kg.schema import GraphSchema
from kg.user_profiles import UserProfile

IntArray = npt.NDArray[np.int64]
NodeArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
HashArray = npt.NDArray[np.uint64]

NO_TIME = -1
"""The value of `time` for an interaction without a timestamp."""


class Vocabulary:
    """Maps the external ids of one node label to 0..n-1 and back; no other class translates ids.

    Raises:
        ValueError: an id is given twice.
    """

    __slots__ = ("_index", "ids", "label")

    def __init__(self, label: str, ids: Iterable[str]) -> None:
        self.label = label
        self.ids: tuple[str, ...] = tuple(ids)
        self._index = {external: n for n, external in enumerate(self.ids)}
        if len(self._index) != len(self.ids):
            raise ValueError(f"{label}: an id is given twice")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, external_id: object) -> bool:
        return external_id in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.label, self.ids) == (other.label, other.ids)

    def __hash__(self) -> int:
        return hash((self.label, self.fingerprint))

    def index(self, external_id: str) -> int:
        """The index of an id.

        Raises:
            UnknownIdError: no node of this label has the id; the message contains it.
        """
        try:
            return self._index[external_id]
        except KeyError:
            raise UnknownIdError(self.label, external_id) from None

    def find(self, external_id: str) -> int | None:
        """The index of an id, or None if the id is unknown."""
        return self._index.get(external_id)

    def indices(self, external_ids: Sequence[str]) -> IntArray:
        """The indices of many ids, int64.

        Raises:
            UnknownIdError: one of them is unknown.
        """
        return np.fromiter((self.index(x) for x in external_ids), np.int64, len(external_ids))

    @property
    def fingerprint(self) -> str:
        """A hash of label, ids and their order, 16 hex digits."""
        digest = hashlib.sha256(self.label.encode())
        for external in self.ids:
            digest.update(b"\x00" + external.encode())
        return digest.hexdigest()[:16]


def _freeze(*arrays: npt.NDArray[Any]) -> None:
    for array in arrays:
        array.setflags(write=False)


def _same_length(owner: str, **columns: npt.NDArray[Any]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{owner}: columns differ in length: {lengths}")


@dataclass(frozen=True, eq=False)
class Triples:
    """Facts `head[i] -relation[i]-> tail[i]`: node numbers and indices of relation types, all int32."""

    head: NodeArray
    relation: NodeArray
    tail: NodeArray

    def __post_init__(self) -> None:
        _same_length("Triples", head=self.head, relation=self.relation, tail=self.tail)
        _freeze(self.head, self.relation, self.tail)

    def __len__(self) -> int:
        return len(self.head)

    @classmethod
    def in_order(cls, head: NodeArray, relation: NodeArray, tail: NodeArray) -> "Triples":
        """The triples by head, then relation, then tail."""
        order = np.lexsort((tail, relation, head))
        return cls(head[order], relation[order], tail[order])

    def select(self, mask: BoolArray) -> "Triples":
        """The triples for which `mask` (bool, one value per triple) is true."""
        return Triples(self.head[mask], self.relation[mask], self.tail[mask])


@dataclass(frozen=True, eq=False)
class Interactions:
    """Events: user and item int32 (from 0), value float32, time int64 (epoch seconds UTC, or NO_TIME),
    kind int8 (index into the schema's interactions), liked bool.
    """

    user: NodeArray
    item: NodeArray
    value: FloatArray
    time: IntArray
    kind: npt.NDArray[np.int8]
    liked: BoolArray

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in ("user", "item", "value", "time", "kind", "liked")}
        _same_length("Interactions", **columns)
        _freeze(*columns.values())

    def __len__(self) -> int:
        return len(self.user)

    @property
    def all_times_known(self) -> bool:
        """Whether there are events and each has a time."""
        return len(self) > 0 and not (self.time == NO_TIME).any()

    def select(self, mask: BoolArray) -> "Interactions":
        """The events for which `mask` (bool, one value per event) is true."""
        return Interactions(
            self.user[mask],
            self.item[mask],
            self.value[mask],
            self.time[mask],
            self.kind[mask],
            self.liked[mask],
        )

    def matrix(self, n_users: int, n_items: int) -> sp.csr_array:
        """A users x items CSR matrix, float32: 1 for each pair with at least one event of any kind."""
        ones = np.ones(len(self), np.float32)
        matrix = sp.csr_array((ones, (self.user, self.item)), shape=(n_users, n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix


@dataclass(frozen=True, eq=False)
class GraphSnapshot:
    """The content of the graph that training, serving and explanation need, read once from the store.

    `vocabularies` are in node order: the item label, the entity labels, the user label. `names` has one
    readable name per node in the same order; `texts` has one text per item, "" for an item without text.
    """

    schema: GraphSchema
    vocabularies: tuple[Vocabulary, ...]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    triples: Triples
    interactions: Interactions
    source: str = field(default="", compare=False)
    """Identifies the store and its state at the time of reading; not part of the content."""
    same_as: tuple[str, ...] = ()
    """One group of near-duplicates per item, "" for an item of no group; empty if no item has a group."""
    years: Mapping[int, str] = field(default_factory=dict)
    """The property `year` of items and entities that share their name with another node of their label."""
    item_properties: ItemProperties = field(default_factory=ItemProperties)
    """The properties of items but for name, text and group; empty in snapshots of earlier versions."""

    profiles: Mapping[str, UserProfile] = field(default_factory=dict)
    """What users stated, by their ids; those who stated nothing are absent."""

    def __post_init__(self) -> None:
        if self.vocabularies[0].label != self.schema.item.label or self.users.label != self.schema.user.label:
            raise ValueError("vocabularies must begin with the item label and end with the user label")
        if len(self.names) != self.n_nodes or len(self.texts) != self.n_items:
            raise ValueError("one name for each node and one text for each item are needed")
        if len(self.same_as) not in (0, self.n_items):
            raise ValueError("`same_as` needs one value for each item, or none at all")
        for name, column in self.item_properties.columns.items():
            if len(column) != self.n_items:
                raise ValueError(f"the property {name} needs one place for each item")

    @property
    def items(self) -> Vocabulary:
        """The items' ids; an item's index is its node number."""
        return self.vocabularies[0]

    @property
    def users(self) -> Vocabulary:
        """The users' ids; a user's node number is `first_user` + index."""
        return self.vocabularies[-1]

    @property
    def n_items(self) -> int:
        """The number of items."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """The number of users."""
        return len(self.users)

    @cached_property
    def n_nodes(self) -> int:
        """The number of nodes of all labels."""
        return sum(map(len, self.vocabularies))

    @property
    def first_user(self) -> int:
        """The node number of user 0; items and entities have smaller numbers."""
        return self.n_nodes - self.n_users

    @property
    def relations(self) -> tuple[str, ...]:
        """The relation types; `triples.relation` holds indices into this tuple."""
        return tuple(x.type for x in self.schema.relations)

    @cached_property
    def display_names(self) -> tuple[str, ...]:
        """The names, each with what tells its node apart where another of its label has the same: the year
        ("Solaris (1972)"), or the id where the year is unknown or the same ("Solaris [b12]").
        """
        names = list(self.names)
        for nodes in shared_names(self.vocabularies, self.names):
            years = Counter(self.years.get(node) for node in nodes)
            for node in nodes:
                year = self.years.get(node)
                told = f"({year})" if year and years[year] == 1 else f"[{self.locate(node)[1]}]"
                names[node] = f"{self.names[node]} {told}"
        return tuple(names)

    @cached_property
    def offsets(self) -> dict[str, int]:
        """The first node number of each label."""
        sizes = np.cumsum([0, *map(len, self.vocabularies)])
        return {v.label: int(start) for v, start in zip(self.vocabularies, sizes, strict=False)}

    def vocabulary(self, label: str) -> Vocabulary:
        """The ids of one label.

        Raises:
            GraphSchemaError: the graph has no such label.
        """
        self.schema.label(label)
        return next(v for v in self.vocabularies if v.label == label)

    def node(self, label: str, external_id: str) -> int:
        """The node number of an id.

        Raises:
            UnknownIdError: no node of that label has the id.
        """
        return self.offsets[label] + self.vocabulary(label).index(external_id)

    def locate(self, node: int) -> tuple[str, str]:
        """The label and the external id of a node number."""
        for vocabulary in reversed(self.vocabularies):
            start = self.offsets[vocabulary.label]
            if node >= start:
                return vocabulary.label, vocabulary.ids[node - start]
        raise IndexError(node)

    @cached_property
    def item_group(self) -> IntArray:
        """The group of each item, int64: the smallest index in its group, its own index without a group."""
        first: dict[str, int] = {}
        pairs = enumerate(self.same_as or ("",) * self.n_items)
        return np.array([first.setdefault(group, n) if group else n for n, group in pairs], np.int64)

    @cached_property
    def liked(self) -> sp.csr_array:
        """Users x items CSR matrix, float32: 1 for each item that the user liked."""
        return self.interactions.select(self.interactions.liked).matrix(self.n_users, self.n_items)

    @cached_property
    def seen(self) -> sp.csr_array:
        """Users x items CSR matrix, float32: 1 for each pair with at least one event."""
        return self.interactions.matrix(self.n_users, self.n_items)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the whole content, 16 hex digits; equal content has the same hash for every store."""
        digest = hashlib.sha256(self.schema.model_dump_json().encode())
        for vocabulary in self.vocabularies:
            digest.update(vocabulary.fingerprint.encode())
        years = (f"{node} {year}" for node, year in sorted(self.years.items()))
        for text in (*self.names, *self.texts, *self.same_as, *years):
            digest.update(text.encode() + b"\x00")
        for array in (
            *(self.triples.head, self.triples.relation, self.triples.tail),
            *(self.interactions.user, self.interactions.item, self.interactions.value),
            *(self.interactions.time, self.interactions.kind, self.interactions.liked),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        if len(self.item_properties):  # without any, the hash is that of earlier versions
            digest.update(self.item_properties.digest())
        for user, profile in sorted(self.profiles.items()):
            digest.update("\x00".join([user, *profile.lines()]).encode())
        return digest.hexdigest()[:16]


def shared_names(vocabularies: Sequence[Vocabulary], names: Sequence[str]) -> list[list[int]]:
    """The groups of items, and of entities of one label, whose names look the same; users have none.

    `names` has one name per node. Names with the same `look` are not told apart.
    """
    found: list[list[int]] = []
    start = 0
    for vocabulary in vocabularies[:-1]:
        alike: dict[str, list[int]] = {}
        for node in range(start, start + len(vocabulary)):
            alike.setdefault(look(names[node]), []).append(node)
        found += [nodes for nodes in alike.values() if len(nodes) > 1]
        start += len(vocabulary)
    return found


def look(name: str) -> str:
    """A key that is equal for names that look the same: by case, white space and the form of letters."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
