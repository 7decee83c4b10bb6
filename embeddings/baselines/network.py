"""What scorers have in common that score by a PyTorch network."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from embeddings.data.files import Array
from embeddings.scorers.base import Scorer
from kg.progress import Report, silent

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class NetworkScorer(Scorer[Config], Generic[Config, Network]):
    """A scorer that is a network in evaluation mode, on the device that `device()` names.

    `arrays()` holds the weights by their names in the network, the fields of the configuration and the number
    of items, so that `restore` can build the network again.
    """

    config: Config
    n_items: int
    network: Network

    @classmethod
    @abstractmethod
    def build(cls, n_items: int, config: Config) -> Network:
        """An untrained network, on the device where it is trained and where it scores."""

    @override
    def arrays(self) -> dict[str, Array]:
        config: Any = self.config
        weights = {name: x.detach().cpu().numpy() for name, x in self.network.state_dict().items()}
        settings = {name: np.asarray(value) for name, value in asdict(config).items()}
        return {
            "n_items": np.asarray(self.n_items),
            **{f"config.{name}": value for name, value in settings.items()},
            **{f"network.{name}": value for name, value in weights.items()},
        }

    @override
    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        config = type(cls.grid[0])(**{k: v.item() for k, v in _below(arrays, "config.").items()})
        n_items = int(arrays["n_items"])
        network = cls.build(n_items, config)
        weights = {name: torch.from_numpy(x.copy()) for name, x in _below(arrays, "network.").items()}
        network.load_state_dict(weights)
        return cls(config, n_items, network.eval())


def train(
    network: nn.Module,
    losses: Callable[[], Iterator[Tensor]],
    epochs: int,
    learning_rate: float,
    stage: str,
    report: Report = silent,
) -> None:
    """Minimise losses by Adam, whose learning rate falls linearly to 0.

    `losses()` gives the loss of each step of an epoch, computed when it is asked for.
    """
    optimiser = torch.optim.Adam(network.parameters(), learning_rate)
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - epoch / epochs)
        for loss in losses():
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        report(stage, epoch + 1, epochs)


def _below(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}
