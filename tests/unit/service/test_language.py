"""Which words a text encoder reads."""

import pytest

from embeddings.text.names import fold_case, words
from service.language import foreign_language, is_readable, unread_words

LATIN = frozenset({"LATIN"})


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("science fiction", []),
        ("Amélie, naïve Ærø straße", []),
        ("ＳＦ映画", ["ＳＦ映画"]),
        ("film про войну", ["про", "войну"]),
        ("공포 영화", ["공포", "영화"]),
        ("2001 1984", []),
    ],
)
def test_words_of_other_scripts(text: str, unread: list[str]) -> None:
    assert [word.text for word in unread_words(words(text, fold_case), LATIN)] == unread


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ich suche einen Film über Drachen", "German"),
        ("un livre sur la guerre et la paix", "French"),
        ("quiero una película de terror", "Spanish"),
        ("cerco un libro senza violenza", "Italian"),
        ("quero um filme de terror", "Portuguese"),
        ("ik zoek een boek over draken", "Dutch"),
        ("science fiction", None),
        ("Das Boot", None),
        ("films like La La Land and Les Misérables", None),
        ("a film with Robert De Niro", None),
        ("El Mariachi", None),
        ("Das Leben der Anderen", None),
        ("La vita è bella", None),
        ("Bücher ohne Drachen", "German"),
        ("dragons", None),
        ("", None),
    ],
)
def test_languages_of_latin_script(text: str, language: str | None) -> None:
    assert foreign_language(words(text, fold_case), LATIN) == language
    assert foreign_language(words(text, fold_case), LATIN | {"CYRILLIC"}) is None


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("ab", True),
        ("a", False),
        ("a b", False),
        ("1990s", False),
        ("42", False),
        ("", False),
        ("sci-fi", True),
    ],
)
def test_a_word_has_two_letters(text: str, readable: bool) -> None:
    assert is_readable(words(text, fold_case)) is readable
