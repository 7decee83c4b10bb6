"""Where torch computes: on the fastest device that is there."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


@cache
def device() -> "torch.device":
    """CUDA, else Apple's Metal, else the processor."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def sparse_device() -> "torch.device":
    """CUDA, else the processor: Metal has neither products with CSR matrices nor bags of embeddings."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def put(array: npt.NDArray[np.generic], where: "torch.device") -> "torch.Tensor":
    """An array as a tensor there; on the processor it shares the array's memory."""
    import torch

    found: Any = torch.from_numpy(array)
    return found.to(where)  # type: ignore[no-any-return]
