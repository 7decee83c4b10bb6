"""What a text names, and what it does not."""

from dataclasses import replace
from typing import Any

import pytest

from kg.graph import GraphSnapshot
from service.config import UnderstandingConfig
from service.understanding.meaning import Understanding


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
        ("I don't like horror or Ridley Scott", []),
        ("I don't like horror but Ridley Scott", ["Ridley Scott"]),
        ("Ridley Scott's films", ["Ridley Scott"]),
        ("a film of Cher's", ["Cher"]),
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
    assert understood.vector is not None
    assert understood.vector.tolist() == [1, 0, 0, 0]


def test_what_is_rejected_does_not_come_back_by_its_meaning(understanding: Understanding) -> None:
    assert understanding.understand("please no horror").nodes == []


def test_of_one_name_the_word_of_a_small_vocabulary_wins(films: GraphSnapshot, encoder: Any) -> None:
    every_label_is_small = Understanding(films, encoder, UnderstandingConfig())
    assert [films.locate(n)[0] for n in every_label_is_small.understand("drama").nodes] == ["Genre"]


@pytest.mark.parametrize(
    ("changed", "text", "named"),
    [
        ({"longest_name": 1}, "something by Ridley Scott", []),
        ({"shortest_single_word": 6}, "a film with Cher", []),
        ({"least_cosine": 1.1}, "something funny", []),
    ],
)
def test_settings(
    films: GraphSnapshot, encoder: Any, changed: dict[str, Any], text: str, named: list[str]
) -> None:
    understanding = Understanding(films, encoder, UnderstandingConfig(small_vocabulary=4, **changed))
    assert [films.names[n] for n in understanding.understand(text).nodes] == named


def told(films: GraphSnapshot, nodes: list[int]) -> list[str]:
    return [films.names[n] for n in nodes]


@pytest.mark.parametrize(
    ("text", "named", "rejected", "meant", "wanted", "clauses"),
    [
        ("no Ridley Scott", [], ["Ridley Scott"], [], None, []),
        ("horror but not by Ridley Scott", ["Horror"], ["Ridley Scott"], [], [0, 0, 1, 0], []),
        ("something funny, nothing scary", ["Comedy"], [], ["Horror"], [0, 1, 0, 0], [[0, 0, 1, 0]]),
        ("no horror", [], ["Horror"], [], None, [[0, 0, 1, 0]]),
        ("no scary horror", [], [], ["Horror"], None, [[0, 0, 1, 0]]),
        ("drama without robots or aliens", ["Drama"], [], [], [0, 0, 0, 1], [[0, 0, 0, 0], [0, 0, 0, 0]]),
        ("nothing like Blade Runner", [], ["Blade Runner"], [], None, []),
        ("not without horror", ["Horror"], [], [], [0, 0, 1, 0], []),
        ("horror, never again", [], ["Horror"], [], None, [[0, 0, 1, 0]]),
    ],
)
def test_what_is_rejected_has_no_part_in_what_is_wanted(
    understanding: Understanding, films: GraphSnapshot, text: str, named: list[str], rejected: list[str],
    meant: list[str], wanted: list[float] | None, clauses: list[list[float]],
) -> None:  # fmt: skip
    understood = understanding.understand(text)
    assert told(films, understood.nodes) == named
    assert told(films, understood.rejected) == rejected
    assert told(films, understood.rejected_meanings) == meant
    assert (None if understood.vector is None else understood.vector.tolist()) == wanted
    assert [row.tolist() for row in understood.rejected_vectors] == clauses


def test_all_nodes_of_a_rejected_name_are_rejected(films: GraphSnapshot, encoder: Any) -> None:
    names = list(films.names)
    double = films.node("Person", "p3")
    names[double] = "Ridley Scott"
    twice = Understanding(
        replace(films, names=tuple(names)), encoder, UnderstandingConfig(small_vocabulary=4)
    )
    assert set(twice.understand("no Ridley Scott").rejected) == {films.node("Person", "p1"), double}


@pytest.mark.parametrize(
    ("text", "unread", "named"),
    [
        ("\u6211\u559c\u6b22\u79d1\u5e7b", "does not know the script of", []),
        ("\u0444\u0438\u043b\u044c\u043c\u044b ужасов", "does not know the script of", []),
        ("\u03c4\u03b1\u03b9\u03bd\u03af\u03b5\u03c2", "does not know the script of", []),
        ("\u0623\u0641\u0644\u0627\u0645", "does not know the script of", []),
        ("\u6620\u753b by Ridley Scott", "does not know the script of", ["Ridley Scott"]),
        ("Ich m\u00f6chte einen Film von Ridley Scott", "does not know German", ["Ridley Scott"]),
        ("je veux un film avec Cher", "does not know French", ["Cher"]),
        ("\U0001f600\U0001f600", "there is no word in it", []),
        ("?!", "there is no word in it", []),
        ("no \U0001f409", "there is no word in it that says what is wanted", []),
        ("not", "there is no word in it", []),
        ("never, never", "there is no word in it", []),
        ("42", "there is no word in it", []),
        ("x", "there is no word in it", []),
        ("\u200b", "there is no word in it", []),
        ("science fiction \U0001f600", "", ["Sci-Fi"]),
        ("caf\u00e9 na\u00efve Zo\u00eb", "", []),
        ("Ridley Scott", "", ["Ridley Scott"]),
        ("I liked Das Boot and La La Land", "", []),
    ],
)
def test_what_the_encoder_cannot_read_is_said(
    understanding: Understanding, films: GraphSnapshot, text: str, unread: str, named: list[str]
) -> None:
    understood = understanding.understand(text)
    assert unread in understood.unread
    assert bool(unread) == bool(understood.unread)
    assert told(films, understood.nodes) == named
    if unread and "by" not in text:
        assert understood.vector is None


def test_an_encoder_that_reads_other_scripts_is_not_warned_of(films: GraphSnapshot, encoder: Any) -> None:
    encoder.scripts = frozenset({"LATIN", "CYRILLIC"})
    understanding = Understanding(films, encoder, UnderstandingConfig(small_vocabulary=4))
    assert understanding.understand("фильмы ужасов").unread == ""
    assert understanding.understand("Ich möchte einen Film").unread == ""
    assert "script of" in understanding.understand("映画が見たい").unread
    encoder.scripts = None
    assert understanding.understand("映画が見たい").unread == ""


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Сталкер", "Сталкер", True),
        ("Сталкер", "фильмы как Сталкер", True),
        ("Она", "Она хочет комедию", False),
        ("千と千尋の神隠し", "千と千尋の神隠し", True),
        ("乱", "乱", True),
        ("乱", "乱 が 好き", True),
        ("Witness", "Witness", False),
    ],
)
def test_a_name_that_the_encoder_cannot_read_is_found_as_written(
    films: GraphSnapshot, encoder: Any, name: str, text: str, found: bool
) -> None:
    names = list(films.names)
    names[6] = name
    renamed = replace(films, names=tuple(names))
    understood = Understanding(renamed, encoder, UnderstandingConfig(small_vocabulary=4)).understand(text)
    assert understood.nodes == ([6] if found else [])
    assert (understood.unread == "") == ((found and len(text.split()) == 1) or name == "Witness")
