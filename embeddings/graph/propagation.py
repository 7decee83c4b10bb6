"""Sums over neighbours on the device, each as one product with a CSR matrix."""

import warnings
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from embeddings.graph.device import put, sparse_device
from embeddings.graph.sampling import through_likes

with warnings.catch_warnings():  # the library still calls torch.jit.script
    warnings.simplefilter("ignore", FutureWarning)
    from torch_geometric.nn import MessagePassing


class _Product(torch.autograd.Function):
    """matrix @ x with the transpose at hand: the built-in gradient makes it anew, at 4 x the time."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, x: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.transposed @ gradients[0].contiguous()


class Propagation(MessagePassing):  # type: ignore[misc]
    """Sum over weighted neighbours as one CSR product; `matrix` is targets x sources."""

    def __init__(self, matrix: sp.csr_array) -> None:
        super().__init__(aggr="sum")
        self.matrix = _tensor(matrix)
        self.transposed = _tensor(matrix.T.tocsr())

    def forward(self, x: Tensor) -> Tensor:
        """[sources, d] to [targets, d]."""
        result: Tensor = self.propagate(self.matrix, x=x, size=tuple(self.matrix.shape[::-1]))
        return result

    def message_and_aggregate(self, edge_index: Tensor, x: Tensor) -> Tensor:
        """The fused product, which `propagate` calls for a sparse adjacency."""
        return cast("Tensor", _Product.apply(edge_index, self.transposed, x))


def through_users(liked: sp.csr_array) -> tuple[Propagation, Propagation]:
    """From items to users and back, as `through_likes`."""
    to_users, from_users = through_likes(liked)
    return Propagation(to_users), Propagation(from_users)


def _tensor(matrix: sp.csr_array) -> Tensor:
    rows, columns, values = (
        put(part.astype(kind), sparse_device())
        for part, kind in ((matrix.indptr, np.int64), (matrix.indices, np.int64), (matrix.data, np.float32))
    )
    with warnings.catch_warnings():  # sparse CSR is called beta there
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(rows, columns, values, size=matrix.shape)
