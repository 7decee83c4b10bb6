"""`trailmix evaluate --reranking`: lists put together by each criterion at several strengths."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embeddings.evaluation.experiment import Experiment
from embeddings.evaluation.reranking import LENGTHS, RANKING, Curves, Point, reranking_curves
from embeddings.model.stated_preferences import StatedPreferences
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.progress import Report
from scripts.plots import curve_picture
from scripts.report import as_json, print_table, ratio

HEADINGS = {
    "diversity": "diversity",
    "diversity_graph": "by graph",
    "diversity_text": "by text",
    "diversity_facts": "by facts",
    "diversity_facet": "by facet",
    "miscalibration": "miscalibration",
    "novelty": "novelty",
}
"""The measures of a list beside NDCG, in the order of the columns."""


def measure_reranking(
    experiment: Experiment, config: TrainingConfig, facet: str | None, seed: int, report: Report
) -> list[Curves]:
    """The curves of each trial; the model learns once from each dataset."""
    fitted: dict[int, StatedPreferences] = {}
    found = []
    for trial in experiment.trials:
        dataset = trial.test.dataset
        if id(dataset) not in fitted:
            two_stage = fit(dataset, config, seed, report)
            fitted[id(dataset)] = StatedPreferences(two_stage, dataset.links, config.stated_preferences)
        found.append(reranking_curves(trial.name, trial.test, fitted[id(dataset)], facet, seed))
    return found


def print_curves(curves: Sequence[Curves]) -> None:
    """One table for each trial and length of the lists."""
    for one in curves:
        for k in LENGTHS:
            points = [point for point in one.points if point.k == k]
            shown = [name for name in HEADINGS if name in points[0].values]
            names = [HEADINGS[name] for name in shown]
            headings = ["", "strength", "NDCG", f"/ {RANKING}", *names, "coverage"]
            print_table(_title(one, k), headings, [_line(point, shown) for point in points])


def _title(curves: Curves, k: int) -> str:
    facet = f"; facet {curves.facet}" if curves.facet else ""
    return f"{curves.trial}: {curves.users:,} users, first {k}; against the {RANKING}, 95 % intervals{facet}"


def _line(point: Point, shown: Sequence[str]) -> list[str]:
    ndcg = f"ndcg@{point.k}"
    start = [point.criterion, f"{point.strength:g}", f"{point.values[ndcg].value:.4f}"]
    versus = ratio(point.ratios.get(ndcg))
    return [*start, versus, *(_measured(point, name) for name in shown), f"{point.coverage:.4f}"]


def _measured(point: Point, name: str) -> str:
    """The mean of the ranking itself, else the ratio to it."""
    return ratio(point.ratios[name]) if point.ratios else f"{point.values[name].value:.4f}"


def write_curves(
    about: dict[str, Any], curves: Sequence[Curves], json: Path | None, plots: Path | None
) -> None:
    """Every figure as JSON, and one plot for each trial and length of the lists."""
    if json:
        json.write_text(as_json({**about, "trials": [asdict(one) for one in curves]}), encoding="utf-8")
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        for one in curves:
            for k in LENGTHS:
                (plots / f"{one.trial}-reranking-{k}.png").write_bytes(curve_picture(one, k))
