"""`trailmix bench published` on a small folder of KGAT's layout, and the table of published figures."""

import json

import pytest
from typer.testing import CliRunner

from embeddings.evaluation.kgat_split import PaperMetrics
from scripts import main
from scripts.bench.published import sources, table_lines
from scripts.bench.published_figures import PUBLISHED, published_on

OWN = {"ease": PaperMetrics(0.1, 0.05, 0.0725)}


@pytest.fixture
def folder(tmp_path):
    """Twelve users like the six items of their parity but two: one of them is their test item."""
    lines = {"train.txt": [], "test.txt": []}
    for user in range(12):
        own = [2 * n + user % 2 for n in range(6)]
        test, kept = own.pop(user // 2), own
        kept.pop((user // 2 + 2) % 5)
        lines["train.txt"].append(" ".join(map(str, (user, *kept))))
        lines["test.txt"].append(f"{user} {test}")
    lines["kg_final.txt"] = [f"{item} 0 {12 + item % 2}" for item in range(12)]
    for name, own in lines.items():
        (tmp_path / name).write_text("\n".join(own) + "\n", encoding="utf-8")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main.app, ["bench", "published", *map(str, arguments)])


def test_a_folder_is_measured(folder) -> None:
    """Of the 12 items 8 are not in training, and all fit into the first 20: everything is found."""
    ended = run(folder, "--scorer", "ease", "--scorer", "popularity")
    assert ended.exit_code == 0, ended.output
    assert "12 users, 12 items, 12 facts, 48 training and 12 test events" in ended.output
    ease = next(line.split() for line in ended.output.splitlines() if line.startswith("ease"))
    assert ease[1] == "1.0000"
    assert 0 < float(ease[2]) == float(ease[3]) <= 1, "one test item each: both definitions agree"
    assert "No figures are known" in ended.output


def test_json(folder) -> None:
    found = json.loads(run(folder, "--scorer", "ease", "--json").stdout)
    assert (found["data"], found["users"], found["test_events"]) == (None, 12, 12)
    assert found["measured"]["ease"]["recall"] == 1.0
    assert found["published"] == []


def test_published_figures_stand_under_their_own_definition() -> None:
    """KGAT's NDCG is of its own definition, KGIN's of the other."""
    amazon = published_on((70_679, 24_915, 652_514, 193_920))
    assert amazon is not None
    assert amazon.name == "Amazon-Book"
    assert table_lines(OWN, amazon)[:3] == [
        ["ease", "0.1000", "0.0500", "0.0725", "this run"],
        ["KGAT", "0.1503", "-", "0.1016", "published"],
        ["KGIN", "0.1688", "0.0915", "-", "published"],
    ]
    assert sources(amazon)[1].startswith("KGAT: github.com/xiangwang1223/")


def test_another_split_of_the_same_data_has_no_published_figures() -> None:
    assert published_on((70_679, 24_915, 652_513, 193_921)) is None
    assert table_lines(OWN, None) == [["ease", "0.1000", "0.0500", "0.0725", "this run"]]


def test_every_figure_has_a_source_and_is_possible() -> None:
    figures = [figure for data in PUBLISHED for figure in data.figures]
    assert all(figure.source.startswith("github.com/") for figure in figures)
    assert all(0 < figure.recall < 1 and 0 < figure.ndcg < 1 for figure in figures)
    assert len({data.counts for data in PUBLISHED}) == len(PUBLISHED)
