"""Which words of a text the text encoder can read: by their script, and by the language in Latin script.

An encoder that knows only Latin script is taken to know English. German, French, Spanish, Italian, Portuguese
and Dutch are told by their commonest words; other languages of Latin script are not told from English.
"""

from collections.abc import Sequence

from embeddings.text.names import Word
from embeddings.text.scripts import scripts_of
from service.cues import word_set

_COMMON_WORDS = {
    "German": """
        der die das und ich nicht ein eine einen einem einer mit von für über auf ist sind oder aber
        etwas bitte möchte suche mag keine kein ohne wie zu zum zur den dem des im bücher buch filme
        lieber gern wir auch""",
    "French": """
        le la les un une des du et je ne pas avec pour sur dans est sont ou mais quelque quelques chose
        voudrais veux cherche aime livre livres sans comme plus qui que au aux ce cette mon mes""",
    "Spanish": """
        el la los las un una unos unas y yo no con para por sobre en es son pero algo quiero busco gusta
        libro libros película películas sin como más que del al de mi mis""",
    "Italian": """
        il lo la gli le un una uno e io non con per su in è sono ma qualcosa vorrei voglio cerco piace
        libro libri senza come più che di del della dei mi""",
    "Portuguese": """
        o a os as um uma uns umas e eu não com para por sobre em é são mas algo quero procuro gosto
        livro livros filme filmes sem como mais que do da dos das de""",
    "Dutch": """
        de het een en ik niet geen met van voor over op is zijn of maar iets wil zoek graag boek boeken
        zonder zoals meer die dat""",
}
_FOREIGN = {language: frozenset(words.split()) for language, words in _COMMON_WORDS.items()}
_ENGLISH = word_set(
    """
    a an the and or but not no with without for of on in about is are was were i me my you we it this
    that these those something anything like love want would please to by from film films movie movies
    book books more less as at be do some any show give good funny story stories
    """
)
_FEWEST_COMMON = 2
"""The fewest different common words that tell a language."""


def unread_words(words: Sequence[Word], scripts: frozenset[str] | None) -> list[Word]:
    """The words with letters of a script that is none of `scripts` (None: every script is known)."""
    return [] if scripts is None else [word for word in words if scripts_of(word.text) - scripts]


def is_readable(words: Sequence[Word]) -> bool:
    """Whether there is a word of two letters or more; digits, marks and single letters say nothing."""
    return any(sum(map(str.isalpha, word.text)) > 1 or _is_ideographic(word) for word in words)


def _is_ideographic(word: Word) -> bool:
    return "CJK" in scripts_of(word.text)


def foreign_language(words: Sequence[Word], scripts: frozenset[str] | None) -> str | None:
    """The language other than English that the words are in, if the encoder knows only Latin script."""
    if scripts != frozenset({"LATIN"}):
        return None
    found = {word.folded for word in words}
    best = max(_FOREIGN, key=lambda language: len(found & _FOREIGN[language] - _ENGLISH))
    count = len(found & _FOREIGN[best] - _ENGLISH)
    return best if count >= _FEWEST_COMMON and count > len(found & _ENGLISH) else None
