"""What a text names, and what it does not."""

from typing import Any

import pytest

from kg.graph import GraphSnapshot
from service.config import UnderstandingConfig
from service.understanding import Understanding


@pytest.fixture
def understanding(films: GraphSnapshot, encoder: Any) -> Understanding:
    """Four genres are a small vocabulary, and six people are none."""
    return Understanding(films, encoder, UnderstandingConfig(small_vocabulary=4))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("something by Ridley Scott please", ["Ridley Scott"]),
        ("RIDLEY SCOTT or james cameron", ["Ridley Scott", "James Cameron"]),
        ("ridley, scott", ["Ridley Scott"]),
        ("Ridleyscott", []),
        ("a Ridley Scottish thing", []),
        ("russian dramas", ["Russian", "Drama"]),
        ("I like Sci-Fi", ["Sci-Fi"]),
        ("comedies", ["Comedy"]),
        ("love stories", []),
        ("Love is all I want", []),
        ("It was nice. Love is all", []),
        ("with Love in it", []),
        ("a film with Cher", ["Cher"]),
        ("I want to cher", []),
        ("like Blade Runner", ["Blade Runner"]),
        ("a blade runner", []),
        ("an alien", []),
        ("no drama, please", []),
        ("I don't like horror or Ridley Scott", ["Ridley Scott"]),
        ("", []),
        ("?!", []),
    ],
)
def test_names_in_a_text(
    understanding: Understanding, films: GraphSnapshot, text: str, named: list[str]
) -> None:
    assert [films.names[n] for n in understanding.understand(text).nodes] == named


def test_meaning_finds_what_is_said_in_other_words(
    understanding: Understanding, films: GraphSnapshot
) -> None:
    understood = understanding.understand("I like to watch science fiction movies")
    assert [films.names[n] for n in understood.nodes] == ["Sci-Fi"]
    assert understood.vector.tolist() == [1, 0, 0, 0]


def test_what_is_rejected_does_not_come_back_by_its_meaning(understanding: Understanding) -> None:
    assert understanding.understand("please no horror").nodes == []


def test_of_one_name_the_word_of_a_small_vocabulary_wins(films: GraphSnapshot, encoder: Any) -> None:
    every_label_is_small = Understanding(films, encoder, UnderstandingConfig())
    assert [films.locate(n)[0] for n in every_label_is_small.understand("drama").nodes] == ["Genre"]


@pytest.mark.parametrize(
    ("changed", "text", "named"),
    [
        ({"negation_reach": 2}, "please no more old horror", ["Horror"]),  # 3 words before it
        ({}, "please no more old horror", []),
        ({"longest_name": 1}, "something by Ridley Scott", []),
        ({"shortest_single_word": 6}, "a film with Cher", []),
        ({"least_cosine": 1.1}, "I like to watch science fiction movies", []),
    ],
)
def test_settings(
    films: GraphSnapshot, encoder: Any, changed: dict[str, Any], text: str, named: list[str]
) -> None:
    understanding = Understanding(films, encoder, UnderstandingConfig(small_vocabulary=4, **changed))
    assert [films.names[n] for n in understanding.understand(text).nodes] == named
