"""How much of the table of sentences is understood.

`PYTHONPATH=.:tests python -m understanding_score` prints the share of right slots, by slot, and the sentences
with a wrong one, over the snapshot of the model in use.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from understanding_table import Line, compare, read_table

from embeddings.model.artifact import latest_model, read_manifest
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from service.config import UnderstandingConfig
from service.understanding.reader import TextReader


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
    """The share of right slots; of each slot, how many are right and counted; texts with wrong slots."""
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


def main() -> None:
    """Print the score of the snapshot of the model in use."""
    settings = Settings()
    fingerprint = read_manifest(latest_model(settings.models_folder)).snapshot
    snapshot = SnapshotCache(settings.snapshots_folder).by_fingerprint(fingerprint)
    reader, lines = TextReader(snapshot, UnderstandingConfig()), read_table("sentences")
    years = snapshot.item_properties.columns.get("year")

    def year_of(item_id: str) -> int | None:
        item = snapshot.items.find(item_id)
        value = None if item is None or years is None else years.value(item)
        return int(value) if isinstance(value, int | float) else None

    read = [
        reader.read(line.text)[0].model_dump(mode="json", by_alias=True, exclude_none=True) for line in lines
    ]
    share, by_slot, wrong = score(lines, [answer_of({"intent": None, **x}, year_of) for x in read])
    print(f"{share:.3f} of the slots are right")
    for slot, (right, counted) in by_slot.items():
        print(f"  {slot}: {right} of {counted}")
    for text, slots in wrong:
        print(f"{', '.join(slots)}: {text}")


if __name__ == "__main__":
    main()
