"""RecBole's atomic files: NAME.inter, and optionally NAME.item, NAME.kg and NAME.link."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.adapters.facts import add_facts
from kg.adapters.files import lines, one_of, write_table
from kg.errors import DataError

NAMES = ("title", "name")
"""The display name of an item is its first field whose name contains one of these."""


def convert(folder: Path, workdir: Path, mapping: dict[str, Any]) -> None:
    """Convert the files; every field of the .item file except the first becomes a part of the item's text."""
    inter = one_of(folder, "*.inter")
    events = _Atomic(inter)
    user, item = events.column("user_id"), events.column("item_id")
    rating, time = events.find("rating"), events.find("timestamp")
    found = ([row[n] if n is not None else "" for n in (user, item, rating, time)] for row in events)
    write_table(workdir / "interactions.csv", ("user", "item", "rating", "time"), found)
    interaction = mapping["interactions"]["INTERACTED"]
    if rating is None:
        del interaction["value"]
    if time is None:
        del interaction["time"]
    known = {row[item] for row in events}
    _items(inter.with_suffix(".item"), workdir, mapping, known)
    kg, link = inter.with_suffix(".kg"), inter.with_suffix(".link")
    if kg.exists():
        pairs = list(_Atomic(link)) if link.exists() else []
        add_facts(_facts(kg), {row[1]: row[0] for row in pairs if row[0] in known}, workdir, mapping)


def _items(path: Path, workdir: Path, mapping: dict[str, Any], known: set[str]) -> None:
    items = _Atomic(path) if path.exists() else None
    fields = items.fields[1:] if items else []
    header = ["id", *(f"field_{n}" for n in range(len(fields)))]
    rows = {row[0]: row for row in items} if items else {}
    known.update(rows)
    blank = [""] * len(fields)
    write_table(
        workdir / "items.csv", header, ([x, *(rows[x][1:] if x in rows else blank)] for x in sorted(known))
    )
    named = next((n for word in NAMES for n, field in enumerate(fields) if word in field), None)
    about = mapping["nodes"]["Item"]
    if named is not None:
        about["name"] = f"{{field_{named}}}"
    about["text"] = [
        f"{{field_{n}}}." if n == named else f"{field.replace('_', ' ')}: {{field_{n}}}."
        for n, field in enumerate(fields)
    ]


def _facts(path: Path) -> Iterator[tuple[str, str, str]]:
    facts = _Atomic(path)
    head, relation, tail = (facts.column(x) for x in ("head_id", "relation_id", "tail_id"))
    return ((row[head], row[relation], row[tail]) for row in facts)


class _Atomic:
    """One atomic file; its header has the name and the type of each field, such as `item_id:token`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        header = next((line for _, line in lines(path)), "")
        self.fields = [field.rpartition(":")[0] for field in header.split("\t")]

    def find(self, name: str) -> int | None:
        return self.fields.index(name) if name in self.fields else None

    def column(self, name: str) -> int:
        found = self.find(name)
        if found is None:
            raise DataError(f"{self._path}, line 1: has no field {name!r}; it has {', '.join(self.fields)}")
        return found

    def __iter__(self) -> Iterator[list[str]]:
        for number, line in lines(self._path):
            values = [_plain(x) for x in line.split("\t")]
            if number > 1 and line and len(values) != len(self.fields):
                raise DataError(
                    f"{self._path}, line {number}: has {len(values)} values, not {len(self.fields)}"
                )
            if number > 1 and line:
                yield values


def _plain(value: str) -> str:
    """Remove the quotes around a fully quoted value, as pandas does in RecBole."""
    inner = value[1:-1].replace('""', "")
    quoted = len(value) > 1 and value[0] == value[-1] == '"' and '"' not in inner
    return value[1:-1].replace('""', '"') if quoted else value
