import pytest
import torch

from embeddings.device import device


@pytest.mark.parametrize(
    ("cuda", "metal", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_there_is(monkeypatch, cuda, metal, expected) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: metal)
    assert device.__wrapped__().type == expected
