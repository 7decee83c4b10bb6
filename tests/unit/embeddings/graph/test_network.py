from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from embeddings.graph.configs import GnnConfig
from embeddings.graph.inputs import ItemInputs
from embeddings.graph.network import (
    EntityWeights,
    ItemWeights,
    StatedLikes,
    View,
    _masks,
    _softmax_loss,
    _trained,
    train_entities,
    train_items,
)

RNG = np.random.default_rng(0)
CONFIG = GnnConfig(dropout=0.0)


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def weights() -> ItemWeights:
    return ItemWeights(drawn(2, 2), drawn(2, 2), drawn(3, 2), drawn(4, 2), drawn(5, 2), drawn(2), drawn())


def inputs(m: int) -> ItemInputs:
    return ItemInputs(drawn(m, 2), drawn(m, 2), drawn(3, m, 2), drawn(m, 4), drawn(m, 5))


def in_torch(part):
    return type(part)(**{x.name: torch.as_tensor(getattr(part, x.name)) for x in fields(part)})


def test_an_item_is_placed_by_all_its_inputs() -> None:
    w, x = weights(), inputs(6)
    vectors, biases = w.place(x)
    for item in range(6):
        expected = x.ridge[item] @ w.ridge + x.neighbours[item] @ w.neighbours
        expected = expected + sum(w.related[r] * x.related[r, item] for r in range(3))
        expected = expected + x.text[item] @ w.text + x.knowledge[item] @ w.knowledge
        np.testing.assert_allclose(vectors[item], expected, atol=1e-5)
        assert biases[item] == pytest.approx(expected @ w.bias, abs=1e-5)


def test_masks_leave_out_texts_and_facts() -> None:
    w, x = weights(), inputs(4)
    no_text, no_facts = np.ones((4, 1), np.float32), np.ones((4, 1), np.float32)
    no_text[0] = no_facts[1] = 0
    vectors, _ = w.place(x, no_text, no_facts)
    without_text, _ = w.place(replace(x, text=0 * x.text))
    without_facts, _ = w.place(replace(x, related=0 * x.related, knowledge=0 * x.knowledge))
    whole, _ = w.place(x)
    for row, expected in enumerate((without_text, without_facts, whole, whole)):
        np.testing.assert_allclose(vectors[row], expected[row], atol=1e-5)


