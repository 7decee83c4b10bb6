import torch
from torch import nn

from embeddings.text.int8 import Int8Linear, quantize_linear_layers


def linear(weight, bias):
    made = nn.Linear(2, 1)
    made.weight.data, made.bias.data = torch.tensor(weight), torch.tensor(bias)
    return made


def test_products_are_of_integers() -> None:
    """Levels of .01 and .02: (127, -64) * (127, 50), because 1.004 / .02 = 50.2 is rounded."""
    layer = Int8Linear(linear([[1.27, -0.64]], [0.5]))
    expected = (127 * 127 - 64 * 50) * 0.01 * 0.02 + 0.5
    torch.testing.assert_close(layer(torch.tensor([[2.54, 1.004]])), torch.tensor([[expected]]))


def test_each_row_has_a_scale_of_its_own() -> None:
    layer = Int8Linear(linear([[1.27, -0.64]], [0.5]))
    rows = torch.tensor([[[2.54, 1.004], [1e-3, 0.0]], [[0.0, 0.0], [900.0, -7.0]]])
    found = layer(rows)
    assert found.shape == (2, 2, 1)
    for n in range(2):
        for m in range(2):
            assert torch.equal(found[n, m], layer(rows[n, m : m + 1])[0])
    assert found[1, 0, 0] == 0.5  # a row of zeros leaves the bias


def test_linear_layers_are_replaced_at_every_depth() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.GELU(), nn.Linear(4, 2, bias=False)))
    x = torch.linspace(-1, 1, 6).reshape(2, 3)
    before = model(x)
    quantize_linear_layers(model)
    assert [type(x).__name__ for x in model.modules()].count("Int8Linear") == 2
    assert not any(isinstance(x, nn.Linear) for x in model.modules())
    torch.testing.assert_close(model(x), before, atol=0.02, rtol=0)
