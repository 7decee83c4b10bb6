"""Ranges of years that a text tells: "from the eighties", "before 1990", "none older than 2005"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DECADES = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70,
    "eighties": 80, "nineties": 90, "noughties": 100, "aughts": 100,
}  # fmt: skip
_PARTS = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (7, 9)}
_WHEN = (
    r"(?:(?P<part{n}>early|mid|middle|late)[\s-]+(?:(?:of\s+)?the\s+)?)?(?:"
    r"(?P<decade{n}>(?:18|19|20)?\d0)['\u2019]?s\b|(?P<word{n}>" + "|".join(_DECADES) + r")\b"
    r"|(?P<year{n}>(?:18|19|20)\d\d)(?!\d|['\u2019]?s\b))"
)
_ONE, _TWO = _WHEN.replace("{n}", "1"), _WHEN.replace("{n}", "2")
_THE = r"(?:the\s+)?(?:years?\s+)?"
_MADE = r"(?:(?:made|released|filmed|shot|produced|out|dating|come|came|published|written|set)\s+)?"
_FORMS: list[tuple[str, re.Pattern[str]]] = [
    (kind, re.compile(rf"\b{_MADE}{form}", re.IGNORECASE))
    for kind, form in (
        ("between", rf"between\s+{_THE}{_ONE}\s+(?:and|to|&)\s+{_THE}{_TWO}"),
        ("between", rf"(?:from\s+)?{_THE}{_ONE}\s*(?:to|through|until|till|[-\u2013])\s*{_THE}{_TWO}"),
        (
            "since",
            rf"(?:not|none|nothing|no\s+\w+|never|isn't|aren't|not\s+any|don't\s+\w+\s+\w+)\s+{_MADE}"
            rf"(?:older\s+than|before|from\s+before|earlier\s+than|prior\s+to|pre-?)\s*{_THE}{_ONE}",
        ),
        (
            "until",
            rf"(?:not|none|nothing|no\s+\w+|never|isn't|aren't|not\s+any)\s+{_MADE}"
            rf"(?:newer\s+than|after|from\s+after|later\s+than|past|more\s+recent\s+than"
            rf"|since)\s+{_THE}{_ONE}",
        ),
        ("before", rf"(?:from\s+)?(?:before|pre-?|prior\s+to|older\s+than|earlier\s+than)\s*{_THE}{_ONE}"),
        (
            "after",
            rf"(?:from\s+)?(?:after|post-?|newer\s+than|later\s+than|more\s+recent\s+than|past)\s*"
            rf"{_THE}{_ONE}",
        ),
        ("since", rf"(?:since|starting\s+(?:in|from|with)|as\s+of)\s+{_THE}{_ONE}"),
        (
            "since",
            rf"(?:from\s+|in\s+)?{_THE}{_ONE}\s*(?:\+|onwards?\b|on\b(?!\s+\w)|(?:and|or)\s+(?:later"
            r"|after|newer|up|above|onwards?|more\s+recent)\b|upwards?\b)",
        ),
        ("until", rf"{_THE}{_ONE}\s*(?:(?:and|or)\s+(?:earlier|before|older)\b)"),
        ("until", rf"(?:until|till|'til|up\s+to|through|by)\s+{_THE}{_ONE}"),
        ("in", rf"(?:(?:from|in|of|during)\s+)?{_THE}{_ONE}"),
    )
]
"""The first form that fits counts; the order is that of how much they say."""


@dataclass(frozen=True)
class Range:
    """Years from `low` to `high`, inclusive; None: no bound."""

    start: int
    end: int
    low: int | None
    high: int | None
    kind: str
    """Of the forms: between, since, until, before, after, in."""
    decade: int | None = None
    """The first year where it is a whole decade."""


def find_ranges(text: str, taken: Sequence[tuple[int, int]] = ()) -> list[Range]:
    """The ranges in a text but for the places `taken`, such as those of titles."""
    found: list[Range] = []
    for kind, form in _FORMS:
        for match in form.finditer(text):
            places = [*taken, *((x.start, x.end) for x in found)]
            if any(match.start() < end and start < match.end() for start, end in places):
                continue
            if (own := _range(kind, match)) is not None:
                found.append(own)
    return sorted(found, key=lambda x: x.start)


def _range(kind: str, match: re.Match[str]) -> Range | None:
    low, high, is_year = _years(match, 1)
    place = match.start(), match.end()
    if kind == "between":
        return Range(*place, low, max(_years(match, 2)[1], low), kind)
    if kind == "before":
        return Range(*place, None, low - 1, kind)
    if kind == "after":
        return Range(*place, high + 1, None, kind)
    if kind == "since":
        return Range(*place, low, None, kind)
    if kind == "until":
        return Range(*place, None, high, kind)
    whole = not is_year and high - low == 9  # ten years
    return Range(*place, low, high, kind, low if whole else None)


def _years(match: re.Match[str], n: int) -> tuple[int, int, bool]:
    """The first and the last year of one `_WHEN`, and whether it is a year."""
    part, year = match[f"part{n}"], match[f"year{n}"]
    if year:
        return int(year), int(year), True
    if word := match[f"word{n}"]:
        first = 1900 + _DECADES[word.lower()]
    else:
        first = int(match[f"decade{n}"])
        if first < 100:  # two digits
            first += 2000 if first < 20 else 1900  # "the 10s"
    low, high = _PARTS[part.lower()] if part else (0, 9)
    return first + low, first + high, False
