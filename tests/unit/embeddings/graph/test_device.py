import numpy as np
import pytest
import torch

from embeddings.graph.device import device, put, sparse_device


@pytest.mark.parametrize(
    ("cuda", "metal", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_there_is(monkeypatch, cuda, metal, expected) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: metal)
    assert device.__wrapped__().type == expected


@pytest.mark.parametrize(
    ("cuda", "metal", "expected"), [(True, False, "cuda"), (False, True, "cpu"), (False, False, "cpu")]
)
def test_metal_has_no_sparse_products(monkeypatch, cuda, metal, expected) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: metal)
    assert sparse_device.__wrapped__().type == expected


def test_an_array_on_the_processor_is_not_copied() -> None:
    array = np.zeros(3, np.float32)
    put(array, torch.device("cpu"))[1] = 7.0
    assert array.tolist() == [0, 7, 0]
