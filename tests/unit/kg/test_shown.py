import pytest

from kg.shown import printable, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b\u200b1", r"b\u200b1"),  # a zero-width space
        ("\ufeffb1", r"\ufeffb1"),  # a byte order mark
        ("a\u00adb", r"a\xadb"),  # a soft hyphen
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),  # the escape sequences of a terminal
        ("\u202etxt.exe", r"\u202etxt.exe"),  # the following runs from right to left
        ("a\u00a0b", r"a\xa0b"),  # a blank that is none
        ("\udc80", r"\udc80"),
        ("José 漢字 🎬", "José 漢字 🎬"),
    ],
)
def test_what_a_reader_could_not_see_is_escaped(text, expected):
    assert printable(text) == expected
    assert shown(text) == f"'{expected}'"


def test_line_ends_stay_and_long_values_are_cut():
    assert printable("one\ntwo\r") == "one\ntwo\\r"
    assert shown("one\ntwo") == r"'one\ntwo'"
    assert shown("x" * 61) == "'" + "x" * 57 + "...'"
    assert shown(7) == "'7'"
