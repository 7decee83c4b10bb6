"""Warnings about accepted rows: values without a threshold, times that cannot be, ids that look alike.

A warning changes nothing: it names the place in the mapping, and the line to add there.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from kg.graph import HashArray
from kg.ingestion.dates import convert_times
from kg.ingestion.graded import ValueCounts
from kg.ingestion.mapping import Mapping
from kg.ingestion.rows import Edges, flat
from kg.ingestion.similar_ids import IdCounts
from kg.ingestion.unlikely_times import TimeCounts
from kg.ingestion.values import convert_numbers


class Suspicions:
    """Looks at all accepted rows of a mapping, and warns at the end."""

    def __init__(self, mapping: Mapping, now: float) -> None:
        self._mapping = mapping
        interactions = mapping.interactions.items()
        self._values = {
            kind: ValueCounts() for kind, x in interactions if x.value and x.liked_at_least is None
        }
        self._times = {kind: TimeCounts(now) for kind, x in interactions if x.time}
        self._ids = {label: IdCounts() for label in mapping.nodes}

    def see_ids(self, label: str, ids: pd.Series, hashed: HashArray) -> None:
        """Look at ids of a label."""
        self._ids[label].add(ids, hashed)

    def see_events(self, frame: pd.DataFrame, edges: Edges) -> None:
        """Look at the values and times of an interaction."""
        interaction = edges.interaction
        assert interaction is not None
        if interaction.value is not None and edges.kind in self._values:
            values = convert_numbers(flat(frame[interaction.value.column]), edges.source).values
            self._values[edges.kind].add(values.to_numpy(np.float64))
        if interaction.time is not None:
            texts = flat(frame[interaction.time.column])
            times = convert_times(texts, interaction.time.unit, edges.source).values
            self._times[edges.kind].add(texts, times.astype("float64"))

    def warnings(self) -> Iterator[str]:
        """All warnings, each with its place in the mapping."""
        for kind, interaction in self._mapping.interactions.items():
            place = self._mapping.place(("interactions", kind))
            if interaction.value and kind in self._values:
                problem = self._values[kind].warning(interaction.value.column)
                yield from [f"{place}: {problem}"] if problem else []
            if interaction.time:
                problem = self._times[kind].warning(interaction.time)
                yield from [f"{place}: {problem}"] if problem else []
        for label, ids in self._ids.items():
            for problem in ids.warnings(label, self._mapping.nodes[label]):
                yield f"{self._mapping.place(('nodes', label))}: {problem}"
