"""Scripts of letters and of vocabularies."""

import pytest

from embeddings.text.encoder import TransformerEncoder
from embeddings.text.scripts import known_scripts, script_of, scripts_of


@pytest.mark.parametrize(
    ("character", "script"),
    [("a", "LATIN"), ("é", "LATIN"), ("\uff21", "LATIN"), ("ж", "CYRILLIC"), ("龍", "CJK"),
     ("か", "HIRAGANA"), ("ー", "KATAKANA"),
     ("ع", "ARABIC"), ("λ", "GREEK"), ("7", ""), ("!", ""), ("😀", ""), (" ", "")],
)  # fmt: skip
def test_the_script_of_a_character(character: str, script: str) -> None:
    assert script_of(character) == script


def test_the_scripts_of_a_text() -> None:
    assert scripts_of("7 films про войну!") == {"LATIN", "CYRILLIC"}


def test_single_letters_make_no_script_known() -> None:
    english = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(120)]
    assert known_scripts([*english, *"абвгдежз", "##ов", *map(chr, range(0x4E00, 0x4E00 + 400))]) == {"LATIN"}


def test_many_words_or_ideographs_do() -> None:
    russian = [chr(0x430 + n % 30) + chr(0x430 + n // 30) for n in range(120)]
    chinese = list(map(chr, range(0x4E00, 0x4E00 + 2_100)))
    assert known_scripts(russian) == {"CYRILLIC"}
    assert known_scripts(chinese) == {"CJK", "HIRAGANA", "KATAKANA"}


def test_tokens_of_bytes_tell_nothing() -> None:
    assert known_scripts(["\u0120the", "Ã©"]) is None


def test_the_packaged_model_reads_latin_script() -> None:
    assert TransformerEncoder().scripts == {"LATIN"}
