"""Ids as 64-bit hashes: ten million ids take 80 MB instead of a gigabyte.

The probability that two of n different ids share a hash is n^2 / 2^65: 3 in a million for ten million ids.
"""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from kg.graph import BoolArray, HashArray, IntArray

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio, as in Fibonacci hashing


def hashes(texts: pd.Series) -> HashArray:
    """One hash per text; a text has the same hash in every process."""
    return pd.util.hash_array(texts.to_numpy(object), categorize=len(texts) > 1)


def combined(columns: Iterable[HashArray], rows: int) -> HashArray:
    """One hash per row of several columns; it depends on the order of the columns."""
    total = np.zeros(rows, np.uint64)
    for column in columns:
        total = (total + np.uint64(1)) * _MIX + column
        total ^= total >> np.uint64(29)
    return total


class Growing:
    """An array of 64-bit numbers that grows; each number takes 8 bytes."""

    def __init__(self, code: str = "Q") -> None:
        self._numbers = array(code)

    def add(self, numbers: HashArray | IntArray) -> None:
        """Append numbers."""
        self._numbers.frombytes(np.ascontiguousarray(numbers).tobytes())

    def all(self) -> Any:
        """All numbers, as an array that shares the memory of this object."""
        return np.frombuffer(self._numbers, np.uint64 if self._numbers.typecode == "Q" else np.int64)


class HashSet:
    """A set of hashes in sorted arrays, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._sorted: list[HashArray] = []

    def add(self, given: HashArray) -> BoolArray:
        """Add hashes; the result is true for each that is new, for equal hashes only at the first."""
        unique, first = np.unique(given, return_index=True)
        new = ~self.holds(unique)
        fresh = np.zeros(len(given), bool)
        fresh[first[new]] = True
        self._push(unique[new])
        return fresh

    def holds(self, asked: HashArray) -> BoolArray:
        """For each of `asked`, whether it is in the set."""
        found = np.zeros(len(asked), bool)
        for level in self._sorted:
            found |= in_sorted(asked, level)
        return found

    def _push(self, numbers: HashArray) -> None:
        while self._sorted and len(self._sorted[-1]) < 2 * len(numbers):
            numbers = np.sort(np.concatenate([self._sorted.pop(), numbers]))
        if len(numbers):
            self._sorted.append(numbers)


def in_sorted(asked: HashArray | IntArray, ordered: HashArray | IntArray) -> BoolArray:
    """For each of `asked`, whether it is in the sorted array `ordered`."""
    if not len(ordered):
        return np.zeros(len(asked), bool)
    places = np.minimum(np.searchsorted(ordered, asked), len(ordered) - 1)
    found: BoolArray = ordered[places] == asked
    return found


def starts(ordered: HashArray) -> BoolArray:
    """A mask of a sorted array that is true at the first of equal values."""
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def repeats(keys: Growing, rows: Growing, rejected: IntArray, keep_first: bool) -> IntArray:
    """The rows with a repeated key, sorted, without the first row of each key (or without the last)."""
    numbers = rows.all()
    accepted = ~in_sorted(numbers, rejected)
    numbers = numbers[accepted]
    ids = keys.all()[accepted]
    order = np.argsort(ids, kind="stable")
    same = ~starts(ids[order])[1:]
    return np.sort(numbers[order[1:][same] if keep_first else order[:-1][same]]).astype(np.int64)
