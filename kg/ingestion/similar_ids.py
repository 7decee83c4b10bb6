"""Finds ids of one label that are written differently but look alike; each stays a node of its own."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from kg.graph import HashArray
from kg.ingestion.hashes import HashSet, hashes
from kg.ingestion.ids import as_seen, without_point
from kg.ingestion.mapping_parts import NodeMapping

_KEPT = 100_000
"""The maximum number of unusual ids per label that are compared with others."""


@dataclass
class IdCounts:
    """The ids of a label that look like others: how each would be written plainly."""

    all: HashSet = field(default_factory=HashSet)
    unusual: dict[str, dict[str, str]] = field(default_factory=lambda: {"seen": {}, "whole": {}})
    """By kind, the plain form of each unusual id."""

    def add(self, ids: pd.Series, hashed: HashArray) -> None:
        """Count further ids, whose hashes are known."""
        new = ids.to_numpy(object)[self.all.add(hashed)].tolist()
        joined = "".join(new)
        if not (joined.isascii() and joined.isprintable()):
            self._keep("seen", {x: as_seen(x) for x in new})
        if ".0" in joined:
            self._keep("whole", {x: without_point(x) for x in new})

    def _keep(self, kind: str, plain: dict[str, str]) -> None:
        kept = self.unusual[kind]
        if len(kept) < _KEPT:
            kept.update({text: form for text, form in plain.items() if text != form})

    def warnings(self, label: str, node: NodeMapping) -> Iterator[str]:
        """How many ids look like another id of the label, with an example and what to do."""
        count, example = self.alike("seen")
        if example is not None:
            pair = " and ".join(map(ascii, example))
            yield (
                f"{count:,} ids of {label} differ from another one only in invisible characters or in how "
                f"letters are composed (NFC, NFD), such as {pair}; each is a node: write them alike"
            )
        count, example = self.alike("whole")
        if example is not None:
            column = f"column: {node.id.column}, " if node.source else ""
            yield (
                f"{count:,} ids of {label} are another one with a decimal point, such as "
                f"{' and '.join(map(ascii, example))}; add `id: {{{column}type: integer}}` to read both alike"
            )

    def alike(self, kind: str) -> tuple[int, tuple[str, str] | None]:
        """The number of unusual ids that equal another one if written plainly, and an example of both."""
        by_form: dict[str, list[str]] = defaultdict(list)
        for text, form in self.unusual[kind].items():
            by_form[form].append(text)
        if not by_form:
            return 0, None
        forms = pd.Series(list(by_form), dtype="str")
        known = self.all.holds(hashes(forms)).tolist()
        count, example = 0, None
        for (form, texts), is_known in zip(by_form.items(), known, strict=True):
            pair = [form, *texts] if is_known else texts
            if len(pair) > 1:
                count += len(pair) - 1
                example = example or (pair[0], pair[1])
        return count, example
