"""Which words of a text the text encoder can read: by their script, and by the language in Latin script.

An encoder that knows only Latin script is taken to know English. German, French, Spanish, Italian, Portuguese
and Dutch are told by their commonest words and by words of asking, so that a title alone is no such text.
Other languages of Latin script are not told from English.
"""

from collections.abc import Sequence

from embeddings.text.names import Word
from embeddings.text.scripts import scripts_of
from service.cues import word_set

_COMMON_WORDS = {
    "German": """der die das und ein eine einen einem einer mit von für über auf ist sind oder aber wie zu zum
        zur den dem des im wir auch""",
    "French": """le la les un une des du et ne pas pour sur dans est sont ou mais comme plus qui que au aux ce
        cette""",
    "Spanish": """el la los las un una unos unas y con para por sobre en es son pero como más que del al de mi
        mis""",
    "Italian": "il lo la gli le un una uno e non con per su in è sono ma come più che di del della dei mi",
    "Portuguese": "o os um uma uns umas e não com para por sobre em é são mas como mais que da dos das de",
    "Dutch": "de het een en niet met van voor over op is zijn of maar zoals meer die dat",
}
_ASKING_WORDS = {
    "German": """ich möchte suche suchen mag bitte etwas lieber gern gerne ohne kein keine keinen nicht buch
        bücher filme empfehlung""",
    "French": """je j'aime j'ai voudrais veux cherche aime avec sans quelque quelques chose livre livres mes
        s'il""",
    "Spanish": "yo quiero busco gusta gustan algo libro libros película películas sin recomienda",
    "Italian": "io vorrei voglio cerco piace qualcosa libro libri senza consigliami",
    "Portuguese": "eu quero procuro gosto algo livro livros filme filmes sem recomende",
    "Dutch": "ik zoek wil graag iets boek boeken zonder geen",
}
_COMMON = {language: word_set(words) for language, words in _COMMON_WORDS.items()}
_ASKING = {language: word_set(words) for language, words in _ASKING_WORDS.items()}
_ENGLISH = word_set(
    """
    a an the and or but not no with without for of on in about is are was were i me my you we it this
    that these those something anything like love want would please to by from film films movie movies
    book books more less as at be do some any show give good funny story stories
    """
)
_NEGATIONS = word_set(
    "no not never nothing none without except nope kein nicht ohne pas sans non не без 不要"
)
_FEWEST_TELLING = 2
"""The fewest different words that tell a language; one of them is such as titles seldom have."""


def unread_words(words: Sequence[Word], scripts: frozenset[str] | None) -> list[Word]:
    """The words with letters of a script that is none of `scripts` (None: every script is known)."""
    return [] if scripts is None else [word for word in words if scripts_of(word.text) - scripts]


def is_readable(words: Sequence[Word]) -> bool:
    """Whether there is a word of two letters or more that is no bare negation; "no" alone says nothing."""
    return any(
        word.folded not in _NEGATIONS and (sum(map(str.isalpha, word.text)) > 1 or _is_ideographic(word))
        for word in words
    )


def _is_ideographic(word: Word) -> bool:
    return "CJK" in scripts_of(word.text)


def foreign_language(words: Sequence[Word], scripts: frozenset[str] | None) -> str | None:
    """The language other than English that the words are in, if the encoder knows only Latin script."""
    if scripts != frozenset({"LATIN"}):
        return None
    found = {word.folded for word in words} - _ENGLISH
    telling = {x: len(found & _ASKING[x]) and len(found & (_ASKING[x] | _COMMON[x])) for x in _ASKING}
    best = max(telling, key=telling.__getitem__)
    english = sum(word.folded in _ENGLISH for word in words)
    return best if telling[best] >= _FEWEST_TELLING and telling[best] > english else None
