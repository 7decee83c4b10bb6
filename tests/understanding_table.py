"""The table of sentences, and how an answer is compared with it, by the rules in its README."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from understanding_filters import LABEL_OF, Form, conjuncts, negated_nodes, normal_form

FOLDER = Path(__file__).parent / "understanding"
Intent = Literal["recommend", "similar", "search", "explain", "filter", "greet"]
Label = Literal["Movie", "Genre", "Person", "Language", "Country", "Company", "Decade"]
Key = tuple[str, str, int | None]

_STOPS = (
    "a about after again all also an and any anything are as at be but by can do does doesn't don't else "
    "everything except film films flick flicks for from get give good great has have how i i'd i'm i've "
    "in is isn't it it's just least less like more most movie movies much my never nice no nobody not "
    "nothing of on one ones only or over picture pictures please so some something stuff than that the "
    "them these thing things this to too under very was what with without you "
)
STOP_WORDS = frozenset(_STOPS.split())
"""Words that do not make two phrases match."""
ALIKE = 0.75
"""Similarity from which a word counts as one of a name."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Node(_Closed):
    """A node by label and name; `or` has others that are right in its place."""

    label: Label
    name: str = Field(min_length=1)
    year: int | None = None
    others: list["Node"] = Field(default=[], alias="or")

    @property
    def all(self) -> list["Node"]:
        return [self, *self.others]

    def matches(self, key: Key) -> bool:
        label, name, year = key
        return (self.label, self.name) == (label, name) and self.year in {None, year}


class Phrase(_Closed):
    """Words of the sentence; `or` has the nodes that mean the same."""

    words: str = Field(min_length=1)
    others: list[Node] = Field(default=[], alias="or")


class Clause(_Closed):
    words: str = Field(min_length=1)
    value: Literal[-1, 0, 1]


class Expected(_Closed):
    intent: Intent | None = None
    likes: list[Node] = []
    dislikes: list[Node] = []
    wants: list[str | Phrase] = []
    rejects: list[str | Phrase] = []
    filter: dict[str, Any] | None = None
    filter_or: list[dict[str, Any] | None] = []
    sentiment: list[Clause] = []
    reserved: bool = False
    not_understood: list[str] = []

    def phrases(self, slot: str) -> list[Phrase]:
        given = getattr(self, slot)
        return [each if isinstance(each, Phrase) else Phrase(words=each) for each in given]


class Allowed(_Closed):
    """What an answer may have or not."""

    intent: list[Intent] = []
    likes: list[Node] = []
    dislikes: list[Node] = []
    wants: list[str] = []
    rejects: list[str] = []
    sentiment: list[Clause] = []
    reserved: bool = False
    not_understood: list[str] = []


class Line(_Closed):
    """A sentence and what it means; all words are of the sentence, all filters well-formed."""

    text: str = Field(min_length=1, max_length=2000)
    expected: Expected
    allowed: Allowed = Allowed()

    @model_validator(mode="after")
    def _words_are_of_the_text(self) -> "Line":
        slots = ("wants", "rejects", "not_understood")
        spoken = [phrase.words for slot in slots for phrase in self.expected.phrases(slot)]
        for words in [*spoken, *(clause.words for clause in self.expected.sentiment)]:
            if words not in self.text:
                raise ValueError(f"{words!r} is not in {self.text!r}")
        return self

    @model_validator(mode="after")
    def _filters_are_well_formed(self) -> "Line":
        for expression in [self.expected.filter, *self.expected.filter_or]:
            if expression is not None:
                check_filter(expression)
        return self


def read_table(name: str) -> list[Line]:
    """The lines of `sentences` or `kept_aside`."""
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [Line.model_validate_json(line) for line in text.splitlines()]


def check_filter(expression: Mapping[str, Any]) -> None:
    """Refuse what is no filter expression.

    Raises:
        ValueError: keys, relation or property are none of the language.
    """
    leaves, joins = {"relation", "property", "not"}, {"all", "any"}
    kinds = leaves.intersection(expression) or joins.intersection(expression)
    if len(kinds) != 1:
        raise ValueError(f"not one of relation, property, not, all, any: {expression}")
    kind = kinds.pop()
    if kind == "relation":
        _check_keys(expression, {"relation"}, {"any", "all", "none"})
        if expression["relation"] not in LABEL_OF:
            raise ValueError(f"unknown relation: {expression}")
    elif kind == "property":
        _check_keys(expression, {"property"}, {"any", "from", "to"})
        if expression["property"] != "year" or expression.get("from", 0) > expression.get("to", 9999):
            raise ValueError(f"unknown property or empty range: {expression}")
    else:
        _check_keys(expression, {kind}, set())
        parts = expression[kind]
        for part in [parts] if kind == "not" else parts:
            check_filter(part)


def _check_keys(expression: Mapping[str, Any], needed: set[str], optional: set[str]) -> None:
    if set(expression) - needed - optional or not all(expression.values()):
        raise ValueError(f"unknown or empty keys: {expression}")


# ---------------------------------------------------------------------- comparing


