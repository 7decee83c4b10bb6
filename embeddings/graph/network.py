"""The weights of the graph network, and their training by a softmax over hidden items."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from embeddings.graph.configs import GnnConfig
from embeddings.graph.device import device, put
from embeddings.graph.inputs import ItemInputs
from kg.graph import FloatArray

_TEMPERATURES = np.arange(-3.0, 5.0, 0.5, dtype=np.float32)
"""Logarithms of the factors of the scores that training may start from."""


Weights = TypeVar("Weights", "ItemWeights", "EntityWeights")


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """How items without likes are placed: NumPy arrays, or torch tensors in training."""

    ridge: Any
    """[d, d]"""
    neighbours: Any
    """[d, d]"""
    related: Any
    """[relations, d]"""
    text: Any
    """[t, d]"""
    knowledge: Any
    """[k, d]"""
    bias: Any
    """[d]"""
    temperature: Any
    """Logarithm of the factor of the scores, []."""

    @classmethod
    def initial(cls, d: int, n_relations: int, text: int, knowledge: int) -> Self:
        """Weights by which an item is the mean of both extrapolations."""
        half, rest = (
            0.5 * np.eye(d, dtype=np.float32),
            ((n_relations, d), (text, d), (knowledge, d), (d,), ()),
        )
        return cls(half, half, *(np.zeros(shape, np.float32) for shape in rest))

    def place(self, inputs: ItemInputs, has_text: Any = 1.0, has_facts: Any = 1.0) -> tuple[Any, Any]:
        """Vectors [m, d] and biases [m] of items; the masks are [m, 1]."""
        related = (self.related[:, None, :] * inputs.related).sum(0)
        facts = (related + inputs.knowledge @ self.knowledge) * has_facts
        vectors = inputs.ridge @ self.ridge + inputs.neighbours @ self.neighbours
        vectors = vectors + facts + (inputs.text @ self.text) * has_text
        return vectors, vectors @ self.bias


@dataclass(frozen=True, eq=False)
class EntityWeights:
    """How entities are placed, and scored where they are all that is known of a user."""

    means: Any
    """[d, d]"""
    knowledge: Any
    """[k, d]"""
    popularity: Any
    """Weight of the logarithm of the number of likes, []."""
    temperature: Any
    """Logarithm of the factor of the scores, []."""

    @classmethod
    def initial(cls, d: int, knowledge: int) -> Self:
        """Weights by which an entity is the mean of its items."""
        zero = np.zeros((), np.float32)
        return cls(np.eye(d, dtype=np.float32), np.zeros((knowledge, d), np.float32), zero, zero)

    def place(self, means: Any, knowledge: Any) -> Any:
        """Vectors [n, d] from the means of the entities' items [n, d] and their embeddings [n, k]."""
        return means @ self.means + knowledge @ self.knowledge


@dataclass(frozen=True, eq=False)
class StatedLikes:
    """Users known by liked entities alone, and what they like among items that have likes."""

    means: Any
    """The mean of the entities' mean vectors of items, float32 [b, d]."""
    knowledge: Any
    """The mean of the entities' embeddings [b, k]."""
    candidates: Any
    """Vectors of the ranked items [c, d]."""
    log_degrees: Any
    """Logarithms of 1 + their number of likes [c]."""
    relevant: Any
    """Float32 [b, c]."""


@dataclass(frozen=True, eq=False)
class View:
    """A graph in which some items are hidden, and the users who like them."""

    items: ItemInputs
    """The hidden items."""
    users: Any
    """The sums of the vectors of their visible histories, float32 [b, d]."""
    relevant: Any
    """Which hidden items each of them likes, float32 [b, m]."""
    stated: StatedLikes


def train_items(
    initial: ItemWeights, views: Sequence[View], config: GnnConfig, rng: np.random.Generator
) -> ItemWeights:
    """Weights by which the users' histories find the hidden items that they like."""

    def loss(weights: ItemWeights, view: View, masks: Sequence[Tensor]) -> Tensor:
        vectors, biases = weights.place(view.items, *masks)
        return _softmax_loss((view.users @ vectors.T) * weights.temperature.exp() + biases, view.relevant)

    return _trained(initial, loss, views, config, rng)


def train_entities(
    initial: EntityWeights, views: Sequence[View], config: GnnConfig, rng: np.random.Generator
) -> EntityWeights:
    """Weights by which stated entities find the items that their users like."""

    def loss(weights: EntityWeights, view: View, masks: Sequence[Tensor]) -> Tensor:  # noqa: ARG001
        stated = view.stated
        users = weights.place(stated.means, stated.knowledge)
        scores = (users @ stated.candidates.T) * weights.temperature.exp()
        return _softmax_loss(scores + weights.popularity * stated.log_degrees, stated.relevant)

    return _trained(initial, loss, views, config, rng)


def _trained(
    initial: Weights,
    loss: Callable[[Weights, View, Sequence[Tensor]], Tensor],
    views: Sequence[View],
    config: GnnConfig,
    rng: np.random.Generator,
) -> Weights:
    """The weights after `config.steps` steps, which take turns at the views."""
    parameters = {name: _parameter(value) for name, value in vars(initial).items()}
    weights: Weights = type(initial)(**parameters)
    views = [_on_device(view) for view in views]
    _set_temperature(parameters["temperature"], lambda: float(loss(weights, views[0], ())))
    optimiser = torch.optim.Adam(_rates(parameters, config))
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, config.steps)
    for step in range(config.steps):
        view = views[step % len(views)]
        optimiser.zero_grad()
        loss(weights, view, _masks(view, config, rng)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return type(initial)(**{name: own.detach().cpu().numpy() for name, own in parameters.items()})


def _rates(parameters: dict[str, Tensor], config: GnnConfig) -> list[dict[str, Any]]:
    rates = {"temperature": config.temperature_learning_rate}
    return [
        {"params": [own], "lr": rates.get(name, config.learning_rate)} for name, own in parameters.items()
    ]


def _softmax_loss(logits: Tensor, relevant: Tensor) -> Tensor:
    """The mean over users of -log softmax at the relevant items; 0 without users."""
    if not len(logits):
        return logits.sum()
    losses = -(relevant * logits.log_softmax(1)).sum(1) / relevant.sum(1).clamp_min(1)
    return losses.mean()


def _set_temperature(temperature: Tensor, loss: Callable[[], float]) -> None:
    """Start from the factor of the scores that gives the lowest loss."""
    losses = []
    with torch.no_grad():
        for value in _TEMPERATURES:
            temperature.fill_(float(value))
            losses.append(loss())
        temperature.fill_(float(_TEMPERATURES[int(np.argmin(losses))]))


def _masks(view: View, config: GnnConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    shape = (len(view.items.text), 1)
    text, facts = (rng.random(shape) >= config.dropout for _ in range(2))
    return put(text.astype(np.float32), device()), put(facts.astype(np.float32), device())


def _parameter(values: FloatArray) -> Tensor:
    return put(np.array(values, np.float32), device()).clone().requires_grad_()


def _on_device(part: Any) -> Any:
    """The same dataclass of arrays, with tensors on the device."""
    if isinstance(part, np.ndarray):
        return put(np.ascontiguousarray(part, np.float32), device())
    return type(part)(**{field.name: _on_device(getattr(part, field.name)) for field in fields(part)})
