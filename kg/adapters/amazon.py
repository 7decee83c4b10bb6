"""Amazon Reviews 2023 (McAuley Lab): CATEGORY.jsonl has reviews, meta_CATEGORY.jsonl items; plain or .gz."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.adapters.files import lines, one_of, write_table
from kg.errors import DataError

DESCRIPTION = 1_000
"""The maximum length of an item's description in characters; the text encoder reads about half of it."""


def convert(folder: Path, workdir: Path, _mapping: dict[str, Any]) -> None:
    """Convert reviews and metadata; an item is a `parent_asin`, which covers all colours and sizes.

    The name of an item without metadata is its id.
    """
    meta = one_of(folder, "meta_*.jsonl", "meta_*.jsonl.gz")
    category = meta.name.removeprefix("meta_")
    reviews = one_of(folder, category, category.removesuffix(".gz"), f"{category}.gz")
    described: set[str] = set()

    def items() -> Iterator[list[str]]:
        for item in _objects(meta, "parent_asin"):
            described.add(item["parent_asin"])
            yield _item(item)
        for review in _objects(reviews, "parent_asin"):
            if review["parent_asin"] not in described:
                described.add(review["parent_asin"])
                yield [review["parent_asin"], *[""] * 6]

    header = ("id", "title", "store", "price", "department", "categories", "description")
    write_table(workdir / "items.csv", header, items())
    events = (
        [review[key] for key in ("user_id", "parent_asin", "rating", "timestamp")]
        for review in _objects(reviews, "user_id", "parent_asin", "rating", "timestamp")
    )
    write_table(workdir / "reviews.csv", ("user", "item", "rating", "time"), events)


def _item(item: dict[str, Any]) -> list[str]:
    description = " ".join(map(str, [*(item.get("features") or ()), *(item.get("description") or ())]))
    price = re.fullmatch(r"\d+(\.\d+)?", str(item.get("price") or ""))
    return [
        item["parent_asin"],
        _one_line(item.get("title")),
        _one_line(item.get("store")),
        price[0] if price else "",
        _one_line(item.get("main_category")),
        "|".join(_one_line(x).replace("|", "/") for x in item.get("categories") or ()),
        _one_line(description)[:DESCRIPTION],
    ]


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())


def _objects(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: is no JSON: {error}") from None
        missing = [key for key in needed if not isinstance(found, dict) or key not in found]
        if missing:
            raise DataError(f"{path}, line {number}: has no {missing[0]!r}")
        yield found
