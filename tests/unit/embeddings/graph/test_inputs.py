from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.spectral import SpectralConfig, SpectralVectors
from embeddings.graph.inputs import ContentInputs, FactAdjacencies, GraphInputs, _means
from kg.graph import Triples

CONFIG = SpectralConfig(factors=3)


def triples(*facts):
    head, relation, tail = (np.array(column, np.int32) for column in zip(*facts, strict=True))
    return Triples(head, relation, tail)


@pytest.fixture
def graph(dataset):
    """Items 0 and 1 without likes; relation 0 joins items to genres 12 and 13, relation 1 joins items."""
    facts = triples((0, 0, 12), (2, 0, 12), (4, 0, 12), (3, 0, 13), (0, 1, 2), (5, 1, 0))
    with_facts = replace(dataset, triples=facts, relations=("HAS_GENRE", "SEQUEL_OF"))
    fewer = with_facts.select_events(~np.isin(with_facts.events.item, [0, 1]))
    knowledge = np.random.default_rng(0).random((14, 5)).astype(np.float32)
    return GraphInputs.of(ContentInputs(fewer, knowledge), fewer, CONFIG, None)


def test_means_over_the_neighbours_by_each_relation(graph) -> None:
    found = FactAdjacencies.of(graph.content.dataset)
    genre, sequel = (matrix.toarray() for matrix in found.to_items)
    assert genre[0, 12] == genre[3, 13] == 1
    assert genre.sum() == 4
    np.testing.assert_array_equal(sequel[0, [2, 5]], [0.5, 0.5])
    assert sequel[2, 0] == sequel[5, 0] == 1
    np.testing.assert_allclose(found.to_entities.toarray()[0, [0, 2, 4]], [1 / 3] * 3)
    assert found.to_entities.toarray()[1].tolist() == [0, 0, 0, 1] + [0] * 8


def test_an_entity_is_the_mean_of_its_items_that_have_likes(graph) -> None:
    """Item 0 of genre 12 has none."""
    np.testing.assert_allclose(graph.entities[0], graph.items[[2, 4]].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(graph.entities[1], graph.items[3], atol=1e-6)


def test_items_without_likes_have_no_vector_of_their_own(graph) -> None:
    assert not graph.items[:2].any()
    assert not graph.history[:2].any()
    assert graph.items[2:].any(axis=1).all()


def test_the_scores_are_those_of_the_spectral_vectors(graph) -> None:
    liked = graph.content.dataset.liked
    slow = SpectralVectors.of(liked, CONFIG)
    expected = (liked @ slow.history @ slow.items.T)[:, 2:]
    found = (liked @ graph.history @ graph.items.T)[:, 2:]
    np.testing.assert_allclose(found / found.std(), expected / expected.std(), rtol=1e-4, atol=1e-5)


def test_vectors_of_one_scale_whatever_the_graph(graph) -> None:
    assert np.square(graph.items[2:]).sum(axis=1).mean() == pytest.approx(1, rel=1e-5)


def test_related_vectors_of_an_item_without_likes(graph) -> None:
    found = graph.of_items(np.array([0]))
    genre, sequel = found.related
    np.testing.assert_allclose(genre[0], graph.entities[0], atol=1e-6)
    np.testing.assert_allclose(sequel[0], graph.items[[2, 5]].mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(found.knowledge[0], graph.content.knowledge[0])
    np.testing.assert_array_equal(found.text[0], graph.content.text[0])


def test_extrapolated_vectors_lean_to_the_own_colour(graph) -> None:
    """Text tells colours apart: item 0 is nearer to the even items than to the odd ones."""
    found = graph.of_items(np.array([0]))
    for estimate in (found.ridge[0], found.neighbours[0]):
        near = graph.items @ estimate
        assert near[[2, 4, 6, 8]].mean() > near[[3, 5, 7, 9]].mean()


def test_vectors_of_another_graph_are_rotated_to_the_reference(graph) -> None:
    """A rotation of the same vectors is undone; scores do not change."""
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0].astype(np.float32)
    dataset = graph.content.dataset
    turned = GraphInputs.of(graph.content, dataset, CONFIG, graph.items @ rotation)
    np.testing.assert_allclose(turned.items, graph.items @ rotation, atol=1e-4)
    np.testing.assert_allclose(turned.history @ turned.items.T, graph.history @ graph.items.T, atol=1e-4)


def test_a_graph_without_likes_or_facts(dataset) -> None:
    nothing = replace(dataset, triples=dataset.triples.select(np.zeros(len(dataset.triples), np.bool_)))
    nothing = nothing.select_events(np.zeros(len(nothing.events), np.bool_))
    found = GraphInputs.of(ContentInputs(nothing, np.zeros((14, 1), np.float32)), nothing, CONFIG, None)
    inputs = found.of_items(np.arange(12))
    assert inputs.related.shape == (0, 12, 3)
    assert not inputs.ridge.any()
    assert found.items.shape == (12, 3)
    assert sp.issparse(found.content.adjacencies.to_entities)


def test_a_fact_that_is_stated_twice_counts_once() -> None:
    found = _means(np.array([0, 0, 0]), np.array([1, 1, 2]), (2, 3))
    assert found.toarray().tolist() == [[0, 0.5, 0.5], [0, 0, 0]]


def test_items_have_their_own_texts_and_embeddings(dataset) -> None:
    knowledge = np.arange(14, dtype=np.float32)[:, None]
    content = ContentInputs(dataset, knowledge)
    found = GraphInputs.of(content, dataset, SpectralConfig(3), None).of_items(np.array([5, 3]))
    assert found.knowledge.tolist() == [[5], [3]]
    np.testing.assert_array_equal(found.text, content.text[[5, 3]])
