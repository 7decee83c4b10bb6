"""The model with one part left out, to measure what the part is worth beside the whole.

A variant is a plain function from a dataset and a configuration to others, from which the model is then
learnt anew: nothing of what the part knew is left, neither in data nor in scorers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from embeddings.data.dataset import NO_VECTORS, Dataset
from embeddings.evaluation.trials import OURS, Method
from embeddings.training.fit import TrainingConfig, fit
from kg.errors import UsageError
from kg.progress import Report, silent

Variant = Callable[[Dataset, TrainingConfig], tuple[Dataset, TrainingConfig]]


def without_gnn(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """No graph convolution."""
    return dataset, _without_expert(config, "gnn")


def without_kge(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """No knowledge-graph embedding, neither as an scorer nor as what graph convolution starts from."""
    nothing = np.zeros((dataset.n_nodes, 1), np.float32)
    return replace(dataset, knowledge=nothing), _without_expert(config, "kge")


def without_text(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """No item has text: nor have scorers, what carries scores to new items, or the ranker."""
    return replace(dataset, text=np.zeros((dataset.n_items, 1), np.float32)), config


def without_facts(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """There is no fact, and so no knowledge-graph embedding; graph convolution has likes and text alone."""
    nothing = dataset.triples.select(np.zeros(len(dataset.triples), np.bool_))
    return replace(dataset, triples=nothing, knowledge=NO_VECTORS), config


def without_gate(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """The trees see what scorers say and nothing of what is known of user and item."""
    return dataset, replace(config, ranker=replace(config.ranker, without_context_features=True))


PARTS: dict[str, Variant] = {
    "gnn": without_gnn,
    "kge": without_kge,
    "text": without_text,
    "facts": without_facts,
    "gate": without_gate,
}
"""What can be left out, by name."""


def missing(part: str, config: TrainingConfig) -> str | None:
    """Why a part cannot be left out: the model does not have it; None if it has."""
    if part in ("gnn", "kge") and part not in config.experts:
        return f"without {part}: the model has no scorer {part}"
    return None


def variants(
    parts: Sequence[str], config: TrainingConfig, seed: int = 0, report: Report = silent
) -> Iterator[Method]:
    """The whole model, then it without each of the parts, as methods to measure.

    Raises:
        UsageError: there is no such part, or the model does not have it.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UsageError(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    for part in parts:
        if why := missing(part, config):
            raise UsageError(why)
    yield _method(OURS, lambda dataset, config: (dataset, config), config, seed, report)
    for part in parts:
        yield _method(f"without {part}", PARTS[part], config, seed, report)


def _method(name: str, variant: Variant, config: TrainingConfig, seed: int, report: Report) -> Method:
    return Method(name, (config,), lambda data, whole: fit(*variant(data, whole), seed, report).score)


def _without_expert(config: TrainingConfig, name: str) -> TrainingConfig:
    if why := missing(name, config):
        raise UsageError(why)
    return replace(config, experts=tuple(expert for expert in config.experts if expert != name))
