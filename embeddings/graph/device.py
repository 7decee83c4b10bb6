"""The torch device: the fastest one available."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


@cache
def device() -> "torch.device":
    """CUDA, else Apple's Metal, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def sparse_device() -> "torch.device":
    """CUDA, else the CPU: Metal supports neither CSR products nor embedding bags."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def single_torch_thread() -> Iterator[None]:
    """A context in which torch computes in one thread of the CPU, as `single_blas_thread` for BLAS.

    Beside other work this is also several times faster than threads that wait for each other.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def put(array: npt.NDArray[np.generic], where: "torch.device") -> "torch.Tensor":
    """An array as a tensor on a device; on the CPU it shares the memory of the array."""
    import torch

    found: Any = torch.from_numpy(array)
    return found.to(where)  # type: ignore[no-any-return]
