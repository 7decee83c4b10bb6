"""What the clauses of a text say of liking: a like (1), a dislike (-1), or neither (0)."""

import re
from collections.abc import Sequence

from embeddings.text.names import Word
from service.understanding.contract import UnderstoodClause

_SPLIT = re.compile(
    r"[.!?;:,\n()]+(?:\s|$)|\s[\u2013\u2014-]+\s|\s&\s"
    r"|\s(?=(?:but|because|although|though|whereas|while|yet)\b)"
    r"|\s(?=and (?:i|we|he|she|they|hate\w*|love\w*|dislike\w*|like\w*|no|not|nothing|can't|cannot|don't)\b)",
    re.IGNORECASE,
)
_LIKES = re.compile(
    r"\b(?:lov(?:e|es|ed|ing)|ador(?:e|es|ed|ing)|enjoy(?:s|ed|ing)?|worship\w*|fancy|cherish\w*"
    r"|fond of|crazy about"
    r"|mad about|obsessed with|fans? of|big fan|huge fan|soft spot|weakness for|sucker for|thing for"
    r"|guilty pleasure"
    r"|into|keen on|swears? by|(?:was|is|are|were) (?:\w+ )?(?:wonderful|lovely|great|amazing"
    r"|brilliant|fantastic|excellent"
    r"|superb|perfect|terrific|awesome|gorgeous|beautiful|a masterpiece|the best|my favou?rite|genius"
    r"|a genius|good)"
    r"|favou?rites?|masterpiece|blew me away|never (?:ever )?(?:been )?(?:disappoint\w*|bored|fails?"
    r"|lets? \w+ down)"
    r"|(?:can't|cannot|could not|couldn't) (?:live without|get enough|go wrong|resist)"
    r"|wouldn't say no"
    r"|(?:i|we|she|he|they) (?:really |also |do |quite |only |always |just )?likes?|liked|big into"
    r"|thumbs up|hooked on"
    r"|(?:bring|gimme) \w+ on|rocks?|is not$|isn't$)\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:would|'d|\u2019d) (?:really |also )?(?:love|like|enjoy|watch)\b|\bfeel like\b",
    re.IGNORECASE,
)
_DISLIKES = re.compile(
    r"\b(?:hat(?:e|es|ed|ing)|dislik\w+|detest\w*|loath\w+|despis\w+|overrated|bor(?:ed|es|ing) (?:by"
    r"|of|with|me)"
    r"|(?:can't|cannot|can not|couldn't) (?:stand|bear|do|stomach|handle|take)|tired of|sick of"
    r"|fed up|had enough|enough of"
    r"|(?:talks?|is|are|was|were|gets?) (?:\w+ )?too (?:much|many|\w+)|worst|(?:was"
    r"|is) (?:\w+ )?(?:awful|terrible|horrible|boring|dull|rubbish"
    r"|crap|garbage|bad)|puts? me (?:off|to sleep)|fell asleep|gave me nightmares)\b",
    re.IGNORECASE,
)
_NEUTRAL = re.compile(
    r"\b(?:(?:do not|don't|dont|doesn't|does not|wouldn't) (?:really )?(?:mind|care)|not saying"
    r"|(?:doesn't|does not|don't|needn't|need not) (?:really )?(?:have to|need to|matter)"
    r"|no preference|indifferent)\b",
    re.IGNORECASE,
)
_INDIFFERENT = re.compile(
    r"(?:(?:do not|don't|dont|wouldn't) (?:really )?(?:mind|care (?:about|for|if))"
    r"|(?:doesn't|does not|don't|needn't) (?:really )?(?:have|need) to be|doesn't matter|no matter)"
    r"(?:\s+(?:an?|the|some|any|it|it's|is|if|about|in|what|which))*\s*$",
    re.IGNORECASE,
)
_NOT_MUCH = re.compile(r"care for\s*(?:\w+\s*)?$", re.IGNORECASE)


def is_indifferent(before: str, after: str) -> bool:
    """Whether a name between these is said not to matter: "I don't mind X"."""
    return _INDIFFERENT.search(before) is not None and _NOT_MUCH.search(before) is None and after is not None


def segments(text: str) -> list[tuple[int, int]]:
    """The clauses of a text, as places."""
    found, start = [], 0
    for match in _SPLIT.finditer(text):
        found.append((start, match.start()))
        start = match.end()
    found.append((start, len(text)))
    return [_stripped(text, a, b) for a, b in found if text[a:b].strip()]


def clauses_of(text: str, found: Sequence[Word], labels: Sequence[str]) -> list[UnderstoodClause]:
    """The clauses that say a like, a dislike, or that something does not matter."""
    clauses = []
    for start, end in segments(text):
        own = text[start:end].replace("\u2019", "'")
        rejected = any(
            label == "rejected" and start <= word.start < end
            for word, label in zip(found, labels, strict=True)
        )
        value = _value(own, rejected=rejected)
        if value is not None:
            clauses.append(
                UnderstoodClause(words=text[start:end], start=start, end=end, value=value, confidence=0.7)  # type: ignore[arg-type]
            )
    return clauses


def _value(own: str, *, rejected: bool) -> int | None:
    if _NEUTRAL.search(own) and (not rejected or "not saying" in own):
        return 0
    if rejected or _DISLIKES.search(own):
        return -1
    if _LIKES.search(_WISH.sub("", own)):
        return 1
    return None


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    own = text[start:end]
    return start + len(own) - len(own.lstrip()), end - (len(own) - len(own.rstrip()))
