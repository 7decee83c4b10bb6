"""What a text says that no graph can answer, and names that this graph does not have."""

import re
from collections.abc import Sequence

from embeddings.text.names import Word
from service.understanding.lexicon import EVERYDAY, FUNCTION_WORDS

_NUMBER = r"(?:\d+(?:[.,]\d+)?|an?|one|two|three|four|five|six|seven|eight|nine|ten|half)"
_UNKNOWN = re.compile(
    r"(?:(?:under|over|below|above|about|around|within|less than|more than|longer than|shorter than|at most"
    rf"|at least|no longer than|not longer than)\s+)?{_NUMBER}\s*(?:and a half\s*)?-?(?:hours?|hrs?|h"
    rf"|minutes?|mins?)\b"
    r"|\b(?:running time|runtime|run time)\b"
    r"|\b(?:oscars?|academy awards?|award[- ]winn\w+|awards?|golden globes?|palme d'or|baftas?|emmys?"
    r"|emmy|cannes)\b"
    r"(?:[- ](?:winn\w+|nominat\w+))?"
    r"|\bpg-?\s?\d*\b|\b[rx]-rated\b|\brated \w+\b|\bage ratings?\b|\bnc-17\b|\bfsk\b"
    rf"|\b{_NUMBER}\s*(?:out of|/)\s*(?:ten|five|hundred|\d+)\b|\b{_NUMBER}[- ]stars?\b"
    r"|\b(?:imdb|rotten tomatoes|metacritic|letterboxd|ratings?|scores?|box office|budget)\b"
    r"|\b(?:subtitles?|subtitled|subbed|dubbed|dubbing|subs)\b"
    r"|\b(?:dolby(?: atmos)?|4k|8k|hdr|hd|uhd|blu-?rays?|dvds?|vhs|3d)\b"
    r"|\b(?:netflix|hulu|amazon(?: prime)?|prime video|disney ?\+|disney plus|hbo(?: max)?|itunes"
    r"|youtube|mubi"
    r"|apple tv|paramount\+|peacock|streaming|torrents?|in (?:the )?(?:cinemas|theaters|theatres))\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:;\n]\s*[\"'(\u2018\u201c]*$")
_TITLE_WORDS = 3
"""So many capitalised words in a row are a title, whatever they are."""
_NEVER = frozenset(
    [
        "i",
        "tv",
        "ok",
        "god",
        "mum",
        "mom",
        "dad",
        "hi",
        "hello",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "christmas",
        "halloween",
        "easter",
    ]
)


def unknown_spans(text: str, found: Sequence[Word], named: Sequence[bool]) -> list[tuple[int, int]]:
    """The places in a text that cannot count; `named` says which words belong to a name that is known."""
    spans = [match.span() for match in _UNKNOWN.finditer(text)]
    free = [
        (a, b)
        for a, b in spans
        if not any(
            known and a < word.end and word.start < b for word, known in zip(found, named, strict=True)
        )
    ]
    taken = [any(a < word.end and word.start < b for a, b in free) for word in found]
    shouted = not any(map(str.islower, text))
    if not shouted:
        free += _capitalised(text, found, [a or b for a, b in zip(named, taken, strict=True)])
    return sorted(free)


def _capitalised(text: str, found: Sequence[Word], taken: Sequence[bool]) -> list[tuple[int, int]]:
    """Runs of capitalised words that are no known name; a single word only within a sentence."""
    spans: list[tuple[int, int]] = []
    run: list[int] = []
    for n in range(len(found) + 1):
        free = n < len(found) and not taken[n] and _is_capitalised(found[n])
        if free and (not run or not text[found[run[-1]].end : found[n].start].strip()):
            run.append(n)
            continue
        spans += _span(text, found, run)
        run = [n] if free else []
    return spans


def _span(text: str, found: Sequence[Word], run: Sequence[int]) -> list[tuple[int, int]]:
    if not run:
        return []
    start, end = found[run[0]].start, found[run[-1]].end
    begins = not text[:start].strip(" \"'(") or _SENTENCE_END.search(text[:start]) is not None
    telling = [n for n in run if found[n].folded not in EVERYDAY | FUNCTION_WORDS]
    if len(run) >= _TITLE_WORDS:
        return [(start, end)]
    if begins and (not telling or telling == [run[0]]):
        return []
    return [(start, end)] if telling else []


def _is_capitalised(word: Word) -> bool:
    return word.text[0].isupper() and word.folded.split("'")[0] not in _NEVER
