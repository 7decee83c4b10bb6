"""What a text wants and what it rejects, clause by clause: "no horror, something like Alien but funny".

A cue such as "no", "without" or "not a fan of" rejects what follows, up to the end of the clause: a
punctuation mark, a word such as "but", or the beginning of a wish. "Dragons and magic" stay together, and so
does a list: "no gore, violence or swearing". A cue with nothing after it rejects what stands before it:
"horror is not what I want". Two cues in a row cancel out: "not without humour". `service.cues` has the cues.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from embeddings.text.names import Match, Word
from service import cues

Label = Literal["wanted", "rejected", "cue"]

_SENTENCE_END = re.compile(r"[!?;…。！？\n]|(?<!\b\w)\.(?:\s|[\"')\]]|$)|\.{2}")  # noqa: RUF001  # Chinese marks
_CLAUSE_END = re.compile(r",(?!\d)|[(){}\[\]–—、，]|\s-+\s")  # noqa: RUF001
_CONJUNCTIONS = cues.word_set("and or nor und oder et ou")
_SUBJECTS = cues.word_set(
    """
    i we you they he she really just absolutely also always totally completely do who
    """
)
_BEFORE_TITLES = cues.word_set(
    """
    like love loved liked enjoyed adored by of to as than about from read watched saw seen finished called
    titled named film movie book album series no not except without
    """
)
_PRONOUNS = cues.word_set("it him her them")
_TAKES_BACK = cues.word_set(
    """
    no not never nicht hate hated dislike disliked detest loathe despise avoid skip
    """
)
_MAY_DESCRIBE = ("except", "aversion", "negation")
_COMPOUND = cues.word_set("no non never not anti self")
_COMPARED = ("as much as", "as often as")
_DEGREES = cues.word_set("too so very overly")
_REACH = 15
"""How many words before a cue can change its meaning."""
_LONGEST_LISTED = 4
"""The most words of an element of a list that a rejection goes on with."""


@dataclass(frozen=True)
class Wishes:
    """Spans of a text, as (start, end) in characters, and the names in what is rejected."""

    wanted: list[tuple[int, int]]
    rejected: list[tuple[int, int]]
    """Without the words around them that mean nothing, such as "by"."""
    rejected_names: list[Match[int]]
    qualified_names: list[Match[int]]
    """Of a single word that is only part of what is rejected: "romantic comedies" is less than comedies."""
    labels: list[Label] = field(default_factory=list, compare=False)
    """What each word of the text belongs to."""


@dataclass
class _Unit:
    """A word in plain form, a name, or a break between clauses."""

    plain: str
    first: int
    """The first of its words in the text; of a break, the word before it."""
    end: int
    mark: str = ""
    """Of a break: "." between sentences, "?", ":" or ","."""
    label: Label = "wanted"
    name: Match[int] | None = None

    @property
    def is_content(self) -> bool:
        return not self.mark and self.plain not in cues.GENERIC


@dataclass
class _Scope:
    """The rejection that is open: its cue, where it began, and whether it named something yet."""

    kind: str
    cue: str
    start: int
    has_content: bool = False
    is_list: bool = False
    inner: list[int] = field(default_factory=list)


def read_wishes(text: str, found: Sequence[Word], names: Sequence[Match[int]]) -> Wishes:
    """Split a text, given its words and the names among them, into what is wanted and what is rejected."""
    units = _Scanner(_units(text, found, names)).scan()
    spans: dict[str, list[tuple[int, int]]] = {"wanted": [], "rejected": []}
    for label, run in groupby(units, lambda unit: "" if unit.mark else unit.label):
        own = list(run)
        content = [n for n, unit in enumerate(own) if unit.is_content]
        if label not in spans or not content:
            continue
        while own and (own[-1].plain in cues.LOOSE_ENDS or (label == "rejected" and not own[-1].is_content)):
            own.pop()
        own = own[content[0] if label == "rejected" else 0 :]
        spans[label].append((found[own[0].first].start, found[own[-1].end - 1].end))
    rejected: list[Match[int]] = []
    qualified: list[Match[int]] = []
    for before, unit, after in zip([None, *units], units, [*units[1:], None], strict=False):
        if unit.name is not None and unit.label == "rejected":
            beside = any(x is not None and x.label == "rejected" and x.is_content for x in (before, after))
            single = unit.name.end == unit.name.first + 1
            (qualified if single and beside else rejected).append(unit.name)
    return Wishes(spans["wanted"], spans["rejected"], rejected, qualified, _word_labels(units, len(found)))


def _word_labels(units: Sequence[_Unit], count: int) -> list[Label]:
    labels: list[Label] = ["wanted"] * count
    for unit in units:
        for n in range(unit.first, unit.end) if not unit.mark else ():
            if labels[n] != "rejected":
                labels[n] = unit.label
    return labels


def _units(text: str, found: Sequence[Word], names: Sequence[Match[int]]) -> list[_Unit]:
    by_first = {name.first: name for name in names}
    units: list[_Unit] = []
    n, in_title = 0, False
    while n < len(found):
        if n and (mark := _mark(text[found[n - 1].end : found[n].start])):
            units.append(_Unit(cues.BREAK, n - 1, n, mark))
        name = by_first.get(n)
        end = n + 1 if name is None else name.end
        plain = [cues.NAME] if name is not None else _plain(text, found, n)
        in_title = name is None and (_begins_title(found, n) if not in_title else found[n].text[0].isupper())
        if in_title and not (units and units[-1].mark) and n + 1 not in by_first:
            plain = [f"{found[n].folded}-"]  # no word of its own
        label: Label = "rejected" if n and _is_minus(text, found[n - 1].end, found[n].start) else "wanted"
        units += [_Unit(word, n, end, label=label, name=name) for word in plain]
        if found[n].folded == "free" and n and text[found[n - 1].end : found[n].start] == "-":
            units[-1].label, units[-2].label = "cue", "rejected"
        n = end
    return units


def _begins_title(found: Sequence[Word], n: int) -> bool:
    """Whether word `n` begins a title that is no name of the graph: "something like No Time to Die"."""
    if not 0 < n < len(found) - 1 or found[n - 1].text not in _BEFORE_TITLES:
        return False
    return len(found[n].text) > 1 and found[n].text.istitle() and found[n + 1].text[0].isupper()


def _plain(text: str, found: Sequence[Word], n: int) -> list[str]:
    """The plain form of a word; in "no-nonsense" and "non-stop" neither part is a word of its own."""
    word = found[n].folded
    if word in ("w", "o") and "w/o" in (
        text[found[n].start :][:3].lower(),
        text[: found[n].end][-3:].lower(),
    ):
        return ["without"] if word == "w" else []
    for first in (n - 1, n):
        joined = 0 <= first < len(found) - 1 and text[found[first].end : found[first + 1].start] == "-"
        if joined and found[first].folded in _COMPOUND:
            return [f"{word}-"]
    return cues.plain_words(word)


def _mark(gap: str) -> str:
    """The break in the characters between two words, or ""."""
    if "?" in gap:
        return "?"
    if _SENTENCE_END.search(gap):
        return "."
    if ":" in gap:
        return ":"
    return "," if _CLAUSE_END.search(gap) else ""


def _is_minus(text: str, before: int, start: int) -> bool:
    """Whether a word has a minus as in searches: "comedy -horror"."""
    return re.fullmatch(r"[ \t]+-", text[before:start]) is not None


class _Scanner:
    """Labels the units of one text, from left to right."""

    def __init__(self, units: list[_Unit]) -> None:
        self._units = units
        words = [cues.BREAK, *(unit.plain for unit in units), cues.BREAK]
        self._text = " ".join(words) + " "
        self._starts = [0]
        for word in words:
            self._starts.append(self._starts[-1] + len(word) + 1)
        self._scope: _Scope | None = None
        self._segment = 0

    def scan(self) -> list[_Unit]:
        """The units with their labels."""
        n = 0
        while n < len(self._units):
            n = self._break(n) if self._units[n].mark else self._word(n)
        self._close()
        return self._units

    def _word(self, n: int) -> int:
        """Label the unit `n`, or the cue that begins there; return the unit to go on with."""
        described = cues.DESCRIPTION.search(self._before(n)) is not None
        for kind in ("harmless", "refusal", "verdict", "except", "aversion", "negation"):
            if (end := self._cue(kind, n)) and not (described and kind in _MAY_DESCRIBE):
                accepted: bool = getattr(self, f"_{kind}")(n, end)
                if accepted:
                    self._mark_cue(n, end)
                    return end
        self._plain(n)
        return n + 1

    def _mark_cue(self, n: int, end: int) -> None:
        for unit in self._units[n:end]:
            unit.label = "cue"
        if n and self._units[n - 1].first == self._units[n].first:  # "does" of "doesn't"
            self._units[n - 1].label = "cue"

    def _cue(self, kind: str, n: int) -> int:
        """The end of the cue of that kind that begins at unit `n`, or 0."""
        pattern: re.Pattern[str] = getattr(cues, kind.upper())
        match = pattern.match(self._text, self._starts[n + 1])
        return bisect_right(self._starts, match.end()) - 1 if match else 0

    def _harmless(self, *_: Any) -> bool:
        return True

    def _refusal(self, n: int, end: int) -> bool:
        """A clause such as "no thanks" rejects the clause before it."""
        if n < 2 or not (self._units[n - 1].mark or self._units[n - 1].plain == "but"):
            return False
        before, mark = n - 1, self._units[n - 1].mark
        follows = self._units[end].mark if end < len(self._units) else "."
        short = end - n == 1
        if short and (follows == "?" or (mark == "." or (mark == "," and follows != "."))):
            return False
        start = self._start_of_clause(before)
        wanted = [unit for unit in self._units[start:before] if unit.label == "wanted"]
        if not any(unit.is_content for unit in wanted) or self._has_wish(start, before):
            return False
        for unit in wanted:
            unit.label = "rejected"
        self._scope = None
        return True

    def _verdict(self, n: int, _: int) -> bool:
        """What is said to be boring is rejected; what is said not to be is not."""
        if self._scope is not None:
            if self._scope.has_content:
                return False
            self._scope = None
            return True
        return self._take_back(n)

    def _except(self, n: int, end: int) -> bool:
        scope = self._scope
        joined = n > 0 and self._units[n - 1].plain in _CONJUNCTIONS
        if scope is not None and scope.kind != "except" and not (joined and scope.has_content):
            self._scope = None  # "nothing except comedies", "no horror without humour"
        else:
            self._open("except", n, end)
        return True

    def _aversion(self, n: int, end: int) -> bool:
        scope, cue = self._scope, self._words(n, end)
        if cues.TOPIC.search(self._before(n)):
            return False
        if scope is None or scope.has_content:
            self._open("aversion", n, end)
        elif scope.kind == "negation" and not cue.startswith("too "):
            self._scope = None  # "I don't hate horror"
        return True

    def _negation(self, n: int, end: int) -> bool:
        scope = self._scope
        if self._units[self._segment].plain == "why":
            return True
        if scope is None or scope.has_content:
            self._open("negation", n, end)
        elif scope.kind == "aversion":
            self._scope = None  # "I hate films with no plot"
        return True

    def _open(self, kind: str, n: int, end: int) -> None:
        self._scope = _Scope(kind, self._words(n, end), n)

    def _plain(self, n: int) -> None:
        """Label a word that is no cue."""
        unit, scope = self._units[n], self._scope
        if self._compares(n):
            self._open("except", n, n + 1)
            unit.label = "cue"
        elif unit.plain in cues.TURNS and (scope is None or scope.has_content or unit.plain == "but"):
            self._close()
            unit.label, self._segment = "cue", n + 1
        elif scope is not None and scope.has_content and self._begins_wish(n, scope):
            self._scope, self._segment = None, n
        elif scope is not None:
            unit.label = "rejected"
            scope.has_content |= unit.is_content
            scope.inner.append(n)

    def _compares(self, n: int) -> bool:
        """Whether unit `n` is between what is preferred and what is not: "rather comedy *than* horror"."""
        word, before = self._units[n].plain, self._before(n)
        if word == "than":
            return re.search(r" (?:rather|sooner) ", before) is not None
        names = 0 < n < len(self._units) - 1 and self._units[n + 1].name is not None
        if word == "over":
            return " prefer " in before or (names and self._units[n - 1].name is not None)
        return word == "to" and names and " prefer " in before and not before.endswith(" prefer ")

    def _begins_wish(self, n: int, scope: _Scope) -> bool:
        word, before = self._units[n].plain, self._units[n - 1].plain
        if before in _CONJUNCTIONS:
            same = word == "with" and self._units[scope.inner[0]].plain == "with"
            return word in cues.STARTERS | cues.WISHES and not same
        if word in cues.STARTERS:
            return before not in cues.PREPOSITIONS
        if self._words(n, n + 3) in _COMPARED:
            return True
        if scope.kind == "negation" and self._units[scope.inner[0]].plain in _DEGREES:
            return word in cues.PREPOSITIONS - {"for", "in", "on", "at"}  # "not too long, about jazz"
        return word in cues.PREPOSITIONS and scope.cue in ("without", "sans", "ohne")

    def _break(self, n: int) -> int:
        scope, mark = self._scope, self._units[n].mark
        if scope is not None and mark == ":" and not scope.has_content and not self._takes_back(scope):
            scope.is_list = True
        elif scope is not None and mark != "?" and scope.is_list and (mark == "," or not scope.has_content):
            pass
        elif not (scope is not None and mark == "," and scope.has_content and self._goes_on(n + 1)):
            self._close()
        self._segment = n + 1
        return n + 1

    def _goes_on(self, n: int) -> bool:
        """Whether the clauses from unit `n` on are the rest of a list: "no gore, violence or swearing"."""
        listed = False
        while n < len(self._units):
            end = next((m for m in range(n, len(self._units)) if self._units[m].mark), len(self._units))
            own = [unit.plain for unit in self._units[n:end]]
            if not own or len(own) > _LONGEST_LISTED or not self._is_plain(n, end):
                return False
            if own[0] in ("or", "nor") or (own[0] == "and" and listed):
                return True
            if own[0] != "and" and any(word in _CONJUNCTIONS for word in own):
                return True
            if end == len(self._units) or self._units[end].mark != ",":
                return False
            listed, n = True, end + 1
        return False

    def _is_plain(self, n: int, end: int) -> bool:
        """Whether units say nothing of what is wanted or rejected."""
        kinds = ("harmless", "verdict", "except", "aversion", "negation")
        telling = cues.TURNS | cues.STARTERS | cues.ADJECTIVES | {"please", "with", "want", "like", "love"}
        return not any(
            self._units[m].plain in telling or any(self._cue(kind, m) for kind in kinds)
            for m in range(n, end)
        )

    def _close(self) -> None:
        """End the open rejection; one that named nothing rejects what stands before its cue."""
        scope, self._scope = self._scope, None
        if scope is None or scope.has_content:
            return
        for n in scope.inner:
            self._units[n].label = "cue"
        if self._takes_back(scope) and all(self._units[n].plain in cues.TAIL for n in scope.inner):
            self._take_back(scope.start)

    def _takes_back(self, scope: _Scope) -> bool:
        """Whether the cue may reject what stands before it."""
        first = scope.cue.split()[0]
        if first not in _TAKES_BACK or scope.start == self._segment:
            return False
        said_of_it = any(self._units[n].plain in _PRONOUNS for n in scope.inner)  # "... and hated it"
        return scope.kind == "negation" or said_of_it or self._units[scope.start - 1].plain in _SUBJECTS

    def _take_back(self, n: int) -> bool:
        """Reject the content between the beginning of the clause and unit `n`, if there is any."""
        start = self._segment
        if self._has_wish(start, n):
            joints = [m for m in range(start, n) if self._units[m].plain in _CONJUNCTIONS | {"that", "which"}]
            start = joints[-1] + 1 if joints and self._units[joints[-1]].plain in _CONJUNCTIONS else n
        own = [unit for unit in self._units[start:n] if unit.label == "wanted"]
        if not any(unit.is_content for unit in own):
            return False
        for unit in own:
            unit.label = "rejected"
        return True

    def _has_wish(self, start: int, end: int) -> bool:
        """Whether units ask for something: "I want ...", "show me ..."."""
        asked = re.search(
            r"(?:^|\b(?:i|we|me) (?:would |really |also |do )?)(?:want|love|like|need|prefer|enjoy)\b"
            r"|\b(?:give|show|recommend|suggest|find) (?:me|us)\b|\blooking for\b",
            self._words(start, end),
        )
        return asked is not None

    def _start_of_clause(self, end: int) -> int:
        return next((m + 1 for m in range(end - 1, -1, -1) if self._units[m].mark), 0)

    def _before(self, n: int) -> str:
        """The last words of the clause before unit `n`, with a space around each."""
        return f" {self._words(max(self._segment, n - _REACH), n)} "

    def _words(self, start: int, end: int) -> str:
        return " ".join(unit.plain for unit in self._units[start:end])
