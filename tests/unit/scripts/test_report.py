"""Comparisons on stdout, as JSON and as files: tables, lists, plots and a page."""

import json
import math
import re
from dataclasses import replace

import pytest

from embeddings.evaluation.experiment import ndcg_by_user
from scripts.lists import write_lists
from scripts.page import page
from scripts.plots import pictures
from scripts.report import print_tables, tables_json

OURS_NDCG = (1 + 1 / math.log2(3) + 1 / math.log2(4)) / 3
RANDOM_NDCG = (1 / math.log2(3) + 1 / math.log2(4) + 0) / 3


def test_plain_tables(table, capsys) -> None:
    print_tables([table])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("random: 3 users, first 3; against random")
    assert lines[2].split()[:3] == ["NDCG", "recall", "prec."]
    assert lines[3].split()[:3] == ["trailmix", f"{OURS_NDCG:.4f}", "1.0000"]
    assert lines[4].split()[:3] == ["random", f"{RANDOM_NDCG:.4f}", "0.6667"]


def test_a_trial_and_its_parts_are_in_one_table(table, capsys) -> None:
    """The part has the relevant items of the whole, so its figures and ratios are those of the whole."""
    print_tables([table])
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("random, the same lists by what is relevant: all, old <items>")
    headings = " ".join(lines[start + 1].split())
    assert headings == "all: NDCG / random old <items>: NDCG / random recall hit MRR"
    ours, other = lines[start + 2].split(), lines[start + 3].split()
    figure, value = f"{OURS_NDCG:.4f}", f"{OURS_NDCG / RANDOM_NDCG:.3f}"
    assert ours[:3] == ["trailmix", figure, value]
    assert ours[4:6] == [figure, value]
    assert ours[7:] == ["1.0000", "1.0000", f"{(1 + 1 / 2 + 1 / 3) / 3:.4f}"]
    assert other[:5] == ["random", f"{RANDOM_NDCG:.4f}", "baseline", f"{RANDOM_NDCG:.4f}", "baseline"]


def test_the_calibration_error_is_shown_of_the_methods_that_have_one(table, capsys) -> None:
    ours, other = table.rows
    known = replace(ours, metrics={**ours.metrics, "ece@3": 0.0123})
    print_tables([replace(table, rows=(other, known))])
    headings, first, second = capsys.readouterr().out.splitlines()[2:5]
    end = headings.index("ECE") + len("ECE")
    assert first[end - 6 : end].strip() == ""
    assert second[end - 6 : end] == "0.0123"


def test_json_has_everything_and_no_infinities(table, results) -> None:
    content = json.loads(tables_json({"seed": 3}, [table], ndcg_by_user(results)), parse_constant=pytest.fail)
    assert content["seed"] == 3
    trial = content["trials"][0]
    assert trial["rows"][0]["metrics"]["ndcg@3"] == pytest.approx(OURS_NDCG)
    assert trial["rows"][0]["config"]["regularisation"] == 200.0
    assert trial["per_user"]["users"] == ["u1", "u2", "u3"]
    assert trial["per_user"]["ndcg"]["random"] == pytest.approx([0.63093, 0.5, 0.0], abs=1e-6)


def test_plots(table) -> None:
    drawn = pictures(table)
    assert list(drawn) == [f"random-{name}.png" for name in ("ndcg", "groups", "popularity")]
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())


def test_a_page_that_needs_nothing_else(table) -> None:
    html = page({"seed": 3, "benchmark": "<films>"}, [table])
    assert html.count("data:image/png;base64,") == 3
    assert "<p>seed 3, benchmark &lt;films&gt;</p>" in html
    assert "<h3>random, the same lists by what is relevant: all, old &lt;items&gt;</h3>" in html
    assert "<th>old &lt;items&gt;: NDCG</th><th>/ random</th>" in html
    assert f"<tr><td>trailmix</td><td>{OURS_NDCG:.4f}</td><td>1.0000</td>" in html
    assert html.count("<table>") == html.count("</table>") == 3
    assert not re.search(r"https?:|<films>|\{\{|\{%", html)


def test_lists_score_as_the_table_says(table, results, tmp_path) -> None:
    """NDCG worked out from the files alone: rank, user, item and what is relevant."""
    write_lists(tmp_path, results)
    relevant = {"u1": "m8", "u2": "m7", "u3": "m6"}
    for row, file in zip(table.rows, ("random.tsv", "random/random.tsv"), strict=True):
        header, *lines = (tmp_path / file).read_text().splitlines()
        assert header == "user\titem\trank\tranking_score"
        gained = dict.fromkeys(relevant, 0.0)
        for line in lines:
            user, item, rank, _score = line.split("\t")
            if relevant[user] == item and int(rank) <= 3:
                gained[user] += 1 / math.log2(int(rank) + 1)
        assert sum(gained.values()) / 3 == pytest.approx(row.ndcg.value, abs=1e-6)
