"""Curves of reranked lists on stdout, as JSON and as plots."""

import json

import pytest
from typer.testing import CliRunner

from embeddings.evaluation.bootstrap import Comparison, Interval
from embeddings.evaluation.reranking import Curves, Point
from scripts.main import app
from scripts.reranking import print_curves, write_curves

RATIO = Comparison("ranking", Interval(0.1, 0.0, 0.2), Interval(1.25, 1.2, 1.3))


def point(criterion: str, strength: float, k: int) -> Point:
    values = {f"ndcg@{k}": Interval(0.5, 0.4, 0.6), "diversity": Interval(0.75, 0.7, 0.8)}
    ratios = {} if criterion == "ranking" else dict.fromkeys(values, RATIO)
    return Point(criterion, strength, k, values, ratios, 0.125)


CURVES = Curves(
    "next",
    1234,
    "HAS_GENRE",
    tuple(
        point(*own, k) for k in (10, 20) for own in (("ranking", 0.0), ("random", 0.0), ("diversity", 0.5))
    ),
)


def test_one_table_for_each_length(capsys: pytest.CaptureFixture[str]) -> None:
    print_curves([CURVES])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == ("next: 1,234 users, first 10; against the ranking, 95 % intervals; facet HAS_GENRE")
    assert lines[2].split() == ["strength", "NDCG", "/", "ranking", "diversity", "coverage"]
    assert lines[3].split() == ["ranking", "0", "0.5000", "baseline", "0.7500", "0.1250"]
    measured = ["1.250", "(1.200-1.300)"]
    assert lines[5].split() == ["diversity", "0.5", "0.5000", *measured, *measured, "0.1250"]
    assert lines[7].startswith("next: 1,234 users, first 20")


def test_files(tmp_path) -> None:
    write_curves({"seed": 3}, [CURVES], tmp_path / "all.json", tmp_path / "plots")
    content = json.loads((tmp_path / "all.json").read_text())
    assert content["seed"] == 3
    assert content["trials"][0]["points"][2]["ratios"]["diversity"]["ratio"]["value"] == 1.25
    names = [f"next-reranking-{k}.png" for k in (10, 20)]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == names
    assert all((tmp_path / "plots" / name).read_bytes().startswith(b"\x89PNG") for name in names)


@pytest.mark.parametrize("option", [("--scorer", "ease"), ("--against", "ease"), ("--html", "page.html")])
def test_options_for_methods_are_refused(option: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["evaluate", "--reranking", *option])
    assert result.exit_code != 0
    assert f"{option[0]} is for methods" in str(result.exception) + result.output
