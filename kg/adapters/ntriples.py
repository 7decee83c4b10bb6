"""N-Triples (https://www.w3.org/TR/n-triples/): *.nt, plain or .gz, with an interactions.csv.

RDF has no users or items, so `interactions.csv` (user, item, optionally rating and timestamp) holds the
interactions; its items are IRIs of the triples. Literals of predicates such as rdfs:label become names, those
of predicates such as rdfs:comment become text, and other literals are left out; triples between resources
become relations.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kg.adapters.facts import add_facts
from kg.adapters.files import lines, write_table
from kg.errors import DataError

NAMES = ("label", "name", "title", "prefLabel")
TEXTS = ("comment", "description", "abstract")

_RESOURCE = r"(?:<([^<>\"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>|_:[^\s<>\"]+)"
_TRIPLE = re.compile(
    rf"\s*(?P<head>{_RESOURCE})\s*(?P<predicate><[^<>\s]*>)\s*"
    rf"(?:(?P<tail>{_RESOURCE})|\"(?P<text>(?:[^\"\\]|\\.)*)\"(?:@(?P<language>[A-Za-z0-9-]+)|\^\^<[^<>\s]*>)?)"
    r"\s*\.\s*(?:\#.*)?"
)
_ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


class Triple(NamedTuple):
    """One statement; a resource as object is in `tail`, a literal in `text`."""

    head: str
    predicate: str
    tail: str | None
    text: str | None
    language: str | None


def convert(folder: Path, workdir: Path, mapping: dict[str, Any]) -> None:
    """Read the triples in two passes: names and texts first, then facts."""
    found = sorted([*folder.glob("*.nt"), *folder.glob("*.nt.gz")])
    if not found or not (folder / "interactions.csv").exists():
        raise DataError(
            f"{folder}: needs *.nt (or *.nt.gz), and interactions.csv with the columns user and item"
        )
    items = _events(folder / "interactions.csv", workdir, mapping)
    names: dict[str, str] = {}
    texts: dict[str, str] = {}
    for triple in _all(found):
        last = re.split(r"[/#]", triple.predicate)[-1]
        if triple.text is not None and triple.language in (None, "en"):
            for kept, words in ((names, NAMES), (texts, TEXTS)):
                if last in words and (triple.head in items or kept is names):
                    kept.setdefault(triple.head, triple.text)
    facts = ((x.head, x.predicate, x.tail) for x in _all(found) if x.tail is not None)
    entities = add_facts(facts, {x: x for x in items}, workdir, mapping)
    about = ((x, names.get(x, ""), texts.get(x, "")) for x in sorted(items))
    write_table(workdir / "items.csv", ("id", "name", "about"), about)
    write_table(
        workdir / "entities.csv", ("id", "name"), ((x, names.get(x, _last(x))) for x in sorted(entities))
    )


def parse(line: str) -> Triple | None:
    """Parse one line; None for a blank line or a comment.

    Raises:
        ValueError: the line is not a triple.
    """
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    match = _TRIPLE.fullmatch(line)
    if match is None:
        raise ValueError("is no triple")
    head, predicate, tail, text = (match[x] for x in ("head", "predicate", "tail", "text"))
    language = match["language"]
    return Triple(
        _resource(head),
        _resource(predicate),
        _resource(tail) if tail is not None else None,
        _unescaped(text) if text is not None else None,
        language.split("-")[0].lower() if language else None,
    )


def _all(paths: list[Path]) -> Iterator[Triple]:
    for path in paths:
        for number, line in lines(path):
            try:
                triple = parse(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: {line[:60]!r} {error}") from None
            if triple is not None:
                yield triple


def _resource(written: str) -> str:
    """An IRI without its brackets, or a blank node unchanged."""
    return _unescaped(written[1:-1]) if written.startswith("<") else written


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _ESCAPES.get(match[3], match[3])

    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", plain, text, flags=re.DOTALL)


def _last(iri: str) -> str:
    return re.split(r"[/#]", iri.rstrip("/#"))[-1] or iri


def _events(path: Path, workdir: Path, mapping: dict[str, Any]) -> set[str]:
    """Copy the interactions and return their items."""
    reader = csv.DictReader(line + "\n" for _, line in lines(path, "utf-8-sig"))
    header = list(reader.fieldnames or ())
    for name in ("user", "item"):
        if name not in header:
            raise DataError(f"{path}, line 1: has no column {name!r}; it has {', '.join(header)}")
    interaction = mapping["interactions"]["INTERACTED"]
    for column, key in (("rating", "value"), ("timestamp", "time")):
        if column not in header:
            del interaction[key]
    items: set[str] = set()

    def rows() -> Iterator[list[str]]:
        for row in reader:
            items.add(row["item"].strip("<>"))
            given = [row.get(x) or "" for x in ("rating", "timestamp")]
            yield [row["user"], row["item"].strip("<>"), *given]

    write_table(workdir / "interactions.csv", ("user", "item", "rating", "timestamp"), rows())
    return items
