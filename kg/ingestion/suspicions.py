"""Warnings about accepted rows: values without a threshold, times that cannot be, ids that look alike.

A warning changes nothing: it names the place in the mapping, and the line to add there.
"""

from collections.abc import Iterator

import pandas as pd

from kg.graph import HashArray
from kg.ingestion.checks import Events
from kg.ingestion.graded import ValueCounts
from kg.ingestion.mapping import Mapping
from kg.ingestion.rows import flat
from kg.ingestion.similar_ids import IdCounts
from kg.ingestion.unlikely_times import TimeCounts


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

    def see_events(self, kind: str, frame: pd.DataFrame, events: Events) -> None:
        """Look at the values and times of the rows' events of one interaction."""
        time = self._mapping.interactions[kind].time
        if events.values is not None and kind in self._values:
            self._values[kind].add(events.values[frame.index].to_numpy())
        if events.seconds is not None and time is not None:
            self._times[kind].add(flat(frame[time.column]), events.seconds[frame.index])

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
