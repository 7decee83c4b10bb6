"""Writes recommended lists as TSV, so that anyone can score and compare them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embeddings.evaluation.experiment import ExperimentResults
from embeddings.evaluation.metrics import Ranking

DEPTH = 100
"""How many items of each user are written."""


def write_lists(folder: Path, results: ExperimentResults) -> None:
    """Write TRIAL.tsv (user item rank ranking_score) for each trial and method.

    The first method's lists lie in `folder` itself, those of each other method in a subfolder of its name.
    """
    experiment = results.experiment
    for place, measured in enumerate(results.methods):
        target = folder / measured[0].name if place else folder
        target.mkdir(parents=True, exist_ok=True)
        for trial, result in zip(experiment.trials, measured, strict=True):
            content = lists_tsv(result.ranking, experiment.users, experiment.items)
            (target / f"{trial.name}.tsv").write_text(content, encoding="utf-8")


def lists_tsv(ranking: Ranking, users: Sequence[str], items: Sequence[str]) -> str:
    """The first 100 of every list that was ranked so deep; ranks count from 1.

    Scores have nine digits, so that the rounded ones of `trailmix recommend` follow from the file.
    """
    top = ranking.top[:, :DEPTH]
    lines = ["user\titem\trank\tranking_score"]
    for row, place in zip(*np.nonzero(top >= 0), strict=True):
        user, item = users[ranking.users[row]], items[top[row, place]]
        lines.append(f"{user}\t{item}\t{place + 1}\t{ranking.scores[row, place]:.9g}")
    return "\n".join(lines) + "\n"
