"""Whether the values of an interaction grade the items, so that low values are no likes.

Ratings lie on a small scale of equal steps. Counts and quantities are mostly 1 with a long tail, and prices
lie on no scale; their events count as likes whatever their values are.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

_MOST_VALUES = 201
"""More different values than this are no scale; 0 to 100 in half steps has as many."""
_FEW_VALUES = 21
"""The number of whole values from -10 to 10."""
_LEAST_EVENTS = 5
_STEPS = (1.0, 0.5, 0.25, 0.2, 0.1)
_LIKED_FROM = 0.7
"""The share of the scale above which a value is proposed to count as liked: 4 of 1 to 5, 70 of 0 to 100."""

_GRADES = re.compile(
    r"rating|\brate|star|score|grade|percent|\bpct|vote|review|\bnote|bewertung|sterne|punkte"
)
_AMOUNTS = re.compile(
    r"price|preis|cost|amount|betrag|quantit|\bqty|menge|anzahl|count|\bplays?\b|\bviews?\b|listens|clicks"
    r"|hours|minutes|seconds|duration|total|revenue|sales|weight|\btimes\b"
)


@dataclass
class ValueCounts:
    """The values of an interaction: how often each occurs, while there are few of them, and the extremes."""

    events: int = 0
    negative: int = 0
    low: float = np.inf
    high: float = -np.inf
    least_positive: float = np.inf
    counts: Counter[float] | None = field(default_factory=Counter)
    """None if there are too many different values."""

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Count further values."""
        if not len(values):
            return
        unique, numbers = np.unique(values, return_counts=True)
        self.events += len(values)
        self.negative += int(numbers[unique < 0].sum())
        self.low, self.high = min(self.low, float(unique[0])), max(self.high, float(unique[-1]))
        self.least_positive = min(self.least_positive, float(unique[unique > 0].min(initial=np.inf)))
        if self.counts is not None:
            self.counts.update(dict(zip(unique.tolist(), numbers.tolist(), strict=True)))
            if len(self.counts) > _MOST_VALUES:
                self.counts = None

    def threshold(self, column: str) -> float | None:
        """The value from which events should count as liked; None if the values do not seem to grade.

        `column` is the name of their column: it decides where the values allow both.
        """
        if self.negative:
            return self._liked_of_negative(column)
        if self.counts is None or self.events < _LEAST_EVENTS or not _is_graded(self.counts, column):
            return None
        wanted = self.low + _LIKED_FROM * (self.high - self.low)
        if self.high > 20:
            return 5.0 * round(wanted / 5)
        return min(value for value in self.counts if value >= wanted - 1e-9)

    def _liked_of_negative(self, column: str) -> float:
        """The least positive value; half of the highest on a scale from minus to plus with many values."""
        few = self.counts is not None and len(self.counts) <= _FEW_VALUES
        if few or _AMOUNTS.search(_plain(column)) or not 0.3 <= -self.low / max(self.high, 1e-9) <= 3:
            return self.least_positive
        return float(f"{self.high / 2:.1g}")

    def warning(self, column: str) -> str | None:
        """What is probably wrong with the values of the column if no threshold is given, and what to add."""
        threshold = self.threshold(column)
        if threshold is None:
            return None
        if not np.isfinite(threshold):
            return f"no value in the column {column!r} is positive, so no event may count as liked"
        found = f"the values in the column {column!r} are from {self.low:g} to {self.high:g}"
        if self.negative:
            found += f", {self.negative:,} of {self.events:,} are negative, and only those are no likes"
        else:
            found += ", as grades are, and every event counts as liked"
        return f"{found}; add `liked_at_least: {threshold:g}`, or another value from which an item is liked"


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", " ", column).lower()


def _is_graded(counts: Counter[float], column: str) -> bool:
    name = _plain(column)
    values = np.array(sorted(counts))
    numbers = np.array([counts[value] for value in values.tolist()])
    if len(values) < 2 or _AMOUNTS.search(name) or not _on_a_scale(values):
        return False
    grades = _GRADES.search(name) is not None
    if _is_a_count(values, numbers, least_share=0.5 if grades else 0.35):
        return False
    return bool(values[-1] <= 10) or grades or _is_percent(values)


def _on_a_scale(values: npt.NDArray[np.float64]) -> bool:
    """Whether the values are multiples of a usual step of a scale that ends at 100 or before."""
    steps = _STEPS if values[-1] <= 10 else (1.0, 0.5)
    fit = (np.allclose(values / step, np.round(values / step), atol=1e-6) for step in steps)
    return bool(values[-1] <= 100) and any(fit)


def _is_a_count(values: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], least_share: float) -> bool:
    """Whether most of the values are 1, at least `least_share`, and the others are larger and rarer."""
    numbers, values = numbers[values > 0], values[values > 0]
    if (values % 1).any() or values[0] != 1 or len(values) < 2:
        return False
    share, more = numbers[0] / numbers.sum(), numbers[1:]
    if len(more) == 1:
        return bool(share >= (0.5 if values[1] == 2 else 0.8))
    half = (len(more) + 1) // 2
    return bool(
        share >= least_share and numbers[0] == numbers.max() and more[half:].sum() <= 1.5 * more[:half].sum()
    )


def _is_percent(values: npt.NDArray[np.float64]) -> bool:
    """Whether values of more than 10 are percentages: tens or fives to 100, or many numbers from 0 to 100."""
    if values[-1] != 100:
        return False
    return bool(len(values) >= 5 and not (values % 5).any()) or bool(len(values) >= 20 and values[0] == 0)
