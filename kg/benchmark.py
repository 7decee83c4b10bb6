"""Reads a benchmark folder: a graph and its splits as TSV with headers, users and items as integers from 0.

    interactions.tsv   user item [timestamp]       all positives
    users.tsv          uid raw_id                  may be missing, as may the raw ids
    items.tsv          iid raw_id name             likewise
    kg.tsv             head relation tail          may be missing; an item is written i:<iid>
    text.tsv           iid text                    may be missing, or cover some items only
    warm/              train, valid, test
    user_cold/         train, valid, test, reveal_1, reveal_3, reveal_5
    item_cold/         train, valid, test, cold_items

A snapshot numbers nodes by their sorted ids, and "10" sorts before "9": `Benchmark.user_numbers` and
`item_numbers` lead back to the folder's integers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kg.errors import DataError
from kg.graph import GraphSnapshot, IntArray, NodeArray
from kg.mapping import plain_phrase
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, RelationSchema
from kg.snapshot import assemble
from kg.store import NodeColumns, RelationColumns

USER, ITEM, ENTITY, INTERACTED = "User", "Item", "Entity", "INTERACTED"
REVEALED = (1, 3, 5)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Events of a split, sorted: user and item, int32, as the snapshot counts users and items."""

    user: NodeArray
    item: NodeArray

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, eq=False)
class Split:
    """The events to learn from, to choose settings by, and to be measured by."""

    train: Pairs
    valid: Pairs
    test: Pairs


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A benchmark folder."""

    snapshot: GraphSnapshot
    user_numbers: IntArray
    """The folder's integer of each user of the snapshot."""
    item_numbers: IntArray
    """The folder's integer of each item of the snapshot."""
    warm: Split
    user_cold: Split
    revealed: dict[int, Pairs]
    """By how many events a system may see of each new user of `user_cold`."""
    item_cold: Split
    cold_items: NodeArray
    """The items of `item_cold.test`, sorted, int32, as the snapshot counts items."""


def read_benchmark(folder: Path) -> Benchmark:
    """Read a benchmark folder.

    Raises:
        DataError: a file is missing, lacks a column, or a split names an unknown user or item.
    """
    events = _table(folder / "interactions.tsv", ("user", "item"))
    users = _Side(folder / "users.tsv", "uid", events["user"])
    items = _Side(folder / "items.tsv", "iid", events["item"])
    reader = _Splits(folder, users, items)
    return Benchmark(
        _snapshot(folder, events, users, items),
        users.numbers,
        items.numbers,
        warm=reader.split("warm"),
        user_cold=reader.split("user_cold"),
        revealed={k: reader.pairs(f"user_cold/reveal_{k}.tsv") for k in REVEALED},
        item_cold=reader.split("item_cold"),
        cold_items=reader.items("item_cold/cold_items.tsv"),
    )


class _Side:
    """The users or the items: their ids and names by the folder's integers, and where they sort to."""

    def __init__(self, path: Path, key: str, mentioned: pd.Series) -> None:
        table = _table(path, (key,)) if path.exists() else pd.DataFrame({key: []})
        known = table.set_index(table[key].astype("int64"))
        numbers = sorted({*known.index, *mentioned.astype("int64")})
        self.ids = {n: str(n) for n in numbers}
        if "raw_id" in known and known["raw_id"].is_unique and len(known) == len(numbers):
            self.ids = known["raw_id"].to_dict()
        self.names = {**self.ids, **(known["name"].to_dict() if "name" in known else {})}
        self.numbers = np.array(sorted(numbers, key=self.ids.__getitem__), np.int64)
        self._index = {number: n for n, number in enumerate(self.numbers.tolist())}

    def index(self, path: Path, column: pd.Series) -> NodeArray:
        """Where the folder's integers are in the snapshot."""
        try:
            return np.array([self._index[n] for n in column.astype("int64")], np.int32)
        except KeyError as error:
            raise DataError(f"{path}: {column.name} {error} is in neither interactions nor ids") from None


