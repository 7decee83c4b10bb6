"""How a row of `trailmix bench ablation` reads."""

from dataclasses import replace

from embeddings.evaluation.bootstrap import Comparison, Interval
from embeddings.evaluation.comparison import Row
from scripts.bench.ablation import line


def test_a_row_reads() -> None:
    versus = Comparison("trailmix", Interval(-0.02, -0.03, 0.01), Interval(0.9, 0.85, 1.05))
    row = Row(
        "without x", {}, {}, Interval(0.18, 0.17, 0.19), versus, (), {"old items": {"ndcg@20": 0.5}}, {}
    )
    figures = ["0.1800", "0.1700 to 0.1900", "0.900", "0.850 to 1.050", "-0.0200", "-0.0300 to +0.0100"]
    assert line(row, ["old items"], 20) == ["without x", *figures, "0.5000"]
    whole = replace(row, method="trailmix", versus=None)
    assert line(whole, [], 20) == ["trailmix", *figures[:2], "", "", "", ""]
