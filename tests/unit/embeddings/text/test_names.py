"""Words and the longest match, worked out by hand."""

import unicodedata

import pytest

from embeddings.text.names import NameMatcher, fold_case, fold_case_and_accents, name_of, words


def test_words_are_compared_without_case_and_accents():
    text = "Zoë's CAFÉ-Noir"
    found = words(text, fold_case_and_accents)
    assert [(word.folded, word.text, text[word.start : word.end]) for word in found] == [
        ("zoe's", "Zoë's", "Zoë's"),
        ("cafe", "CAFÉ", "CAFÉ"),
        ("noir", "Noir", "Noir"),
    ]


def test_without_case_accents_stay():
    assert name_of("Zoë\u2019s CAFÉ", fold_case) == ("zoë's", "café")


@pytest.mark.parametrize("name", ["José Martí", "Zoë's Café", "Ōe Kenzaburō", "ガラス", "김", "Đặng"])
def test_composed_and_decomposed_letters_are_one(name):
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert composed != decomposed
    for fold in (fold_case, fold_case_and_accents):
        assert name_of(decomposed, fold) == name_of(composed, fold)
    text = f"by {decomposed}."
    found = words(text, fold_case)
    assert text[found[1].start : found[-1].end] == decomposed
    assert [word.text for word in found[1:]] == [word.text for word in words(composed, fold_case)]


NAMES = {("new",): 0, ("new", "york"): 1, ("york", "city", "hall"): 2, ("city",): 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("New York", [(0, 2, 1)]),  # and not New
        ("New York City Hall", [(0, 2, 1), (2, 3, 3)]),  # the first from the left, no overlap with it
        ("York City Hall", [(0, 3, 2)]),
        ("old York new", [(2, 3, 0)]),
        ("", []),
    ],
)
def test_the_longest_name_from_left_to_right(text, expected):
    found = NameMatcher(NAMES).find(words(text, fold_case))
    assert [(match.first, match.end, match.meaning) for match in found] == expected


def test_where_a_name_is_not_accepted_a_shorter_one_may_be():
    found = NameMatcher(NAMES).find(words("New York City", fold_case), lambda match: match.meaning != 1)
    assert [match.meaning for match in found] == [0, 3]


def test_no_names_match_nothing():
    assert NameMatcher[int]({}).longest == 0
    assert not list(NameMatcher[int]({}).find(words("New York", fold_case)))