def compare(line: Line, answer: Mapping[str, Any]) -> dict[str, bool]:
    """For each slot that counts, whether an answer in the form of `expected` has it right."""
    found = Expected.model_validate(answer)
    expected, allowed = line.expected, line.allowed
    right = {
        "likes": _likes_right(expected, allowed, found),
        "dislikes": _nodes_right(expected.dislikes, allowed.dislikes, _disliked(found), set()),
        "filter": _filter_right(expected, found),
        "sentiment": _sentiment_right(expected, allowed, found),
        "reserved": allowed.reserved or expected.reserved == found.reserved,
    }
    for slot in ("wants", "rejects", "not_understood"):
        right[slot] = _phrases_right(slot, expected, allowed, found)
    counted = {slot: ok for slot, ok in right.items() if not ok or getattr(expected, slot)}
    if expected.intent is not None:
        counted["intent"] = found.intent in {expected.intent, *allowed.intent}
    return counted


def _keys(nodes: Iterable[Node]) -> set[Key]:
    return {(node.label, node.name, node.year) for node in nodes}


def _disliked(found: Expected) -> set[Key]:
    negated = negated_nodes(normal_form(found.filter))
    return _keys(found.dislikes) | {(label, name, None) for label, name in negated}


def _nodes_right(expected: Sequence[Node], allowed: Sequence[Node], found: set[Key], given: set[str]) -> bool:
    """Each expected node or one in its place is found, unless its name is given elsewhere, and no other."""
    missing = [
        entry
        for entry in expected
        if entry.name not in given and not any(node.matches(key) for node in entry.all for key in found)
    ]
    known = [node for entry in [*expected, *allowed] for node in entry.all]
    return not missing and all(any(node.matches(key) for node in known) for key in found)


def _likes_right(expected: Expected, allowed: Allowed, found: Expected) -> bool:
    moods = [node for phrase in expected.phrases("wants") for node in phrase.others]
    required = [Node(label=label, name=name) for label, name in _required(expected)]
    known = [*allowed.likes, *moods, *required]
    return _nodes_right(expected.likes, known, _keys(found.likes), _decades(found))


def _required(expected: Expected) -> set[tuple[Any, str]]:
    forms = [normal_form(each) for each in [expected.filter, *expected.filter_or]]
    facts = [leaf for form in forms for leaf in _leaves(form) if leaf[0] == "fact"]
    return {(LABEL_OF[relation], name) for _, relation, name in facts if name is not None}


def _leaves(form: Form) -> Iterable[Form]:
    if form[0] in {"all", "any"}:
        for part in form[1]:
            yield from _leaves(part)
    else:
        yield form


def _decades(found: Expected) -> set[str]:
    ranges = [leaf for leaf in conjuncts(normal_form(found.filter)) if leaf[0] == "range"]
    return {f"{low}s" for _, _, low, high in ranges if low is not None and high == low + 9}


def _filter_right(expected: Expected, found: Expected) -> bool:
    return _positive(found.filter) in [_positive(each) for each in [expected.filter, *expected.filter_or]]


def _positive(expression: Mapping[str, Any] | None) -> frozenset[Form]:
    """What must hold besides the negated nodes, which are compared as dislikes."""
    parts = conjuncts(normal_form(expression))
    return frozenset(part for part in parts if not (part[0] == "not" and part[1][0] == "fact"))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w'-]+", text.casefold().replace("\u2019", "'")))


def content_words(text: str) -> set[str]:
    return _words(text) - STOP_WORDS


def _phrases_right(slot: str, expected: Expected, allowed: Allowed, found: Expected) -> bool:
    wanted = expected.phrases(slot)
    given = [content_words(phrase.words) for phrase in found.phrases(slot)]
    nodes = {"wants": _keys(found.likes), "rejects": _disliked(found)}.get(slot, set())
    for phrase in wanted:
        words = content_words(phrase.words)
        named = any(node.matches(key) for node in phrase.others for key in nodes)
        if not named and not any(words & each for each in given):
            return False
    own = set().union(*(content_words(phrase.words) for phrase in wanted))
    spared = own.union(*(content_words(each) for each in getattr(allowed, slot)))
    opposite, names = _foreign_words(slot, expected)
    return not any(
        (words - spared) & opposite or (not words & spared and _is_surplus(slot, words, names))
        for words in given
    )


def _is_surplus(slot: str, words: set[str], names: set[str]) -> bool:
    """Whether a phrase without match is a fault: among rejects always, else where it has words of a name."""
    return bool(words) and (slot == "rejects" or any(_alike(word, name) for word in words for name in names))


def _foreign_words(slot: str, expected: Expected) -> tuple[set[str], set[str]]:
    """Words of other slots' phrases and, for wants and rejects, of the opposite names; words of all names."""
    others = {"wants", "rejects", "not_understood"} - {slot}
    spoken = [phrase.words for other in others for phrase in expected.phrases(other)]
    opposed = {"wants": expected.dislikes, "rejects": expected.likes}.get(slot, [])
    names = [node.name for node in [*expected.likes, *expected.dislikes]]
    opposite = [*spoken, *(node.name for node in opposed)]
    return set().union(*map(content_words, opposite)), set().union(*map(content_words, names))


def _alike(word: str, other: str) -> bool:
    return SequenceMatcher(None, word, other).ratio() >= ALIKE


def _sentiment_right(expected: Expected, allowed: Allowed, found: Expected) -> bool:
    for clause in expected.sentiment:
        near = max(found.sentiment, key=lambda each: _shared(each, clause), default=None)
        if (near.value if near and _shared(near, clause) else 0) != clause.value:
            return False
    known = [clause for clause in [*expected.sentiment, *allowed.sentiment] if clause.value == -1]
    negative = [clause for clause in found.sentiment if clause.value == -1]
    return all(any(_shared(clause, each) for each in known) for clause in negative)


def _shared(one: Clause, other: Clause) -> int:
    return len(_words(one.words) & _words(other.words))
