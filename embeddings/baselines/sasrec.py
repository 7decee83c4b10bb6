"""SASRec: the next items from the order of events, by a causal transformer (Kang and McAuley 2018).

Items and positions have vectors (equation 1). Blocks of causal self-attention (equations 2 to 4) and a
feed-forward network (equation 5), each with a layer norm before it and a residual connection around it
(section 3.3), are stacked. The output at an event, multiplied by the items' vectors, gives the scores
(equations 6 and 7).

Four things differ from the paper. A start token precedes the first event, so that empty histories are scored
too. Items have a bias, which starts as the logarithm of their popularity. The loss is a softmax over
uniformly sampled negatives, corrected for the sampling (Bengio and Senécal 2008), since one negative for an
event makes a model overconfident (Petrov and Macdonald 2023). Each position may have several of the following
events as targets, not the next one alone (Pancha et al. 2022, "dense all action").
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from embeddings.baselines.network import NetworkScorer, train
from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.device import device, put
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

BLOCK = 64
"""How many users are scored at a time: each has a vector for every event of the history."""

PADDING = -1
"""Fills a window after its last event."""


@dataclass(frozen=True)
class SasRecConfig:
    """Network and training; the defaults were chosen on the validation events of a film data set."""

    embedding_dim: int = 64
    """Length of the vectors of items and positions."""
    layers: int = 1
    """Blocks of self-attention and feed-forward network."""
    heads: int = 1
    """Attention heads of a block; their number must divide `embedding_dim`."""
    max_length: int = 50
    """Positions of a sequence, one of which the start token takes when a history is scored."""
    target_window: int = 50
    """How many following events are the targets of a position; the paper has 1, the next event."""
    epochs: int = 20
    """Passes over all windows."""
    batch_size: int = 16
    """Windows in a training step."""
    learning_rate: float = 0.001
    """Adam's learning rate at the start; it falls linearly to 0."""
    negatives: int = 512
    """Uniformly sampled items in a training step, which all its windows share; all, if there are no more."""
    dropout: float = 0.3
    """Dropout rate of the input and of what each half of a block adds."""
    initializer_range: float = 0.02
    """Standard deviation of the initial vectors; a large one drowns what is learnt of rare items."""


class SasRecBlock(nn.Module):
    """Causal self-attention, then a feed-forward network; each is normed before and added to its input.

    This is not `nn.TransformerEncoderLayer`, which also drops attention weights and hidden units.
    """

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(d)
        self.attention = nn.MultiheadAttention(d, heads, batch_first=True)
        self.feed_forward_norm = nn.LayerNorm(d)
        self.feed_forward = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
        self.dropout = nn.Dropout(dropout)
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=d**-0.5)
        for linear in (self.feed_forward[0], self.feed_forward[2]):
            nn.init.zeros_(linear.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Float [b, t, d] to the same; `mask` [t, t] is true where a position must not look."""
        normed = self.attention_norm(x)
        attended, _ = self.attention(
            normed, normed, normed, attn_mask=mask, is_causal=True, need_weights=False
        )
        x = x + self.dropout(attended)
        added: Tensor = self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x + added


class SasRecNetwork(nn.Module):
    """The transformer; the start token is item number `n_items`."""

    def __init__(self, n_items: int, config: SasRecConfig) -> None:
        super().__init__()
        d = config.embedding_dim
        self.items = nn.Parameter(torch.randn(n_items + 1, d) * config.initializer_range)
        self.positions = nn.Parameter(torch.randn(config.max_length, d) * config.initializer_range)
        self.blocks = nn.ModuleList(
            SasRecBlock(d, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(d)
        self.bias = nn.Parameter(torch.zeros(n_items))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Item numbers, int64 [b, t], to the output at each position, float [b, t, d]."""
        d, t = self.items.shape[1], tokens.shape[1]
        x = self.dropout(functional.embedding(tokens, self.items) * math.sqrt(d) + self.positions[:t])
        mask = torch.ones(t, t, dtype=torch.bool, device=x.device).triu(1)
        for block in self.blocks:
            x = block(x, mask)
        result: Tensor = self.norm(x)
        return result


@dataclass(frozen=True, eq=False)
class SasRec(NetworkScorer[SasRecConfig, SasRecNetwork]):
    """A causal transformer over the last events (Kang and McAuley 2018)."""

    name: ClassVar[str] = "sasrec"
    grid: ClassVar[tuple[Any, ...]] = (SasRecConfig(),)

    @override
    @classmethod
    def build(cls, n_items: int, config: SasRecConfig) -> SasRecNetwork:
        return SasRecNetwork(n_items, config).to(device())

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: SasRecConfig, seed: int = 0, report: Report = silent) -> Self:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network = cls.build(dataset.n_items, config)
        network.bias.data += put(np.log1p(dataset.degrees), network.bias.device)

        def losses() -> Iterator[Tensor]:
            return (
                _loss(network, batch, dataset, config, rng)
                for batch in _batches(dataset.histories, config, rng)
            )

        train(network, losses, config.epochs, config.learning_rate, cls.name, report)
        return cls(config, dataset.n_items, network.eval())

    @override
    @torch.no_grad()
    def score(self, histories: Histories) -> FloatArray:
        scores = np.zeros((len(histories), self.n_items), np.float32)
        for start in range(0, len(histories), BLOCK):
            users = np.arange(start, min(start + BLOCK, len(histories)))
            tokens, last = self._tokens(histories.select(users))
            output = self.network(put(tokens, self.network.bias.device))[np.arange(len(users)), last]
            scores[users] = (output @ self.network.items[:-1].T + self.network.bias).cpu().numpy()
        return scores

    def _tokens(self, histories: Histories) -> tuple[IntArray, IntArray]:
        """The start token and the last events, int64 [b, t], padded at the end, and each last position.

        Padding comes after the last event, so the causal mask keeps it from the output there.
        """
        last = np.minimum(histories.lengths, self.config.max_length - 1)
        tokens = np.full((len(histories), last.max() + 1), self.n_items, np.int64)
        for row, end in enumerate(last):
            tokens[row, 1 : end + 1] = histories[row][histories.lengths[row] - end :]
        return tokens, last


