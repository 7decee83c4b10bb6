"""From a text to its structure: names, ranges, what is wanted and rejected, liking, and the intent."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from embeddings.text.names import Match, Word
from kg.graph import GraphSnapshot
from kg.item_properties import NumberColumn
from service.config import UnderstandingConfig
from service.rejections import Wishes, read_wishes
from service.understanding.aliases import text_words
from service.understanding.conditions import Conditions
from service.understanding.contract import (
    Intent,
    UnderstoodClause,
    UnderstoodFilter,
    UnderstoodNode,
    UnderstoodPhrase,
    UnderstoodText,
)
from service.understanding.intent import Told, intent_of, is_compared, is_off_topic
from service.understanding.names import Mention, NameFinder
from service.understanding.phrases import phrases_in
from service.understanding.ranges import Range, find_ranges
from service.understanding.sentiment import clauses_of, is_indifferent, segments
from service.understanding.unknown import unknown_spans

_SOFT = re.compile(r"\b(?:less|fewer|too|very|so|overly|that|as|much|light|low|easy)\b")
_DISLIKE = re.compile(
    r"\b(?:hat\w+|dislik\w+|detest\w*|loath\w+|despis\w+|tired|sick|fed up|bored?|boring|bores|enough"
    r"|overrated"
    r"|stand|awful|terrible|sucks?|annoy\w*|like|love|enjoy|care|fan|into|done|death|worst|over)\b"
)
_TURN = re.compile(
    r"\b(?:but|only|minus|without|less|fewer|nothing|though|although|except|however|not|no|just|instead)\b",
    re.I,
)
_ONLY_BEFORE = re.compile(
    r"(?:\b(?:only|nothing but|strictly|exclusively|solely|must (?:only )?(?:be|have|star)|(?:have"
    r"|has) to be|narrow (?:it |this |them "
    r"|that |the list )?(?:down )?to|limit (?:it |this |them |that )?to|restrict (?:it |this |them )?to)"
    r"|(?:^|[.!?,;]\s*|\b(?:show|give|keep|list) (?:me |us )?)just)\s+"
    r"(?:(?:in|with|by|from|the|some|an?|films?|movies?|starring|directed|made|of|things?|ones?|show"
    r"|me|us|or|and"
    r"|nor|ever|from|that|are|is|ones|old|stuff|want|\x01)[\s,]*)*$",
    re.IGNORECASE,
)
_ONLY_AFTER = re.compile(
    r"^(?:[\s,]*(?:\x01|or|and|films?|movies?|ones?|stuff))*[\s,]*(?:only"
    r"|exclusively)\b(?=\s*(?:[.!?,;]|please|pls|$))",
    re.IGNORECASE,
)
_OF_OTHERS = re.compile(
    r"(?i)\bfor (?:people|someone|somebody|anyone|those|folks|a person|viewers) who\b[^.!?;,]*$"
)
"""What others dislike: "a musical for people who can't stand musicals"."""
_PRONOUN = re.compile(r"(?i)\b(?:he|she|they|it|him|her|them)(?:\b|'s)")
_YEAR = re.compile(r"(?:^|_)year$|^released?(?:_in)?$", re.IGNORECASE)


@dataclass
class _Draft:
    """What is known while a text is read."""

    text: str
    found: Sequence[Word]
    mentions: list[Mention]
    wishes: Wishes
    ranges: list[Range]
    unknown: list[tuple[int, int]]
    taken: list[bool] = field(default_factory=list)
    """Words of names, ranges and what is not understood."""

    def span(self, mention: Mention) -> tuple[int, int]:
        return self.found[mention.first].start, self.found[mention.end - 1].end

    @cached_property
    def clauses(self) -> list[UnderstoodClause]:
        counts = [
            "wanted"
            if any(a < w.end and w.start < b for a, b in self.unknown if _is_measure(self.text[a:b]))
            else x
            for w, x in zip(self.found, self.wishes.labels, strict=True)
        ]
        return clauses_of(self.text, self.found, counts)

    def labels(self, start: int, end: int) -> list[str]:
        return [
            label
            for word, label in zip(self.found, self.wishes.labels, strict=True)
            if word.start < end and start < word.end
        ]

    def cue(self, first: int, end: int) -> str:
        """The words of the cue that rejects words `first` to `end`: those before, or else those after."""
        labels, n = self.wishes.labels, first - 1
        while n >= 0 and labels[n] == "rejected":
            n -= 1
        before: list[str] = []
        while n >= 0 and labels[n] == "cue":
            before.insert(0, self.found[n].folded)
            n -= 1
        if before:
            return " ".join([*before, *(w.folded for w in self.found[n + 1 + len(before) : first])])
        return " ".join(
            w.folded for w, own in zip(self.found[end:], labels[end:], strict=True) if own != "wanted"
        )


@dataclass(frozen=True)
class ReadWords:
    """The words of a text, which of them are names, and the places of what it wants."""

    found: Sequence[Word]
    named: set[int]
    wanted: list[tuple[int, int]]


@dataclass
class _Parts:
    """The fields of `UnderstoodText` as they are filled."""

    intent: Intent | None = None
    intent_confidence: float = 1.0
    likes: list[UnderstoodNode] = field(default_factory=list)
    dislikes: list[UnderstoodNode] = field(default_factory=list)
    wants: list[UnderstoodPhrase] = field(default_factory=list)
    rejects: list[UnderstoodPhrase] = field(default_factory=list)
    filter: list[UnderstoodFilter] = field(default_factory=list)
    sentiment: list[UnderstoodClause] = field(default_factory=list)
    reserved: bool = False
    not_understood: list[UnderstoodPhrase] = field(default_factory=list)


class TextReader:
    """Reads texts over one snapshot; safe to share between threads."""

    def __init__(self, snapshot: GraphSnapshot, config: UnderstandingConfig) -> None:
        self._snapshot = snapshot
        self._names = NameFinder(
            snapshot, config.small_vocabulary, config.longest_name, config.shortest_single_word
        )
        self._conditions = Conditions(snapshot)
        columns = snapshot.item_properties.columns
        years = [x for x, column in columns.items() if _YEAR.search(x) and isinstance(column, NumberColumn)]
        self._year = years[0] if years else None

    def alike(self, node: int) -> tuple[int, ...]:
        """The other nodes of the same name."""
        return self._names.alike(node)

    def read(self, text: str) -> tuple[UnderstoodText, ReadWords]:
        """The structure of a text, without what the text encoder makes of it; and its words."""
        draft = self._draft(text)
        rejected = [m for m in draft.mentions if "rejected" in draft.wishes.labels[m.first : m.end]]
        indifferent = [
            m
            for m in draft.mentions
            if is_indifferent(text[: draft.span(m)[0]], draft.text[draft.span(m)[1] :])
        ]
        required = [
            m
            for m in draft.mentions
            if m not in rejected and m not in indifferent and self._is_required(m, draft)
        ]
        liked = [
            m for m in draft.mentions if m not in rejected and m not in required and m not in indifferent
        ]
        out = _Parts()
        blamed = self._blamed(draft, liked)
        liked = [m for m in liked if m not in blamed]
        rejected += blamed
        qualified = {match.meaning for match in draft.wishes.qualified_names}
        soft = [
            m
            for n, m in enumerate(draft.mentions)
            if m in rejected and (n in qualified or self._is_soft(m, draft))
        ]
        for mention in liked:
            out.likes += self._nodes(mention, draft)
        hard = [
            m
            for m in rejected
            if m not in soft and m not in indifferent and not _OF_OTHERS.search(text[: draft.span(m)[0]])
        ]
        for mention in hard:
            out.dislikes += self._nodes(mention, draft)
        out.filter += self._excluded([m for m in hard if m not in blamed], draft)
        self._add_remakes(draft, liked, out)
        out.filter += self._conditions.required(
            [(m, draft.span(m)) for m in required], draft.text, draft.found
        )
        self._add_ranges(draft, out)
        out.wants = phrases_in(draft.text, draft.found, draft.wishes.labels, draft.taken, "wanted")
        out.rejects = phrases_in(draft.text, draft.found, draft.wishes.labels, draft.taken, "rejected")
        for mention in soft:
            start, end = draft.span(mention)
            beside = next((x for x in out.rejects if x.end is not None and x.end + 1 == start), None)
            if beside is not None and beside.start is not None:  # "scary horror" is one phrase
                out.rejects.remove(beside)
                start = beside.start
            out.rejects.append(UnderstoodPhrase(words=text[start:end], start=start, end=end, confidence=0.8))
        out.sentiment = draft.clauses
        out.reserved = self._is_reserved(draft, liked, rejected)
        told = Told(
            text,
            tuple(draft.span(m)[0] for m in liked),
            has_likes=bool(out.likes),
            has_wants=bool(out.wants),
            has_rejections=bool(out.dislikes),
            has_filter=bool(out.filter or draft.unknown),
            has_names=bool(draft.mentions),
        )
        out.intent, out.intent_confidence = intent_of(told)
        self._close(draft, out)
        named = {n for m in draft.mentions for n in range(m.first, m.end)}
        wishes = draft.wishes
        wanted = wishes.wanted if wishes.rejected else [(0, len(text))]
        return UnderstoodText(**vars(out)), ReadWords(draft.found, named, wanted)

    def _draft(self, text: str) -> _Draft:
        found = text_words(text)
        mentions = self._names.find(text, found)
        matches = [Match(m.first, m.end, n) for n, m in enumerate(mentions)]
        wishes = read_wishes(text, found, matches)
        _take_back_ellipses(text, found, wishes.labels)
        _go_on_with_lists(text, found, wishes.labels)
        named = [False] * len(found)
        for m in mentions:
            named[m.first : m.end] = [True] * (m.end - m.first)
        spans = [(found[m.first].start, found[m.end - 1].end) for m in mentions]
        numbers = [m for m in mentions if any(w.text[0].isdigit() for w in found[m.first : m.end])]
        ranges = find_ranges(text, [x for x, m in zip(spans, mentions, strict=True) if m not in numbers])
        mentions = [
            m
            for m in mentions
            if not any(r.start < found[m.end - 1].end and found[m.first].start < r.end for r in ranges)
        ]
        unknown = unknown_spans(text, found, named)
        unknown += [
            (a, b)
            for a, b in segments(text)
            if is_off_topic(text[a:b]) and not _names_in(mentions, found, a, b)
        ]
        draft = _Draft(text, found, mentions, wishes, ranges, sorted(unknown))
        places = [*((r.start, r.end) for r in ranges), *draft.unknown, *(draft.span(m) for m in mentions)]
        draft.taken = [any(a < w.end and w.start < b for a, b in places) for w in found]
        return draft

    # ------------------------------------------------------------ nodes

    def _nodes(self, mention: Mention, draft: _Draft) -> list[UnderstoodNode]:
        start, end = draft.span(mention)
        found = []
        for node in mention.nodes:
            label, own = self._snapshot.locate(node)
            found.append(
                UnderstoodNode(
                    label=label,
                    id=own,
                    name=self._snapshot.names[node],
                    words=draft.text[start:end],
                    start=start,
                    end=end,
                    confidence=mention.confidence,
                )
            )
        return found

    def _is_required(self, mention: Mention, draft: _Draft) -> bool:
        if mention.nodes[0] < self._snapshot.n_items:
            return False
        start, end = draft.span(mention)
        before = self._masked(draft, 0, start)
        if (
            re.search(r"\b(?:i|we|he|she|they)\s+(?:only|just)\s+\w+", before)
            or "only watch" in before.lower()
        ):
            return False
        return bool(
            _ONLY_BEFORE.search(before) or _ONLY_AFTER.search(self._masked(draft, end, len(draft.text)))
        )

    @staticmethod
    def _masked(draft: _Draft, start: int, end: int) -> str:
        """A part of the text with a sign for each name."""
        parts, at = [], start
        for mention in draft.mentions:
            a, b = draft.span(mention)
            if a >= start and b <= end:
                parts += [draft.text[at:a], "\x01"]
                at = b
        return "".join([*parts, draft.text[at:end]])

    @staticmethod
    def _blamed(draft: _Draft, liked: Sequence[Mention]) -> list[Mention]:
        """What a later clause says something bad of by a pronoun: "... I say he is the death of cinema"."""
        blamed = []
        for clause in draft.clauses:
            start, end = clause.start or 0, clause.end or 0
            if (
                clause.value != -1
                or not _PRONOUN.search(clause.words)
                or "rejected" in draft.labels(start, end)
            ):
                continue
            if _names_in(draft.mentions, draft.found, start, end):
                continue
            before = [m for m in draft.mentions if draft.span(m)[1] <= start]
            blamed += [m for m in before[-1:] if m in liked]
        return blamed

    @staticmethod
    def _is_soft(mention: Mention, draft: _Draft) -> bool:
        cue = draft.cue(mention.first, mention.end)
        return bool(_SOFT.search(cue)) and "so tired" not in cue and "so sick" not in cue and "fan" not in cue

    def _excluded(self, rejected: Iterable[Mention], draft: _Draft) -> Iterable[UnderstoodFilter]:
        for mention in rejected:
            if _DISLIKE.search(draft.cue(mention.first, mention.end)):
                continue
            for node in mention.nodes:
                part = self._conditions.without(node, mention, draft.span(mention), draft.text, draft.found)
                if part is not None:
                    yield part

    def _add_remakes(self, draft: _Draft, liked: Sequence[Mention], out: _Parts) -> None:
        """Of films of one title, "the original" is the first, and "not the remake" rejects the others."""
        column = None if self._year is None else self._snapshot.item_properties.columns[self._year]
        if not isinstance(column, NumberColumn):
            return
        for mention in liked:
            alike = [n for n in (*mention.nodes, *mention.others) if n < self._snapshot.n_items]
            before = draft.text[: draft.span(mention)[0]].lower()
            if len(alike) < 2 or not re.search(r"\b(?:original|remake)\b", before):
                continue
            ordered = sorted(alike, key=lambda n: float(column.values[n]))
            refused = re.search(r"\b(?:not|no|without) (?:the |a )?remake", before)
            first = "original" in before or bool(refused)
            chosen, others = (ordered[0], ordered[1:]) if first else (ordered[-1], ordered[:-1])
            own = self._nodes(replace(mention, nodes=(chosen,)), draft)
            old = {x.id for x in self._nodes(mention, draft)}
            out.likes = [x for x in out.likes if x.id not in old] + own
            if refused:
                out.dislikes += self._nodes(replace(mention, nodes=tuple(others)), draft)

    # ------------------------------------------------------------ ranges

    def _add_ranges(self, draft: _Draft, out: _Parts) -> None:
        for own in draft.ranges:
            words = draft.text[own.start : own.end]
            place: dict[str, Any] = {"words": words, "start": own.start, "end": own.end, "confidence": 0.9}
            labels = draft.labels(own.start, own.end)
            cue_inside = own.kind in ("since", "until") and re.match(r"(?i)no|never|isn|aren|don", words)
            rejected = "rejected" in labels and not cue_inside
            decade = self._conditions.decade(own.decade) if own.decade else None
            nodes = [] if decade is None else [UnderstoodNode(**place, **decade)]
            loved = any(
                clause.value == 1 and _within(own, clause) for clause in draft.clauses
            ) and not re.match(r"(?i)(?:from|in|of|made|released|during)\b", words)
            if self._year is None:
                (out.dislikes if rejected else out.likes).extend(nodes)
                if not nodes:
                    out.not_understood.append(UnderstoodPhrase(**{**place, "words": words}))
                continue
            if loved and nodes and not rejected:
                out.likes += nodes
                continue
            if rejected:
                out.dislikes += nodes
            expression = self._conditions.years(self._year, own, negated=rejected)
            out.filter.append(UnderstoodFilter(**place, expression=expression))

    # ------------------------------------------------------------ the whole

    def _is_reserved(self, draft: _Draft, liked: Sequence[Mention], rejected: Sequence[Mention]) -> bool:
        both = {n for m in liked for n in m.nodes} & {n for m in rejected for n in m.nodes}
        if both:
            return True
        for mention in liked:
            start, end = draft.span(mention)
            rest = draft.text[end:]
            rest = re.sub(r"(?i)\bonly\s*$|doesn'?t matter.*|no matter.*", "", rest)
            if is_compared(draft.text, start) and _TURN.search(rest):
                return True
        return any(clause.value == -1 for clause in draft.clauses) and bool(
            re.search(r"(?i)\btoo much but\b", draft.text)
        )

    def _close(self, draft: _Draft, out: _Parts) -> None:
        """Add the words that were not understood, and drop what does not count for the intent."""
        for start, end in draft.unknown:
            words = draft.text[start:end].strip(" ,.!?")
            if words:
                own = UnderstoodPhrase(words=words, start=start, end=end, confidence=0.7)
                out.not_understood.append(own)
        if out.intent is None:
            out.not_understood += [*out.wants, *out.rejects]
            out.wants, out.rejects = [], []
        if out.intent == "greet":
            out.wants, out.rejects, out.sentiment = [], [], [x for x in out.sentiment if x.value == 1]


def _is_measure(words: str) -> bool:
    return words[:1].isdigit() or words.islower()


_ELLIPSIS = re.compile(
    r"\b(?:is|are|was|were) ?(?:not|n[\u2019']t)\s*(?=[.!?,;]|$)|\b(?:isn|aren"
    r"|wasn)['\u2019]t\s*(?=[.!?,;]|$)"
)
_SAID_BEFORE = re.compile(
    r"(?i)\b(?:is|are|was|were) (?:\w+ )?(?:overrated|boring|awful|terrible|bad|dull|rubbish|too \w+|\w+)\s*,"
)


def _take_back_ellipses(text: str, found: Sequence[Word], labels: list[Any]) -> None:
    """What is said not to be what another is, is not rejected: "Depp is overrated, Burton is not"."""
    for match in _ELLIPSIS.finditer(text):
        start = max(text.rfind(x, 0, match.start()) for x in ",;.!?")
        if start > 0 and _SAID_BEFORE.search(text[: start + 1]):
            for n, word in enumerate(found):
                if start < word.start < match.end():
                    labels[n] = "wanted"


_LISTED = re.compile(
    r"(?i)\b(?:tired|sick|bored|fed up|enough) (?:of|with"
    r"|by) [\w' -]+((?:, [\w'-]+(?: [\w'-]+)?){2,})\s*(?:[.!?;]|$)"
)


def _go_on_with_lists(text: str, found: Sequence[Word], labels: list[Any]) -> None:
    """A list that ends a sentence is rejected as its first element is: "tired of sequels, remakes"."""
    for match in _LISTED.finditer(text):
        for n, word in enumerate(found):
            if match.start(1) <= word.start < match.end(1):
                labels[n] = "rejected"


def _names_in(mentions: Iterable[Mention], found: Sequence[Word], start: int, end: int) -> bool:
    return any(start <= found[m.first].start < end for m in mentions)


def _within(own: Range, clause: UnderstoodClause) -> bool:
    return (
        clause.start is not None
        and clause.end is not None
        and clause.start < own.end
        and own.start < clause.end
    )