class _Splits:
    """Reads the splits of a folder."""

    def __init__(self, folder: Path, users: _Side, items: _Side) -> None:
        self._folder, self._users, self._items = folder, users, items

    def split(self, name: str) -> Split:
        return Split(*(self.pairs(f"{name}/{part}.tsv") for part in ("train", "valid", "test")))

    def pairs(self, name: str) -> Pairs:
        path = self._folder / name
        table = _table(path, ("user", "item"))
        user, item = self._users.index(path, table["user"]), self._items.index(path, table["item"])
        order = np.lexsort((item, user))
        return Pairs(user[order], item[order])

    def items(self, name: str) -> NodeArray:
        path = self._folder / name
        return np.sort(self._items.index(path, _table(path, ("item",))["item"]))


def _snapshot(folder: Path, events: pd.DataFrame, users: _Side, items: _Side) -> GraphSnapshot:
    facts = _Facts(folder / "kg.tsv", items)
    schema = GraphSchema(
        labels=(
            LabelSchema(label=USER, role="user"),
            LabelSchema(label=ITEM, role="item"),
            LabelSchema(label=ENTITY, role="entity"),
        ),
        relations=tuple(facts.relations),
        interactions=(InteractionSchema(type=INTERACTED),),
    )
    texts = _texts(folder / "text.tsv")
    numbers = list(items.ids)
    nodes = [
        NodeColumns(
            list(items.ids.values()),
            {"name": [items.names[n] for n in numbers], "text": [texts.get(n) for n in numbers]},
        ),
        NodeColumns(facts.entities, {"name": [_readable(x) for x in facts.entities]}),
        NodeColumns(list(users.ids.values()), {"name": [users.names[n] for n in users.ids]}),
    ]
    times = events["timestamp"].astype("int64").tolist() if "timestamp" in events else [None] * len(events)
    happened = RelationColumns(
        [users.ids[n] for n in events["user"].astype("int64")],
        [items.ids[n] for n in events["item"].astype("int64")],
        {"value": [None] * len(events), "time": times},
    )
    return assemble(schema, nodes, facts.columns, [happened])


class _Facts:
    """The facts of kg.tsv: one relation type for each relation and kind of its ends, item or entity."""

    def __init__(self, path: Path, items: _Side) -> None:
        none = pd.DataFrame({"head": [], "relation": [], "tail": []}, dtype=str)
        table = _table(path, ("head", "relation", "tail")).drop_duplicates() if path.exists() else none
        known = {f"i:{number}": external for number, external in items.ids.items()}
        self.relations: list[RelationSchema] = []
        self.columns: list[RelationColumns] = []
        entities: set[str] = set()
        ends = {end: table[end].isin(known) for end in ("head", "tail")}
        for (name, head_is_item, tail_is_item), group in table.groupby(
            ["relation", ends["head"], ends["tail"]], sort=True
        ):
            heads, tails = group["head"].tolist(), group["tail"].tolist()
            head, tail = (ITEM if is_item else ENTITY for is_item in (head_is_item, tail_is_item))
            kind = _type(str(name), {r.type for r in self.relations} | {INTERACTED})
            self.relations.append(
                RelationSchema(type=kind, head=head, tail=tail, phrase=plain_phrase(str(name)))
            )
            entities.update(() if head_is_item else heads, () if tail_is_item else tails)
            heads = [known[x] for x in heads] if head_is_item else heads
            tails = [known[x] for x in tails] if tail_is_item else tails
            self.columns.append(RelationColumns(heads, tails, {}))
        self.entities = sorted(entities)


def _type(name: str, taken: Iterable[str]) -> str:
    """A relation's name as a relation type: `film.directed_by` is FILM_DIRECTED_BY."""
    kind = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    kind = (kind if kind[:1].isalpha() else f"R_{kind}")[:56]
    numbered = (f"{kind}_{n}" for n in range(2, 10**6))
    return kind if kind not in taken else next(k for k in numbered if k not in taken)


def _readable(entity: str) -> str:
    """An entity's name: its id without a short prefix such as `p:`."""
    return re.sub(r"^[a-z]{1,3}:(?=.)", "", entity)


def _texts(path: Path) -> dict[int, str]:
    if not path.exists():
        return {}
    table = _table(path, ("iid", "text"))
    return dict(zip(table["iid"].astype("int64"), table["text"], strict=True))


def _table(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    """A TSV file, all columns as text."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    for column in needed:
        if column not in table:
            raise DataError(f"{path}: has no column {column!r}; it has {', '.join(map(str, table.columns))}")
    return table
