"""The experts whose candidates the ranker ranks, and all they say of an asker's items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from embeddings.carriers import WAYS, Carrier
from embeddings.content import Nearest
from embeddings.dataset import Dataset, Histories
from embeddings.scorers.als import AlsConfig
from embeddings.scorers.base import Scorer
from embeddings.scorers.ease import EaseConfig
from embeddings.scorers.eras import EraConfig
from embeddings.scorers.neighbours import ItemKnnConfig
from embeddings.scorers.profile import ProfileConfig
from embeddings.scorers.registry import SCORERS
from embeddings.scorers.sequence import AdjacencyConfig
from kg.graph import BoolArray, FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class Expert:
    """A scorer under a configuration."""

    scorer: str
    config: Any = None
    """None: the scorer's default."""
    carried: bool = False
    """Whether its scores are also carried to items by their content."""


EXPERTS: dict[str, Expert] = {
    "popularity": Expert("popularity", carried=True),
    "ease": Expert("ease", carried=True),
    "ease_strong": Expert("ease", EaseConfig(1000.0), carried=True),
    "ease_even": Expert("ease", EaseConfig(60.0, per_degree=0.3, length_power=-0.5)),
    "als": Expert("als", AlsConfig(factors=64, iterations=8)),
    "svd": Expert("svd"),
    "graph_filter": Expert("graph_filter"),
    "item_knn": Expert("item_knn"),
    "item_knn_wide": Expert("item_knn", ItemKnnConfig(300, 50.0)),
    "user_knn": Expert("user_knn"),
    "era": Expert("era"),
    "era_narrow": Expert("era", EraConfig(6)),
    "era_knn": Expert("era", EraConfig(60, 80)),
    "next_to": Expert("adjacency", AdjacencyConfig(1)),
    "adjacency": Expert("adjacency", carried=True),
    "session": Expert("adjacency", AdjacencyConfig(30)),
    "text": Expert("text"),
    "facts": Expert("profile", ProfileConfig("facts", 0.3)),
    "profile": Expert("profile"),
    "kge": Expert("kge"),
    "gnn": Expert("gnn"),
}
"""All there are, by the name they have in a model."""

DEFAULT_EXPERTS = tuple(name for name in EXPERTS if name != "gnn")
"""Graph convolution is fitted anew for each fold and would take most of the training time."""


@dataclass(frozen=True, eq=False)
class Groundwork:
    """What does not depend on who liked what, made once for all folds."""

    experts: Mapping[str, Scorer[Any]]
    """Those who know content alone."""
    nearest: Nearest

    @classmethod
    def of(cls, dataset: Dataset, names: Sequence[str], configs: Mapping[str, Any], seed: int) -> Self:
        """For a dataset and whatever is hidden of its events."""
        own = [name for name in names if SCORERS[EXPERTS[name].scorer].of_content]
        fitted = {name: _expert(name, dataset, configs, seed) for name in own}
        return cls(fitted, Nearest.of(dataset.content, dataset.degrees))


@dataclass(frozen=True, eq=False)
class Panel:
    """Fitted experts, and what carries their scores to items nobody liked yet."""

    experts: Mapping[str, Scorer[Any]]
    carrier: Carrier
    known: BoolArray
    """Whether somebody has met the item, liked or not, bool [n_items]."""

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        configs: Mapping[str, Any],
        ground: Groundwork,
        seed: int,
        report: Report = silent,
    ) -> Self:
        """Each expert on its own."""
        fitted = {
            name: ground.experts.get(name) or _expert(name, dataset, configs, seed, report) for name in names
        }
        return cls(fitted, Carrier.fit(dataset, ground.nearest), dataset.met)

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of all who speak, in order."""
        return voices(tuple(self.experts))

    def score(self, histories: Histories) -> FloatArray:
        """What every expert says, standardised over known items, float32 [experts, askers, n_items]."""
        said = np.empty((len(self.experts), len(histories), len(self.known)), np.float32)
        for row, expert in enumerate(self.experts.values()):
            said[row] = expert.score(histories)
        return standardised(said, self.known)

    def sources(self, said: FloatArray) -> FloatArray:
        """Of what the experts said, softly, what is carried to other items, [sources, askers, n_items]."""
        return said[[EXPERTS[name].carried for name in self.experts]]


def _expert(
    name: str, dataset: Dataset, configs: Mapping[str, Any], seed: int, report: Report = silent
) -> Scorer[Any]:
    kind = SCORERS[EXPERTS[name].scorer]
    return kind.fit(dataset, configs.get(name) or EXPERTS[name].config or kind.grid[0], seed, report)


def softly(said: FloatArray) -> FloatArray:
    """The arcsinh of each score, float32: as it is where small, its logarithm where large.

    Written out, since numpy's own takes five times as long.
    """
    size = np.abs(said)
    return np.asarray(np.copysign(np.log(size + np.sqrt(size * size + np.float32(1))), said), np.float32)


def standardised(said: FloatArray, known: BoolArray) -> FloatArray:
    """Each row [..., n_items] less its mean over the known items, by its deviation there; else zeros."""
    weight = known / max(known.sum(), 1) if known.any() else np.full(len(known), 1 / len(known))
    weight = weight.astype(np.float32)
    centred = said - (said @ weight)[..., None]
    spread = np.sqrt(np.square(centred) @ weight)[..., None]
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-6), np.float32)


def voices(experts: Sequence[str]) -> tuple[str, ...]:
    """The experts, then each one whose scores are carried, once for each way."""
    carried = [name for name in experts if EXPERTS[name].carried]
    return (*experts, *(f"{name}_{way}" for name in carried for way in WAYS))
