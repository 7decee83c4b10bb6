"""The data folders of KGAT and KGCN: nodes are integers, and the first entities are the items."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.adapters.facts import add_facts
from kg.adapters.files import lines, rows, write_table
from kg.errors import DataError


def convert_kgat(folder: Path, workdir: Path, mapping: dict[str, Any]) -> None:
    """A line of `train.txt` and `test.txt` is a user and their items; `*_list.txt` map integers to ids."""
    events = [*_lists(folder / "train.txt"), *_lists(folder / "test.txt")]
    names = names_of_list(folder / "item_list.txt")
    items = {item for _, item in events} | set(names)
    write_table(workdir / "interactions.csv", ("user", "item"), events)
    write_table(workdir / "items.csv", ("id", "name"), ((x, names.get(x, x)) for x in sorted(items, key=int)))
    _graph(
        folder,
        workdir,
        mapping,
        items,
        names_of_list(folder / "relation_list.txt"),
        names_of_list(folder / "entity_list.txt"),
    )


def convert_kgcn(folder: Path, workdir: Path, mapping: dict[str, Any]) -> None:
    """Uses the rows of `ratings_final.txt` with label 1; label 0 is a sampled negative or a disliked item."""
    liked = (values[:2] for values in rows(folder / "ratings_final.txt", "\t", 3) if values[2] == "1")
    write_table(workdir / "interactions.csv", ("user", "item"), liked)
    items = {values[1] for values in rows(folder / "ratings_final.txt", "\t", 3)}
    names = {}
    path = folder / "item_index2entity_id.txt"
    if path.exists():  # line n describes item n
        names = {str(n): values[1] for n, values in enumerate(rows(path, "\t", 2))}
    items |= set(names)
    write_table(workdir / "items.csv", ("id", "name"), ((x, names.get(x, x)) for x in sorted(items, key=int)))
    predicates: dict[str, str] = {}
    path = folder / "kg.txt"
    if path.exists():  # relations are numbered in order of first occurrence
        seen = dict.fromkeys(values[1] for values in rows(path, "\t", 3))
        predicates = {str(n): name for n, name in enumerate(seen)}
    _graph(folder, workdir, mapping, items, predicates, {})


def _graph(
    folder: Path,
    workdir: Path,
    mapping: dict[str, Any],
    items: set[str],
    predicates: dict[str, str],
    entities: dict[str, str],
) -> None:
    facts = (
        (head, predicates.get(relation, relation), tail)
        for head, relation, tail, *_ in rows(folder / "kg_final.txt", None, 3)
    )
    found = add_facts(facts, {x: x for x in items}, workdir, mapping)
    table = ((x, entities.get(x, x)) for x in sorted(found, key=int))
    write_table(workdir / "entities.csv", ("id", "name"), table)


def _lists(path: Path) -> Iterator[tuple[str, str]]:
    for user, *items in rows(path, None, 1):
        yield from ((user, item) for item in dict.fromkeys(items))


def names_of_list(path: Path) -> dict[str, str]:
    """The names by integer from a `*_list.txt` with org_id, remap_id and optionally freebase_id.

    Raises:
        DataError: a line has no remap_id; the message names it.
    """
    found = {}
    for number, line in lines(path) if path.exists() else ():
        values = line.split("\t" if "\t" in line else None)
        if number == 1 or not values or (len(values) == 1 and values[0].isdigit()):
            continue  # an entity of Amazon-Book has a remap_id and no org_id: it has no name
        last = values[-1]
        if not last.isdigit():  # Yelp2018 has no blank between a remap_id and the org_id that follows again
            last = last.removesuffix(values[0])
        at = len(values) - (1 if last.isdigit() else 2)  # an org_id may hold blanks
        remap_id = last if last.isdigit() else values[at]
        if at < 1 or not remap_id.isdigit():
            raise DataError(f"{path}, line {number}: {line.strip()!r} has no remap_id")
        found[remap_id] = " ".join(values[:at])
    return found
