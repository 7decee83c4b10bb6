from scripts.bench.scale import growth


def test_growth_is_from_the_row_before():
    rows = [{"seconds": 2.0, "gib": 1.0}, {"seconds": 21.0, "gib": 1.5}]
    assert growth(rows[:1]) == ("", "")
    assert growth(rows) == ("10.5", "1.5")
