"""Checks each row of a source on its own: ids, values and times; vectorized."""

import operator
from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from kg.ingestion.chunks import Problem
from kg.ingestion.dates import convert_times, epoch_seconds, time_limits
from kg.ingestion.hints import Hints, absent_hint, boolean_hints, date_hints, number_hints, time_hints
from kg.ingestion.ids import as_seen, read_ids
from kg.ingestion.mapping_parts import (
    IdType,
    InteractionMapping,
    PropertyMapping,
    TimeMapping,
    ValueMapping,
    moment,
)
from kg.ingestion.rows import SourceUse, convert, flat, holds_lists
from kg.ingestion.values import Converted, convert_numbers
from kg.schema import LONGEST_ID
from kg.shown import printable, shortened

LONGEST_VALUE = 200
"""The maximum length of the value of a rejected row in the file of rejects."""


class RejectedRows:
    """The rejected rows, and the first problem of each."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.bad = pd.Series(False, index=frame.index)
        self.problems: list[Problem] = []

    def add(self, mask: pd.Series, column: pd.Series, reason: str) -> None:
        """Reject the rows of the mask that are not rejected yet."""
        new = mask & ~self.bad
        if new.any():
            self.bad |= new
            found = flat(column[new])
            self.problems += [
                Problem(int(row), str(column.name), shortened(value, LONGEST_VALUE), reason)
                for row, value in zip(found.index, found, strict=True)
            ]


@dataclass
class Events:
    """Values and times (epoch seconds) of one interaction, float64, by row; None without such a column."""

    values: pd.Series | None = None
    seconds: pd.Series | None = None


class RowChecks:
    """Checks the rows of one chunk of a source."""

    def __init__(self, frame: pd.DataFrame, use: SourceUse, now: float) -> None:
        self._frame = frame
        self._use = use
        self._now = now
        self.rejected = RejectedRows(frame)
        self.events: dict[str, Events] = defaultdict(Events)
        """By interaction type, what its rows hold, the rejected ones included."""

    def run(self) -> RejectedRows:
        """Check each row, without comparing it with other rows."""
        for label, node in self._use.nodes:
            self._check_id(label, self._frame[node.id.column], node.id.type)
            for name, wanted in node.properties.items():
                self._check_property(self._frame[wanted.column or name], wanted)
        for edges in self._use.edges:
            head, tail = (self._frame[column] for column in edges.columns)
            self._check_id(edges.labels[0], head, edges.id_types[0])
            if edges.interaction is not None:
                self._check_id(edges.labels[1], tail, edges.id_types[1])
                self._check_event(edges.interaction, self.events[edges.kind])
            else:
                self._check_form(edges.labels[1], tail, edges.id_types[1])
        return self.rejected

    def _check_id(self, label: str, column: pd.Series, kind: IdType) -> None:
        self._check_key(column)
        self._check_form(label, column, kind)

    def _check_key(self, column: pd.Series) -> None:
        empty = column.str.len() == 0 if holds_lists(column) else column == ""
        self.rejected.add(empty, column, "is empty; fill it in or remove the row")

    def _check_visible(self, ids: pd.Series, column: pd.Series) -> None:
        if "".join(ids).isascii():
            return
        invisible = (ids != "") & (ids.map(as_seen).str.strip() == "")
        self._reject_any(invisible, column, "has only invisible characters; fill in an id or remove the row")

    def _check_form(self, label: str, column: pd.Series, kind: IdType) -> None:
        """Check that each id can be seen, its length, and that it is an integer if the label's ids are."""
        ids = column.explode().dropna().astype("str") if holds_lists(column) else column
        self._check_visible(ids, column)
        self._reject_any(
            ids.str.len() > LONGEST_ID, column, f"is too long for an id: more than {LONGEST_ID:,} characters"
        )
        if kind == "integer":
            unread = (ids != "") & (read_ids(ids, kind, self._use.source) == "")
            self._reject_any(
                unread, column, f"is no whole number, as the ids of {label} are by their `type: integer`"
            )

    def _reject_any(self, mask: pd.Series, column: pd.Series, reason: str) -> None:
        """Reject the rows with any id of the mask, which has several values for a list."""
        rows = column.index.isin(mask.index[mask])
        self.rejected.add(pd.Series(rows, index=column.index), column, reason)

    def _check_property(self, column: pd.Series, wanted: PropertyMapping) -> None:
        texts = flat(column)
        converted = convert(texts, wanted, self._use.source)
        self._check_type(column, converted, self._hints(texts, converted.bad, wanted), wanted.required)
        self._check_limits(column, converted, wanted)
        if wanted.required:
            self._check_key(column)

    def _hints(self, texts: pd.Series, bad: pd.Series, wanted: PropertyMapping) -> Hints:
        match wanted.type:
            case "integer" | "number":
                return number_hints(texts, bad, self._use.name)
            case "boolean":
                return boolean_hints(texts, bad, self._use.name)
            case "date" | "datetime":
                return date_hints(texts, bad, wanted, self._now)
            case _:
                return iter(())

    def _check_event(self, interaction: InteractionMapping, found: Events) -> None:
        if interaction.value is not None:
            column = self._frame[interaction.value.column]
            texts = flat(column)
            self._check_key(column)
            numbers = convert_numbers(texts, self._use.source)
            self._check_type(column, numbers, number_hints(texts, numbers.bad, self._use.name), required=True)
            self._check_limits(column, numbers, interaction.value)
            found.values = numbers.values.astype("float64")
        if interaction.time is not None:
            found.seconds = self._check_time(self._frame[interaction.time.column], interaction.time)

    def _check_time(self, column: pd.Series, wanted: TimeMapping) -> pd.Series:
        texts = flat(column)
        times = convert_times(texts, wanted.unit, self._use.source)
        self._check_type(column, times, time_hints(texts, times.bad, wanted.unit, self._now))
        low, high = time_limits(wanted)
        seconds = times.values.astype("float64")
        limits = f"{wanted.min or '1970-01-01'} to {wanted.max or 'the year 9999'}"
        self.rejected.add((seconds < low) | (seconds > high), column, f"is not a time from {limits}")
        return seconds

    def _check_type(
        self, column: pd.Series, converted: Converted, hints: Hints, required: bool = False
    ) -> None:
        """Reject unreadable values; the first hint that concerns a value says what to add to the mapping."""
        if converted.bad.any():
            for mask, hint in (absent_hint(flat(column), required), *hints):
                self.rejected.add(converted.bad & mask, column, f"is not {converted.expected}; {hint}")
            self.rejected.add(converted.bad, column, f"is not {converted.expected}")

    def _check_limits(
        self, column: pd.Series, converted: Converted, limits: PropertyMapping | ValueMapping
    ) -> None:
        for limit, outside, words in (
            (limits.min, operator.lt, ("less", "earlier")),
            (limits.max, operator.gt, ("more", "later")),
        ):
            if isinstance(limit, str):
                wrong = outside(epoch_seconds(converted.values), moment(limit).timestamp())
                self.rejected.add(wrong, column, f"is {words[1]} than {limit}")
            elif limit is not None:
                wrong = outside(converted.values.astype("float64"), limit)
                self.rejected.add(wrong, column, f"is {words[0]} than {limit:g}")
        if limits.one_of:
            texts = flat(column)
            other = (texts != "") & ~texts.isin(limits.one_of)
            self.rejected.add(other, column, f"is none of {printable(', '.join(limits.one_of))}")
