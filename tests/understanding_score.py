"""How much of the table of sentences is understood: `python tests/understanding_score.py` over a home's model.

Prints the share of right slots, by slot, and the sentences with a wrong one.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from understanding_table import Line, compare


def answer_of(understood: dict[str, Any], year_of: Callable[[str], int | None]) -> dict[str, Any]:
    """A structure in the form of the table; `year_of` gives the year of an item by its id."""

    def nodes(slot: str) -> list[dict[str, Any]]:
        found = []
        for node in understood[slot]:
            own = {"label": node["label"], "name": node["name"]}
            year = year_of(node["id"]) if node["label"] == "Movie" else None
            found.append(own if year is None else {**own, "year": year})
        return found

    parts = [part["expression"] for part in understood["filter"]]
    return {
        "intent": understood["intent"],
        "likes": nodes("likes"),
        "dislikes": nodes("dislikes"),
        "wants": [x["words"] for x in understood["wants"]],
        "rejects": [x["words"] for x in understood["rejects"]],
        "filter": None if not parts else parts[0] if len(parts) == 1 else {"all": parts},
        "sentiment": [{"words": x["words"], "value": x["value"]} for x in understood["sentiment"]],
        "reserved": understood["reserved"],
        "not_understood": [x["words"] for x in understood["not_understood"]],
    }


def score(
    lines: list[Line], answers: list[dict[str, Any]]
) -> tuple[float, dict[str, tuple[int, int]], list[tuple[str, list[str]]]]:
    """The share of right slots; of each slot, how many are right and counted; each text with its wrong slots."""
    right: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    wrong = []
    for line, answer in zip(lines, answers, strict=True):
        slots = compare(line, answer)
        counted.update(slots.keys())
        right.update(slot for slot, ok in slots.items() if ok)
        if not all(slots.values()):
            wrong.append((line.text, [slot for slot, ok in slots.items() if not ok]))
    share = sum(right.values()) / max(1, sum(counted.values()))
    return share, {slot: (right[slot], counted[slot]) for slot in counted}, wrong