@dataclass(frozen=True, eq=False)
class Windows:
    """Parts of histories, no longer than a sequence of the network."""

    tokens: IntArray
    """The start token, then the events but the last, int64 [windows, length]."""
    events: IntArray
    """What comes next at each position, int64 [windows, length]; PADDING after the end."""
    user: IntArray
    """Whose history it is part of [windows]."""


def _batches(histories: Histories, config: SasRecConfig, rng: np.random.Generator) -> Iterator[Windows]:
    every = windows(histories, config.max_length, rng.integers(config.max_length, size=len(histories)))
    order = rng.permutation(len(every.user))
    for start in range(0, len(order), config.batch_size):
        some = order[start : start + config.batch_size]
        yield Windows(every.tokens[some], every.events[some], every.user[some])


def windows(histories: Histories, length: int, shift: IntArray) -> Windows:
    """Histories cut every `length` events, history i first `length - shift[i]` after its start.

    `shift` is int64, from 0 to length - 1, one for each history.
    """
    user = np.repeat(np.arange(len(histories)), histories.lengths)
    position = np.arange(len(user)) - histories.starts[user]
    piece = (position + shift[user]) // length
    first = np.flatnonzero((np.diff(user, prepend=-1) != 0) | (np.diff(piece, prepend=-1) != 0))
    window = np.searchsorted(first, np.arange(len(user)), side="right") - 1
    events = np.full((len(first), length), PADDING, np.int64)
    events[window, np.arange(len(user)) - first[window]] = histories.items
    tokens = np.concatenate([np.full((len(first), 1), histories.n_items), events[:, :-1]], axis=1)
    return Windows(np.where(tokens == PADDING, histories.n_items, tokens), events, user[first])


def targets(events: IntArray, target_window: int) -> tuple[IntArray, IntArray]:
    """The targets of every position: flat positions (windows one after another) and items, int64 both.

    `events` is as in `Windows`. The targets of a position are its own event and those after it,
    `target_window` of them in all.
    """
    positions: list[IntArray] = []
    items: list[IntArray] = []
    for offset in range(min(target_window, events.shape[1])):
        later = events[:, offset:]
        window, position = np.nonzero(later != PADDING)
        positions.append(window * events.shape[1] + position)
        items.append(later[window, position])
    return np.concatenate(positions), np.concatenate(items)


def _loss(
    network: SasRecNetwork, batch: Windows, dataset: Dataset, config: SasRecConfig, rng: np.random.Generator
) -> Tensor:
    """Mean over the targets of -log softmax against the target itself and the negatives.

    A sampled item that the user likes is no negative.
    """
    n_items, where = dataset.n_items, network.bias.device
    drawn = np.arange(n_items)
    if config.negatives < n_items:
        drawn = rng.integers(n_items, size=config.negatives)
    position, item, negatives = (put(x, where) for x in (*targets(batch.events, config.target_window), drawn))
    output = network(put(batch.tokens, where))
    scores = output @ functional.embedding(negatives, network.items).T + network.bias[negatives]
    liked = put(dataset.liked[batch.user][:, drawn].toarray() > 0, where)
    rest = torch.logsumexp(scores.masked_fill(liked[:, None], -1e9), 2) + math.log(n_items / len(drawn))
    vectors = functional.embedding(item, network.items)
    target = (functional.embedding(position, output.flatten(0, 1)) * vectors).sum(1) + network.bias[item]
    return functional.softplus(rest.flatten()[position] - target).mean()
