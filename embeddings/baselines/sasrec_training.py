"""SASRec: the next item from the order of events, by a small causal transformer (Kang and McAuley 2018).

Items and places have vectors (equation 1); causal self-attention (equations 2 to 4) and a feed-forward layer
(equation 5), each behind a layer norm and beside a residual connection (section 3.3), are stacked; what comes
out at an event is multiplied by the items' own vectors (equations 6 and 7). Unlike the paper's: a first token
stands for what is not known of before, so that empty histories are scored too; items have a bias, which
starts as their popularity; the loss is a softmax over items drawn uniformly, corrected for how few are drawn
(Bengio and Senécal 2008), since the paper's one negative an event makes a model overconfident (Petrov and
Macdonald 2023); and several of the events to come may be wanted at each place, not the next one alone
(Pancha et al. 2022, "dense all action").
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import SasRecConfig
from embeddings.graph.device import device, put
from kg.graph import FloatArray, IntArray
from kg.progress import Report, silent

STAGE = "sasrec"

SMALL = 0.02
"""Deviation of what items and places start as, so that what little is learnt of rare ones is not drowned."""

NOTHING = -1
"""Where a window has no event."""


class Network(nn.Module):
    """The transformer. Its parameters, layers stacked and biases as last rows, are what is served."""

    def __init__(self, n_items: int, config: SasRecConfig) -> None:
        super().__init__()
        d, layers = config.embedding_dim, config.layers
        self.heads, self.dropout = config.heads, nn.Dropout(config.dropout)
        self.items = nn.Parameter(torch.randn(n_items + 1, d) * SMALL)
        self.positions = nn.Parameter(torch.randn(config.length, d) * SMALL)
        self.norms = nn.Parameter(torch.tensor([[1.0], [0.0]]).repeat(layers, 2, 1, d))
        self.attention = nn.Parameter(_layers(layers, 4, d))
        self.feed = nn.Parameter(_layers(layers, 2, d))
        self.last = nn.Parameter(torch.tensor([[1.0], [0.0]]).repeat(1, d))
        self.bias = nn.Parameter(torch.zeros(n_items))

    def forward(self, tokens: Tensor) -> Tensor:
        """Items, the first token being `n_items`, int64 [b, t], to what comes out at each, [b, t, d]."""
        d = self.items.shape[1]
        x = functional.embedding(tokens, self.items) * math.sqrt(d) + self.positions[: tokens.shape[1]]
        x = self.dropout(x)
        for norm, attention, feed in zip(self.norms, self.attention, self.feed, strict=True):
            x = x + self.dropout(self._attend(attention, _normed(norm[0], x)))
            inner = functional.relu(_through(feed[0], _normed(norm[1], x)))
            x = x + self.dropout(_through(feed[1], inner))
        return _normed(self.last, x)

    def _attend(self, attention: Tensor, x: Tensor) -> Tensor:
        b, t, d = x.shape
        query, key, value = (
            _through(part, x).reshape(b, t, self.heads, -1).transpose(1, 2) for part in attention[:3]
        )
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return _through(attention[3], found.transpose(1, 2).reshape(b, t, d))


@dataclass(frozen=True, eq=False)
class Windows:
    """Parts of histories, no longer than the network looks back."""

    tokens: IntArray
    """The first token, then the events but the last, int64 [windows, length]."""
    events: IntArray
    """What comes next at each place, int64 [windows, length]; NOTHING after the end."""
    owner: IntArray
    """Whose they are [windows]."""


def train_sasrec(
    dataset: Dataset, config: SasRecConfig, seed: int = 0, report: Report = silent
) -> dict[str, FloatArray]:
    """Every learnt array by its name in `Network`, float32."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(dataset.n_items, config)
    network.bias.data += torch.from_numpy(np.log1p(dataset.degrees))
    network.to(device())
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - epoch / config.epochs)
        for step in _steps(dataset.histories, config, rng):
            optimiser.zero_grad()
            _loss(network, step, dataset, config, rng).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(STAGE, epoch + 1, config.epochs)
    return {name: x.detach().cpu().numpy() for name, x in network.state_dict().items()}


def _steps(histories: Histories, config: SasRecConfig, rng: np.random.Generator) -> Iterator[Windows]:
    every = windows(histories, config.length, rng.integers(config.length, size=len(histories)))
    order = rng.permutation(len(every.owner))
    for start in range(0, len(order), config.batch_size):
        some = order[start : start + config.batch_size]
        yield Windows(every.tokens[some], every.events[some], every.owner[some])


def windows(histories: Histories, length: int, shift: IntArray) -> Windows:
    """Histories cut every `length` events, history i first `length - shift[i]` after its start.

    `shift` is int64, from 0 to length - 1, one a history.
    """
    owner = np.repeat(np.arange(len(histories)), histories.lengths)
    place = np.arange(len(owner)) - histories.starts[owner]
    piece = (place + shift[owner]) // length
    first = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(piece, prepend=-1) != 0))
    window = np.searchsorted(first, np.arange(len(owner)), side="right") - 1
    events = np.full((len(first), length), NOTHING, np.int64)
    events[window, np.arange(len(owner)) - first[window]] = histories.items
    tokens = np.concatenate([np.full((len(first), 1), histories.n_items), events[:, :-1]], axis=1)
    return Windows(np.where(tokens == NOTHING, histories.n_items, tokens), events, owner[first])


def _loss(
    network: Network, step: Windows, dataset: Dataset, config: SasRecConfig, rng: np.random.Generator
) -> Tensor:
    """Mean of -log softmax of what is wanted against itself and what was drawn and the user never liked."""
    n_items, where = dataset.n_items, network.bias.device
    drawn = np.arange(n_items)
    if config.negatives < n_items:
        drawn = rng.integers(n_items, size=config.negatives)
    row, item, against = (put(x, where) for x in (*wanted(step.events, config.ahead), drawn))
    out = network(put(step.tokens, where))
    scores = out @ functional.embedding(against, network.items).T + network.bias[against]
    own = put(dataset.liked[step.owner][:, drawn].toarray() > 0, where)
    rest = torch.logsumexp(scores.masked_fill(own[:, None], -1e9), 2) + math.log(n_items / len(drawn))
    right = (functional.embedding(row, out.flatten(0, 1)) * functional.embedding(item, network.items)).sum(1)
    return functional.softplus(rest.flatten()[row] - right - network.bias[item]).mean()


def wanted(events: IntArray, ahead: int) -> tuple[IntArray, IntArray]:
    """Which events are wanted at which places, int64 both: windows' places one after another, and items.

    `events` is as in `Windows`; at each place its own event and those after it are, `ahead` of them in all.
    """
    rows: list[IntArray] = []
    items: list[IntArray] = []
    for apart in range(min(ahead, events.shape[1])):
        later = events[:, apart:]
        window, place = np.nonzero(later != NOTHING)
        rows.append(window * events.shape[1] + place)
        items.append(later[window, place])
    return np.concatenate(rows), np.concatenate(items)


def _layers(layers: int, parts: int, d: int) -> Tensor:
    weights = torch.randn(layers, parts, d, d) / math.sqrt(d)
    return torch.cat([weights, torch.zeros(layers, parts, 1, d)], 2)


def _through(layer: Tensor, x: Tensor) -> Tensor:
    """x W + b, with b the last row."""
    return x @ layer[:-1] + layer[-1]


def _normed(norm: Tensor, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], norm[0], norm[1])
