"""How the weights of a blend are learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from embeddings.blend import DEGREES, LENGTHS, Gate, length_basis
from embeddings.dataset import Histories
from kg.graph import FloatArray, IntArray


@dataclass(frozen=True)
class GateConfig:
    """How the gate is learnt."""

    steps: int = 100
    batch_size: int = 96
    """Askers a step."""
    learning_rate: float = 0.08
    decay: float = 1e-3
    """Pull back to where it started: all experts alike."""
    sampled_items: int = 20_000
    """Items a softmax runs over; of more than that, as many are drawn."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the experts said of some askers, and what these went on to like."""

    histories: Histories
    scores: Mapping[str, FloatArray]
    """`standardised` already."""
    wanted: sp.csr_array
    """Askers x items."""


def fit_gate(
    experts: tuple[str, ...], group: IntArray, lessons: Sequence[Lesson], config: GateConfig, seed: int = 0
) -> Gate:
    """Minimise the mean over askers of -log softmax of what they went on to like, by Adam.

    Half of the steps learn from the first lesson, the rest from any.
    """
    rng = np.random.default_rng(seed)
    shapes = (len(experts), len(LENGTHS)), (len(experts), len(DEGREES) + 1), (len(LENGTHS), len(DEGREES) + 1)
    starts = [np.full(shape, value, np.float32) for shape, value in zip(shapes, (0.5, 1.0, 0.0), strict=True)]
    learnt = [torch.tensor(start, requires_grad=True) for start in starts]
    optimiser = torch.optim.Adam(learnt, config.learning_rate)
    for step in range(config.steps):
        lesson = lessons[int(rng.integers(len(lessons))) if step % 2 else 0]
        loss = _loss(learnt, experts, group, lesson, config, rng)
        for value, start in zip(learnt, starts, strict=True):
            loss = loss + config.decay * ((value - torch.from_numpy(start)) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    weight, scale, bias = (value.detach().numpy() for value in learnt)
    return Gate(experts, weight, scale, bias, group)


def _loss(
    learnt: list[torch.Tensor],
    experts: tuple[str, ...],
    group: IntArray,
    lesson: Lesson,
    config: GateConfig,
    rng: np.random.Generator,
) -> torch.Tensor:
    weight, scale, bias = learnt
    some = rng.permutation(len(lesson.histories))[: config.batch_size]
    items = np.arange(len(group))
    if len(items) > config.sampled_items:
        drawn = rng.choice(len(items), config.sampled_items, replace=False)
        items = np.union1d(drawn, lesson.wanted[some].indices)
    basis = torch.from_numpy(length_basis(lesson.histories.lengths[some]))
    logits = (basis @ bias)[:, group[items]]
    for n, name in enumerate(experts):
        said = torch.from_numpy(lesson.scores[name][some][:, items])
        logits = logits + said * (basis @ weight[n])[:, None] * scale[n][group[items]]
    visible = torch.from_numpy(lesson.histories.matrix[some][:, items].toarray() > 0)
    wanted = torch.from_numpy(lesson.wanted[some][:, items].toarray())
    losses = -(wanted * logits.masked_fill(visible, -1e9).log_softmax(1)).sum(1)
    return (losses / wanted.sum(1).clamp_min(1)).mean()