def test_tensors_are_placed_as_arrays_are() -> None:
    w, x = weights(), inputs(5)
    for ours, theirs in zip(w.place(x), in_torch(w).place(in_torch(x)), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_training_starts_from_the_mean_of_both_extrapolations() -> None:
    x = inputs(5)
    vectors, biases = ItemWeights.initial(2, 3, 4, 5).place(x)
    np.testing.assert_allclose(vectors, (x.ridge + x.neighbours) / 2, atol=1e-6)
    assert not biases.any()
    means, knowledge = drawn(3, 2), drawn(3, 5)
    np.testing.assert_array_equal(EntityWeights.initial(2, 5).place(means, knowledge), means)


def test_loss_by_hand() -> None:
    """Logits log 1, log 2, log 5; the relevant are of probability 1/8 and 5/8; the second user 1/2."""
    logits = torch.log(torch.tensor([[1.0, 2.0, 5.0], [1.0, 2.0, 1.0]]))
    relevant = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    expected = (-(np.log(1 / 8) + np.log(5 / 8)) / 2 - np.log(1 / 2)) / 2
    assert _softmax_loss(logits, relevant).item() == pytest.approx(expected, rel=1e-5)
    assert _softmax_loss(logits[:0], relevant[:0]).item() == 0


def view(relevant: np.ndarray, users: np.ndarray, x: ItemInputs) -> View:
    stated = StatedLikes(users, np.zeros((len(users), 5), np.float32), x.ridge, np.zeros(6), relevant)
    return View(x, users, relevant, stated)


def test_training_finds_the_relation_that_tells() -> None:
    """Only the vectors by relation 1 tell which items a user likes; its weights become positive."""
    users = drawn(40, 2)
    x = replace(inputs(6), ridge=0 * drawn(6, 2), neighbours=0 * drawn(6, 2), text=0 * drawn(6, 4))
    relevant = (users @ x.related[1].T > 0.5).astype(np.float32)
    config = replace(CONFIG, steps=200, learning_rate=0.05)
    found = train_items(
        ItemWeights.initial(2, 3, 4, 5), [view(relevant, users, x)], config, np.random.default_rng(0)
    )
    assert (found.related[1] > 0.2).all()
    assert (found.related[1] > np.abs(found.related[[0, 2]])).all()
    vectors, biases = found.place(x)
    scores = users @ vectors.T + biases / np.exp(found.temperature)
    assert scores[relevant > 0].mean() > scores[relevant == 0].mean() + 1


def test_the_temperature_starts_where_the_loss_is_lowest() -> None:
    """One step at a rate of 0 keeps it: likes drawn from logits of factor e^2."""
    x, users = inputs(6), drawn(4000, 2)
    logits = np.exp(2) * users @ ((x.ridge + x.neighbours) / 2).T
    logits = logits + RNG.gumbel(size=logits.shape)
    relevant = (logits == logits.max(axis=1, keepdims=True)).astype(np.float32)
    config = replace(CONFIG, steps=1, learning_rate=0.0, temperature_learning_rate=0.0)
    found = train_items(
        ItemWeights.initial(2, 3, 4, 5), [view(relevant, users, x)], config, np.random.default_rng(0)
    )
    assert found.temperature == pytest.approx(2.0)


def test_popular_items_are_learnt_from_stated_likes() -> None:
    """The liked items do not depend on the entities, only on the number of likes."""
    users, x = drawn(50, 2), inputs(6)
    degrees = np.arange(6, dtype=np.float32)
    relevant = np.repeat((degrees >= 4).astype(np.float32)[None], 50, axis=0)
    stated = StatedLikes(users, np.zeros((50, 5), np.float32), 0.01 * x.ridge, degrees, relevant)
    config = replace(CONFIG, steps=50, learning_rate=0.05)
    found = train_entities(
        EntityWeights.initial(2, 5), [replace(view(relevant, users, x), stated=stated)], config, RNG
    )
    assert found.popularity > 0.5


def test_rates_fall_linearly_and_the_temperature_has_its_own() -> None:
    """A step of Adam is the rate where the gradient is constant: 4 steps of 1, 3/4, 1/2, 1/4 of it."""
    config = replace(CONFIG, steps=4, learning_rate=0.1, temperature_learning_rate=0.2)
    one = view(np.zeros((1, 6), np.float32), drawn(1, 2), inputs(6))
    found = _trained(
        EntityWeights.initial(2, 5), lambda own, *_: own.popularity + own.temperature, [one], config, RNG
    )
    assert found.popularity == pytest.approx(-0.25, rel=1e-4)
    assert found.temperature == pytest.approx(-3 - 0.5, rel=1e-4)  # -3 is the lowest start


def test_texts_and_facts_are_masked_independently() -> None:
    """Of 4,000 items a quarter: four deviations, of sqrt(.25 * .75 / 4,000) = .007, are .028."""
    x = replace(inputs(1), text=np.zeros((4000, 1), np.float32))
    one = view(np.zeros((1, 6), np.float32), drawn(1, 2), x)
    text, facts = (mask.cpu().numpy() for mask in _masks(one, replace(CONFIG, dropout=0.25), RNG))
    assert text.shape == facts.shape == (4000, 1)
    assert text.mean() == pytest.approx(0.75, abs=0.028)
    assert facts.mean() == pytest.approx(0.75, abs=0.028)
    assert (text * facts).mean() == pytest.approx(0.75**2, abs=0.032)
