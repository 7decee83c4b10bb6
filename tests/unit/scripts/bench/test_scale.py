from scripts.bench.scale import lines, slope
from scripts.bench.stages import StageMeter


def row(edges, *stages):
    names = ("name", "seconds", "gib")
    return {
        "edges": edges,
        "users": 1,
        "items": 2,
        "stages": [dict(zip(names, stage, strict=True)) for stage in stages],
    }


def test_a_slope_is_the_exponent_of_growth():
    assert slope(2.0, 20.0, 10.0) == "1.00"
    assert slope(2.0, 18.0, 9.0) == "1.00"
    assert slope(3.0, 12.0, 16.0) == "0.50"  # 16^.5 = 4
    assert slope(1.0, 100.0, 10.0) == "2.00"
    assert slope(0.0, 1.0, 10.0) == slope(1.0, 2.0, 1.0) == ""


def test_the_table_has_slopes_from_the_row_before():
    small = row(100, ("knowledge-graph embedding", 1.0, 0.5), ("ranker", 2.0, 1.0), ("short", 0.05, 1.0))
    large = row(1000, ("knowledge-graph embedding", 100.0, 0.5), ("ranker", 20.0, 1.0), ("short", 5.0, 10.0))
    assert [line.split() for line in lines([small])][2:] == [
        ["knowledge-graph", "embedding", "1.0", "0.50"],
        ["ranker", "2.0", "1.00"],
        ["short", "0.1", "1.00"],
    ]
    head, _, *rest = lines([small, large])
    assert head == "1,000 edges, 1 users, 2 items"
    assert [line.split() for line in rest] == [
        ["knowledge-graph", "embedding", "100.0", "2.00", "0.50", "0.00"],
        ["ranker", "20.0", "1.00", "1.00", "0.00"],
        ["short", "5.0", "10.00", "1.00"],
    ]
    assert rest[0].startswith("  knowledge")
    assert rest[1].startswith("ranker")


def test_a_stage_takes_from_the_end_of_the_one_before():
    """The stages a and b end at 4 and 9; inner, within a, takes from 2 to 3.5; als is not measured."""
    times = iter([0.0, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0, 4.0, 8.0, 9.0, 9.0])
    meter = StageMeter(("inner",), lambda: next(times))
    for stage, done, total in (
        ("a", 0, 2),
        ("inner", 0, 1),
        ("als", 1, 1),
        ("inner", 1, 1),
        ("a", 2, 2),
        ("b", 1, 1),
    ):
        meter(stage, done, total)
    assert [(stage.name, stage.seconds) for stage in meter.stages] == [("inner", 1.5), ("a", 4.0), ("b", 5.0)]
    assert all(stage.gib > 0 for stage in meter.stages)
