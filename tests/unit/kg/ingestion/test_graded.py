"""Values that grade, and healthy values that must not be taken for grades."""

import numpy as np
import pytest

from kg.ingestion.graded import ValueCounts


def threshold(values, column="value"):
    counts = ValueCounts()
    for part in np.array_split(np.array(values, np.float64), 3):
        counts.add(part)
    return counts.threshold(column)


def times(**counts):
    """The values v1, v2, ... as often as given; a point is written p."""
    return [float(v[1:].replace("p", ".")) for v, n in counts.items() for _ in range(n)]


GRADES = {
    "one to five": (times(v1=6, v2=11, v3=27, v4=34, v5=22), 4),  # from 1 + 0.7 * 4 = 3.8
    "half stars": (times(v0p5=2, v1=3, v3p5=20, v4=25, v4p5=9, v5=8), 4),  # from 0.5 + 0.7 * 4.5 = 3.65
    "one to ten": (times(v1=3, v5=9, v7=15, v8=20, v10=12), 8),  # from 1 + 0.7 * 9 = 7.3
    "one to ten with zero for none": (times(v0=60, v5=10, v7=9, v8=20, v10=10), 7),
    "percent in tens": (times(v0=2, v20=3, v40=9, v60=9, v80=5, v100=4), 70),
    "percent": (list(range(101)), 70),
    "thumbs": (times(v0=3, v1=9), 1),
    "two and five": (times(v2=8, v5=20), 5),
    "loved or hated": (times(v1=55, v2=5, v3=5, v4=10, v5=25), 4),
}


@pytest.mark.parametrize("case", GRADES)
def test_grades_get_a_threshold(case):
    values, expected = GRADES[case]
    assert threshold(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1, 1, 1], 1),
        ([-1, 0, 1], 1),
        ([-2, -1, 1, 2], 1),
        ([-10, -3.5, 0.25, 9], 0.25),
        ([-1, 1, 2, 7], 1),  # quantities with returns
        ([x / 10 for x in range(-95, 99)], 5),  # half of 9.8, rounded
        ([-1, -1, 0], np.inf),
    ],
)
def test_negative_values_get_the_least_positive_one(values, expected):
    assert threshold(values) == expected


def test_amounts_with_returns_get_the_least_positive_one():
    amounts = [*range(-300, 0), *range(5, 300)]
    assert threshold(amounts, "amount") == 5
    assert threshold(amounts, "value") == 100  # half of 299, rounded
    assert threshold([*range(-3, 0), *range(5, 300)]) == 5


HEALTHY = {
    "ones": times(v1=50),
    "fives": times(v5=50),
    "quantities": times(v1=80, v2=12, v3=5, v5=3),
    "quantities to three": times(v1=60, v2=20, v3=22),
    "one or two": times(v1=70, v2=30),
    "plays": [1] * 500 + [2] * 200 + [3] * 100 + [7] * 40 + [90] * 5 + [4000],
    "plays of some": times(v1=40, v2=25, v3=15, v4=10, v5=5, v9=2),
    "prices": times(v4p99=30, v9p99=20, v14p5=10, v3p25=4),
    "whole prices": times(v5=9, v12=8, v15=20, v29=9, v60=9, v99=3),
    "large numbers": list(range(0, 2000, 7)),
    "continuous": list(np.linspace(0, 5, 500)),
    "four events": [1, 3, 4, 5],
    "none": [],
}


@pytest.mark.parametrize("case", HEALTHY)
def test_counts_and_prices_get_none(case):
    assert threshold(HEALTHY[case]) is None


def test_the_name_of_the_column_decides_where_the_values_allow_both():
    few = times(v1=45, v2=30, v3=15, v4=6, v5=4)  # 45 % ones
    assert threshold(few, "value") is None
    assert threshold(few, "starRating") == 4
    whole = times(v8=5, v12=9, v14=9, v16=5, v19=3)
    assert threshold(whole, "value") is None
    assert threshold(whole, "score_of_20") == 16  # from 8 + 0.7 * 11 = 15.7
    five = times(v1=20, v2=20, v3=20, v4=20, v5=20)
    assert threshold(five, "value") == 4
    assert threshold(five, "unit_price") is None
    assert threshold(five, "Quantity") is None
