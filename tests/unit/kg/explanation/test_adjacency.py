"""Facts in both directions: 5 directed, 4 starring, 9 genres and 8 languages are 26 facts, 52 entries."""

from math import log, log1p

import numpy as np
import pytest

from kg.explanation.adjacency import FactAdjacency, SourceEdges, spans
from kg.explanation.paths import Edge
from kg.graph import GraphSnapshot


@pytest.fixture
def facts(films: GraphSnapshot) -> FactAdjacency:
    return FactAdjacency(films)


def test_spans() -> None:
    assert spans(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


def test_a_row_holds_the_edges_of_its_node(films: GraphSnapshot, facts: FactAdjacency) -> None:
    solaris, sci_fi, scott = films.node("Movie", "m8"), films.node("Genre", "g1"), films.node("Person", "p1")
    entries, owner = facts.rows(np.array([solaris, scott]))
    assert owner.tolist() == [0, 0, 1, 1, 1]
    assert facts.neighbour[entries].tolist() == [sci_fi, films.node("Language", "ru"), 0, 1, 2]
    assert [facts.edge(entry) for entry in entries[1:3]] == [
        Edge("IN_LANGUAGE", "out"),
        Edge("DIRECTED_BY", "in"),
    ]
    assert len(facts.neighbour) == 2 * (5 + 4 + 9 + 8)


def test_specificity_is_the_inverse_document_frequency(films: GraphSnapshot, facts: FactAdjacency) -> None:
    """Of 8 films Scott has 3, English 7, Russian 1."""
    nodes = [films.node("Person", "p1"), films.node("Language", "en"), films.node("Language", "ru")]
    by_hand = [log1p(8 / 3) / log1p(8), log1p(8 / 7) / log1p(8), 1]
    assert facts.specificity[nodes] == pytest.approx(by_hand)


def test_emphasis_falls_with_the_facts_a_relation_gives_a_head(
    films: GraphSnapshot, facts: FactAdjacency
) -> None:
    """Each film that has directors has one; 8 films have 9 genres."""
    entries, _ = facts.rows(np.array([films.node("Person", "p1"), films.node("Genre", "g1")]))
    assert facts.emphasis[entries] == pytest.approx([1] * 3 + [(1 + 1 / (1 + log(9 / 8))) / 2] * 5)


def test_edges_of_sources_that_lead_to_a_node(films: GraphSnapshot, facts: FactAdjacency, sources) -> None:
    """Alien and Aliens both star Weaver; neither is Russian; only Alien is by Scott."""
    edges = SourceEdges(facts, sources(("Movie", "m4"), ("Movie", "m1")))
    nodes = [films.node("Language", "ru"), films.node("Person", "p2"), films.node("Person", "p1")]
    at, of = edges.leading_to(np.array(nodes))
    assert of.tolist() == [1, 1, 2]
    assert edges.source[at].tolist() == [0, 1, 1]
    assert [facts.edge(x).relation for x in edges.entry[at]] == ["STARS", "STARS", "DIRECTED_BY"]
