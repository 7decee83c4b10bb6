from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import torch

from embeddings.data.dataset import Histories
from embeddings.graph.configs import GnnConfig
from embeddings.graph.device import sparse_device
from embeddings.graph.gnn import visible_part
from embeddings.graph.propagation import Propagation
from embeddings.scorers.graph import Gnn


def test_propagation_is_the_dense_product_and_so_is_its_gradient() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((5, 7)) * (rng.random((5, 7)) < 0.5)
    fast = torch.tensor(rng.random((7, 3)), dtype=torch.float32, device=sparse_device())
    slow = fast.clone().requires_grad_()
    fast = fast.requires_grad_()
    weight = torch.tensor(rng.random((5, 3)), dtype=torch.float32, device=sparse_device())
    ours = Propagation(sp.csr_array(dense.astype(np.float32)))(fast)
    plain = torch.tensor(dense, dtype=torch.float32, device=sparse_device()) @ slow
    (ours * weight).sum().backward()
    (plain * weight).sum().backward()
    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(fast.grad, slow.grad)


def test_what_is_hidden() -> None:
    liked = sp.csr_array(np.ones((200, 20), np.float32))
    new = np.arange(20) < 3
    config = GnnConfig(hide_events=0.5, short=0.25)
    visible = visible_part(liked, new, config, np.random.default_rng(0))
    lengths = np.diff(visible.indptr)
    assert visible[:, :3].nnz == 0
    assert lengths.max() <= 10
    assert 0.1 < (lengths <= 5).mean() < 0.5
    assert (visible.data == 1).all()


def test_an_item_without_likes_is_placed_by_facts_and_text(dataset, small_configs) -> None:
    """Items 0 and 1 lose every event; a history of even items still prefers the even one."""
    cold = dataset.select_events(~np.isin(dataset.events.item, [0, 1]))
    fitted = Gnn.fit(cold, small_configs["gnn"], seed=0)
    even, odd = fitted.score(Histories.of([[2, 4, 6], [3, 5, 7]], dataset.n_items))
    assert even[0] > even[1]
    assert odd[1] > odd[0]


def test_sampled_softmax_learns_too(dataset, small_configs) -> None:
    fitted = Gnn.fit(dataset, replace(small_configs["gnn"], sampled_items=8, batch_size=10), seed=0)
    scores = fitted.score(Histories.of([[0, 2]], dataset.n_items))[0]
    assert scores[[4, 6, 8]].mean() > scores[[5, 7, 9]].mean()
