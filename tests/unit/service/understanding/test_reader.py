"""The structure of a text over four genres, people and films."""

from typing import Any

import pytest

from kg.graph import GraphSnapshot
from service.config import UnderstandingConfig
from service.understanding.reader import TextReader


@pytest.fixture
def reader(films: GraphSnapshot) -> TextReader:
    return TextReader(films, UnderstandingConfig(small_vocabulary=4))


def test_a_rejected_genre_is_a_dislike_and_a_filter_with_its_words(reader: TextReader) -> None:
    found, _ = reader.read("no horror, something like Alien but funny")
    (disliked,), (liked,), (part,) = found.dislikes, found.likes, found.filter
    assert (disliked.name, disliked.start, disliked.end) == ("Horror", 3, 9)
    assert (liked.name, liked.words) == ("Alien", "Alien")
    assert part.model_dump(mode="json", exclude_none=True)["words"] == "horror"
    assert [x.words for x in found.wants] == ["funny"]
    assert (found.intent, found.reserved) == ("similar", True)
    assert [(x.words, x.value) for x in found.sentiment] == [("no horror", -1)]


def test_a_hated_genre_is_no_filter(reader: TextReader) -> None:
    found, _ = reader.read("I hate horror")
    assert [x.name for x in found.dislikes] == ["Horror"]
    assert found.filter == []


def test_less_of_a_genre_is_soft(reader: TextReader) -> None:
    found, _ = reader.read("less horror")
    assert (found.dislikes, [x.words for x in found.rejects]) == ([], ["horror"])


def test_a_misspelt_name_is_less_sure(reader: TextReader) -> None:
    (liked,) = reader.read("something by Ridley Scottt")[0].likes
    assert liked.name == "Ridley Scott"
    assert liked.confidence < 1


def test_years_are_not_understood_without_a_year(reader: TextReader) -> None:
    found, _ = reader.read("comedies from the eighties")
    assert (found.filter, [x.words for x in found.not_understood]) == ([], ["from the eighties"])


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hi, how are you?", "greet"),
        ("why Alien?", "explain"),
        ("find Alien", "search"),
        ("only horror", "filter"),
        ("funny drama", "recommend"),
        ("book me a table", None),
    ],
)
def test_intents(reader: TextReader, text: str, intent: Any) -> None:
    assert reader.read(text)[0].intent == intent
