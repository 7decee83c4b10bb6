"""Names found by misspelt, begun and turned words; scores worked out by hand."""

import math

import numpy as np
import pytest

from service.found.name_index import NameIndex, folded

NAMES = (
    "Alfred Hitchcock",  # 0
    "The Terminator",  # 1
    "The Terminal",  # 2
    "Amélie",  # 3
    "Spider-Man",  # 4
    "Schindler's List",  # 5
    "千と千尋の神隠し",  # 6
    "Łódź",  # 7
    "The Lord of the Rings: The Two Towers",  # 8
    "Ring",  # 9
    "",  # 10
    "Amélie",  # 11
)


@pytest.fixture(scope="module")
def index() -> NameIndex:
    return NameIndex(NAMES)


def nodes(index: NameIndex, query: str) -> list[int]:
    return [hit.node for hit in index.search(query, 10)]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("Hitchcok", 0),
        ("hicthcock", 0),
        ("hitchcock alfred", 0),
        ("alfred hitch", 0),
        ("hithco", 0),
        ("terminat", 1),
        ("the termnal", 2),
        ("AMELIE", 3),
        ("Ame\u0301lie", 3),
        ("spiderman", 4),
        ("spider man", 4),
        ("man spider", 4),
        ("shindlers list", 5),
        ("Schindler\u2019s List", 5),
        ("千尋", 6),
        ("lodz", 7),
        ("two towers", 8),
        ("lord of the rigns", 8),
    ],
)
def test_the_name_that_is_meant_is_first(index: NameIndex, query: str, best: int) -> None:
    assert nodes(index, query)[0] == best


@pytest.mark.parametrize("query", ["", "  ", "?!", "xyz", "hxxxhcock", "ab", "zzterminator zz zz"])
def test_what_no_name_has(index: NameIndex, query: str) -> None:
    assert nodes(index, query) == []


def test_the_whole_name_scores_1_and_comes_first(index: NameIndex) -> None:
    """Two have the name: they stand by node. "ring" is whole, "rings" begins with it."""
    hits = index.search("amelie", 10)
    assert [(hit.node, hit.score) for hit in hits] == [(3, 1.0), (11, 1.0)]
    first, second = index.search("ring", 10)
    assert (first.node, first.score, second.node) == (9, 1.0, 8)
    assert index.search("Spider Man", 1)[0].score == 1.0


def test_a_misspelt_word(index: NameIndex) -> None:
    """One edit of 8 letters: .9 (1 - 1 / 8) = .7875 of the query. Of the name, hitchcock is one of two words
    that are equally rare, so the factor is .8 + .2 / 2 = .9, and .9 x .7875 x .9 = .637875."""
    (hit,) = index.search("hitchcok", 10)
    assert hit.score == pytest.approx(0.637875)
    assert hit.words == (("hitchcok", "hitchcock"),)


def test_a_begun_word(index: NameIndex) -> None:
    """7 of 10 letters: .8 + .2 x .7 = .94. Of 12 names 3 have "the" and 1 "terminator", so of the name it is
    log(1 + 12) / (log(1 + 12) + log(1 + 12 / 3)) = .6145, a factor of .8 + .2 x .6145 = .9229."""
    hits = index.search("termina", 10)
    by_node = {hit.node: hit.score for hit in hits}
    share = math.log(13) / (math.log(13) + math.log(5))
    assert by_node[1] == pytest.approx(0.9 * 0.94 * (0.8 + 0.2 * share))
    assert [hit.node for hit in hits] == [2, 1], "more of the shorter word is there"


def test_words_out_of_order_cost_a_little(index: NameIndex) -> None:
    in_order, turned = index.search("alfred hitchcok", 1)[0], index.search("hitchcok alfred", 1)[0]
    assert in_order.score - turned.score == pytest.approx(0.02)


def test_rare_words_of_the_query_weigh_more(index: NameIndex) -> None:
    """One name has hitchcock, weight log(1 + 12) = 2.565, and three have "the", log(1 + 12 / 3) = 1.609. That
    is 2.565 / 4.174 = .6145 of the query against .3855."""
    first, *others = index.search("the hitchcock", 10)
    assert (first.node, first.score) == (0, pytest.approx(0.9 * 0.6145 * 0.9, rel=1e-3))
    assert [hit.node for hit in others] == [1, 2, 8]
    assert others[0].score < 0.9 * 0.3855


def test_a_word_that_is_there_is_misspelt_only_where_no_name_has_the_whole_query() -> None:
    index = NameIndex(["Ring", "King", "Ringo Starr", "Star Wars", "War Stories"])
    assert nodes(index, "king") == [1]
    assert nodes(index, "starr") == [2]
    assert nodes(index, "starr wars")[0] == 3


def test_two_words_may_be_one_of_the_name() -> None:
    """.97 of the query, and all of the name."""
    hits = NameIndex(["Cat", "Woman", "Catwoman and Others"]).search("cat woman", 10)
    assert hits[0].node == 2
    assert NameIndex(["Cat", "Catwoman"]).search("cat woman", 1)[0].score == 1.0


def test_only_allowed_names(index: NameIndex) -> None:
    allowed = np.arange(len(NAMES)) != 3
    assert [hit.node for hit in index.search("amelie", 10, allowed)] == [11]


def test_no_names_at_all() -> None:
    assert NameIndex([]).search("alien", 10) == []
    assert NameIndex(["", "?"]).search("alien", 10) == []


def test_a_long_query_counts_by_its_first_words(index: NameIndex) -> None:
    assert nodes(index, "alfred hitchcock " * 6 + "x " * 1_000)[0] == 0


@pytest.mark.parametrize(
    ("text", "plain"),
    [("ÀÉÎ", "aei"), ("Straße", "strasse"), ("Ænima", "aenima"), ("O\u2019Neil", "oneil"), ("한국", "한국")],
)
def test_folding(text: str, plain: str) -> None:
    assert folded(text) == plain
