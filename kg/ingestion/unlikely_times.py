"""Whether the times of an interaction are likely: a wrong unit puts all of them into 1970 or the future."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from kg.ingestion.hints import likely_unit
from kg.ingestion.mapping_parts import TimeMapping

_DAY = 86_400
_FIRST_YEAR = 365 * _DAY
"""The end of 1970: times in too small a unit, days, dates as numbers and missing times are before it."""
_OLD = 20 * _FIRST_YEAR
"""The end of 1989. If times are in 1970 and all others are later than this, those of 1970 are a mistake."""
_NEARLY_ALL = 0.95
_MANY = 0.1
"""If this share of the times is in 1970 and the others are not old, it is worth a warning."""
_SURE = 5
"""So many times in 1970 are a mistake even if no other unit explains them."""
_SAMPLE = 1_000


@dataclass
class TimeCounts:
    """The times of an interaction: how many are in 1970, or later than now."""

    now: float
    events: int = 0
    early: int = 0
    old: int = 0
    """Times after 1970 and before 1990."""
    future: int = 0
    far: int = 0
    """Times more than a year later than now."""
    latest: float = 0.0
    sample: list[str] = field(default_factory=list)
    """The first times in 1970, as they are written."""

    def add(self, texts: pd.Series, seconds: pd.Series) -> None:
        """Count further times; a missing one is NaN."""
        self.events += int(seconds.notna().sum())
        early = seconds < _FIRST_YEAR
        self.early += int(early.sum())
        self.old += int(seconds.between(_FIRST_YEAR, _OLD).sum())
        self.future += int((seconds > self.now + _DAY).sum())
        self.far += int((seconds > self.now + 366 * _DAY).sum())
        self.latest = max(self.latest, float(seconds.max()) if self.events else 0.0)
        self.sample += texts[early].iloc[: _SAMPLE - len(self.sample)].tolist()

    def warning(self, time: TimeMapping) -> str | None:
        """What is wrong with the times, if anything is."""
        most = _NEARLY_ALL * self.events
        if self.early:
            problem = self._too_early(time) if self.early >= most else self._mixed(time)
            if problem is not None:
                return problem
        count = self.far or (self.future if self.future >= most else 0)
        if not count:
            return None
        return (
            f"{count:,} of {self.events:,} times in the column {time.column!r} are in the future, up to "
            f"{_date(self.latest)}; check the column and `unit: {time.unit}`; `max: {_date(self.now)}` "
            "rejects them"
        )

    def _too_early(self, time: TimeMapping) -> str | None:
        unit = likely_unit(self.sample, self.now)
        found = f"{self.early:,} of {self.events:,} times in the column {time.column!r} are in 1970"
        if unit is not None and unit != time.unit:
            return f"{found} if they are in {time.unit}, but look like times in {unit}; write `unit: {unit}`"
        if self.early < _SURE:
            return None
        return (
            f"{found}; if they are no times, remove `time`; if they are missing, leave them empty; "
            "if they are days or hours, write dates like 2024-05-31 and `unit: iso`"
        )

    def _mixed(self, time: TimeMapping) -> str | None:
        """What is wrong if some times are in 1970, none in the years up to 1989, and the others later."""
        unit = likely_unit(self.sample, self.now)
        other = unit is not None and unit != time.unit
        if self.old or not (other or (self.early >= _SURE and self.early >= _MANY * self.events)):
            return None
        found = f"{self.early:,} of {self.events:,} times in the column {time.column!r} are in 1970"
        if other:
            return f"{found}, and look like times in {unit}, not {time.unit}; write all in one unit"
        return f"{found}, and the others after 1989; if those are missing, leave them empty"


def _date(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).date().isoformat()
