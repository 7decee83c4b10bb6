"""SASRec: the next item from the order of events. Only fitting it loads torch."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import SasRecConfig
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

BLOCK = 64
"""How many users at a time: each has vectors for all of the history."""


@dataclass(frozen=True, eq=False)
class SasRec(Scorer[SasRecConfig]):
    """A causal transformer over the last events (Kang and McAuley 2018).

    Names are those of `sasrec_training.Network`: layers are stacked, biases are last rows.
    """

    name: ClassVar[str] = "sasrec"
    grid: ClassVar[tuple[Any, ...]] = (SasRecConfig(),)

    items: FloatArray
    """Items, then what stands before the first event [n_items + 1, d]."""
    positions: FloatArray
    """Places from the oldest event looked at [length, d]."""
    norms: FloatArray
    """Scale and shift before attention and before the feed-forward part [layers, 2, 2, d]."""
    attention: FloatArray
    """Query, key, value and what is made of the values [layers, 4, d + 1, d]."""
    feed: FloatArray
    """[layers, 2, d + 1, d]"""
    last: FloatArray
    """Scale and shift at the end [2, d]."""
    bias: FloatArray
    """[n_items]"""
    heads: int

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: SasRecConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.baselines.sasrec_training import train_sasrec

        return cls(**train_sasrec(dataset, config, seed, report), heads=config.heads)

    @override
    def score(self, histories: Histories) -> FloatArray:
        users = np.zeros((len(histories), self.items.shape[1]), np.float32)
        for start in range(0, len(histories), BLOCK):
            some = np.arange(start, min(start + BLOCK, len(histories)))
            users[some] = self._users(*self._tokens(histories.select(some)))
        return np.asarray(users @ self.items[:-1].T + self.bias, np.float32)

    def _tokens(self, histories: Histories) -> tuple[IntArray, IntArray]:
        """The first token and the last events, int64 [b, t], the rest filled up; and where each one ends."""
        ends = np.minimum(histories.lengths, len(self.positions) - 1)
        tokens = np.full((len(histories), ends.max() + 1), len(self.bias), np.int64)
        for row, end in enumerate(ends):
            tokens[row, 1 : end + 1] = histories[row][histories.lengths[row] - end :]
        return tokens, ends

    def _users(self, tokens: IntArray, ends: IntArray) -> FloatArray:
        """What comes out at the end of each row; nothing that stands behind an event bears on it."""
        d = np.float32(self.items.shape[1])
        x = self.items[tokens] * np.sqrt(d) + self.positions[: tokens.shape[1]]
        for norm, attention, feed in zip(self.norms, self.attention, self.feed, strict=True):
            x = x + self._attend(attention, _normed(norm[0], x))
            inner = np.maximum(_through(feed[0], _normed(norm[1], x)), 0)
            x = x + _through(feed[1], inner)
        return _normed(self.last, x[np.arange(len(ends)), ends])

    def _attend(self, attention: FloatArray, x: FloatArray) -> FloatArray:
        b, t, d = x.shape
        query, key, value = (
            _through(part, x).reshape(b, t, self.heads, -1).swapaxes(1, 2) for part in attention[:3]
        )
        weight = query @ key.swapaxes(2, 3) / np.sqrt(np.float32(d // self.heads))
        weight = np.where(np.tri(t, dtype=np.bool_), weight, np.float32(-np.inf))
        weight = np.exp(weight - weight.max(axis=-1, keepdims=True))
        found = weight / weight.sum(axis=-1, keepdims=True) @ value
        return _through(attention[3], found.swapaxes(1, 2).reshape(b, t, d))


def _through(layer: FloatArray, x: FloatArray) -> FloatArray:
    """x W + b, with b the last row."""
    return np.asarray(x @ layer[:-1] + layer[-1], np.float32)


def _normed(norm: FloatArray, x: FloatArray) -> FloatArray:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-5))
    return np.asarray(centred / spread * norm[0] + norm[1], np.float32)
