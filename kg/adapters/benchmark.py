"""Reads a benchmark folder: a graph and its splits as TSV with headers, users and items as integers from 0.

    interactions.tsv   user item [timestamp]       all positives; the protocols by time need timestamps
    users.tsv          uid raw_id                  may be missing, as may the raw ids
    items.tsv          iid raw_id name             may be missing, as may raw ids and names
    kg.tsv             head relation tail          may be missing; an item is written i:<iid>
    text.tsv           iid text                    may be missing, or cover some items only
    warm/              train, valid, test                                       may be missing
    user_cold/         train, valid, test, reveal_1, reveal_3, reveal_5         may be missing
    item_cold/         train, valid, test, cold_items                           may be missing

A snapshot numbers nodes by their sorted ids, and "10" sorts before "9": `Benchmark.user_numbers` and
`item_numbers` map snapshot indices back to the folder's integers.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kg.adapters.benchmark_graph import Side, read_graph, read_table
from kg.errors import MissingDataError
from kg.graph import GraphSnapshot, IntArray, NodeArray

REVEALED = (1, 3, 5)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The events of a split, sorted: user and item indices of the snapshot, int32."""

    user: NodeArray
    item: NodeArray

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, eq=False)
class Split:
    """The training, validation and test events of a protocol."""

    train: Pairs
    valid: Pairs
    test: Pairs


class Benchmark:
    """A benchmark folder; the events of each part are read when first asked for.

    Every attribute of a part raises DataError where a file of it lacks a column or names an unknown user or
    item, and MissingDataError where a file of it is missing.
    """

    def __init__(self, folder: Path) -> None:
        """Read the graph.

        Raises:
            DataError: a file of the graph is missing or lacks a column.
        """
        graph = read_graph(folder)
        self.snapshot: GraphSnapshot = graph.snapshot()
        self.user_numbers: IntArray = graph.users.numbers
        """The folder's integer for each user index of the snapshot."""
        self.item_numbers: IntArray = graph.items.numbers
        """The folder's integer for each item index of the snapshot."""
        self._reader = _Splits(folder, graph.users, graph.items)

    @cached_property
    def warm(self) -> Split:
        """Events of known users and known items."""
        return self._reader.split("warm")

    @cached_property
    def user_cold(self) -> Split:
        """Events of new users in validation and test."""
        return self._reader.split("user_cold")

    @cached_property
    def revealed(self) -> dict[int, Pairs]:
        """By the number of revealed events per new user (1, 3, 5), the revealed events of `user_cold`."""
        return {k: self._reader.pairs(f"user_cold/reveal_{k}.tsv") for k in REVEALED}

    @cached_property
    def item_cold(self) -> Split:
        """Events of new items in test."""
        return self._reader.split("item_cold")

    @cached_property
    def cold_items(self) -> NodeArray:
        """The item indices of `item_cold.test`, sorted, int32."""
        return self._reader.items("item_cold/cold_items.tsv")


class _Splits:
    """Reads the splits of a folder."""

    def __init__(self, folder: Path, users: Side, items: Side) -> None:
        self._folder, self._users, self._items = folder, users, items

    def split(self, name: str) -> Split:
        return Split(*(self.pairs(f"{name}/{part}.tsv") for part in ("train", "valid", "test")))

    def pairs(self, name: str) -> Pairs:
        path = self._existing(name)
        table = read_table(path, ("user", "item"))
        user, item = self._users.index(path, table["user"]), self._items.index(path, table["item"])
        order = np.lexsort((item, user))
        return Pairs(user[order], item[order])

    def items(self, name: str) -> NodeArray:
        path = self._existing(name)
        return np.sort(self._items.index(path, read_table(path, ("item",))["item"]))

    def _existing(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            raise MissingDataError(f"{path}: is missing; the folder lacks this part")
        return path
