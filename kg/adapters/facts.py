"""Facts of any vocabulary as relations; one type per predicate and label of its ends (item or entity)."""

import csv
import re
from collections import defaultdict
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from kg.adapters.files import write_table

HELD = 10_000
"""The number of facts of one type that are buffered before they are written."""

Fact = tuple[str, str, str]
"""Head, predicate, tail; an end is an item if it is a key of `items`, otherwise an entity."""


def add_facts(
    facts: Iterable[Fact], items: dict[str, str], workdir: Path, mapping: dict[str, Any]
) -> set[str]:
    """Write one table per relation type to `workdir`, and add the relation to the mapping.

    `items` maps the name of an item in the facts to its id. Returns the entities.
    """
    held: dict[tuple[str, bool, bool], list[tuple[str, str]]] = defaultdict(list)
    names: dict[tuple[str, bool, bool], str] = {}
    entities: set[str] = set()
    for head, predicate, tail in facts:
        key = (predicate, head in items, tail in items)
        entities.update(x for x in (head, tail) if x not in items)
        held[key].append((items.get(head, head), items.get(tail, tail)))
        if key not in names:
            names[key] = _add_type(key, set(names.values()), mapping, workdir)
        if len(held[key]) >= HELD:
            _append(workdir / _file(names[key]), held.pop(key))
    for key, pairs in held.items():
        _append(workdir / _file(names[key]), pairs)
    return entities


def relation_type(name: str) -> str:
    """The relation type of a predicate: BOOK_BOOK_GENRE for `http://rdf.freebase.com/ns/book.book.genre`."""
    last = re.split(r"[/#]", name.rstrip("/#"))[-1]
    kind = re.sub(r"[^A-Z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).upper()).strip("_")
    return (kind if kind[:1].isalpha() else f"R_{kind}")[:50]


def unused_type(plain: str, taken: Container[str]) -> str:
    """The type, or the first of TYPE_2, TYPE_3, ... that is not taken."""
    numbered = (f"{plain}_{n}" for n in range(2, 10**6))
    return plain if plain not in taken else next(x for x in numbered if x not in taken)


def _add_type(key: tuple[str, bool, bool], taken: set[str], mapping: dict[str, Any], workdir: Path) -> str:
    kind = unused_type(relation_type(key[0]), taken | set(mapping["interactions"]))
    head, tail = ("Item" if is_item else "Entity" for is_item in key[1:])
    mapping["sources"][kind] = {"file": _file(kind)}
    mapping["relations"][kind] = {"from": head, "to": tail, "source": kind, "head": "head", "tail": "tail"}
    write_table(workdir / _file(kind), ("head", "tail"), ())
    return kind


def _append(path: Path, pairs: list[tuple[str, str]]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(pairs)


def _file(kind: str) -> str:
    return f"facts-{kind}.csv"
