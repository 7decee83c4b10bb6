"""Reads a benchmark folder: a graph and its splits as TSV with headers, users and items as integers from 0.

    interactions.tsv   user item [timestamp]       all positives
    users.tsv          uid raw_id                  may be missing, as may the raw ids
    items.tsv          iid raw_id name             may be missing, as may raw ids and names
    kg.tsv             head relation tail          may be missing; an item is written i:<iid>
    text.tsv           iid text                    may be missing, or cover some items only
    warm/              train, valid, test
    user_cold/         train, valid, test, reveal_1, reveal_3, reveal_5
    item_cold/         train, valid, test, cold_items

A snapshot numbers nodes by their sorted ids, and "10" sorts before "9": `Benchmark.user_numbers` and
`item_numbers` map snapshot indices back to the folder's integers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.adapters.benchmark_graph import Side, read_graph, read_table
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


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A benchmark folder."""

    snapshot: GraphSnapshot
    user_numbers: IntArray
    """The folder's integer for each user index of the snapshot."""
    item_numbers: IntArray
    """The folder's integer for each item index of the snapshot."""
    warm: Split
    user_cold: Split
    revealed: dict[int, Pairs]
    """By the number of revealed events per new user (1, 3, 5), the revealed events of `user_cold`."""
    item_cold: Split
    cold_items: NodeArray
    """The item indices of `item_cold.test`, sorted, int32."""


def read_benchmark(folder: Path) -> Benchmark:
    """Read a benchmark folder.

    Raises:
        DataError: a file is missing, lacks a column, or a split names an unknown user or item.
    """
    graph = read_graph(folder)
    reader = _Splits(folder, graph.users, graph.items)
    return Benchmark(
        graph.snapshot(),
        graph.users.numbers,
        graph.items.numbers,
        warm=reader.split("warm"),
        user_cold=reader.split("user_cold"),
        revealed={k: reader.pairs(f"user_cold/reveal_{k}.tsv") for k in REVEALED},
        item_cold=reader.split("item_cold"),
        cold_items=reader.items("item_cold/cold_items.tsv"),
    )


class _Splits:
    """Reads the splits of a folder."""

    def __init__(self, folder: Path, users: Side, items: Side) -> None:
        self._folder, self._users, self._items = folder, users, items

    def split(self, name: str) -> Split:
        return Split(*(self.pairs(f"{name}/{part}.tsv") for part in ("train", "valid", "test")))

    def pairs(self, name: str) -> Pairs:
        path = self._folder / name
        table = read_table(path, ("user", "item"))
        user, item = self._users.index(path, table["user"]), self._items.index(path, table["item"])
        order = np.lexsort((item, user))
        return Pairs(user[order], item[order])

    def items(self, name: str) -> NodeArray:
        path = self._folder / name
        return np.sort(self._items.index(path, read_table(path, ("item",))["item"]))
