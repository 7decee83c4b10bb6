"""Exports recommended lists as TSV, so that anyone can score and compare them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from embeddings.evaluation.metrics import Ranking
from embeddings.evaluation.trials import Result, Trial

DEPTH = 100
"""How many items of each user are exported."""


def export_lists(
    folder: Path,
    trials: Sequence[Trial],
    methods: Iterable[Sequence[Result]],
    users: Sequence[str],
    items: Sequence[str],
) -> None:
    """Write TRIAL.tsv (user item rank score) for each trial and method.

    The first method's lists lie in `folder` itself, those of each other in a folder of its name beneath.
    `methods` has one result a trial for each method; `users` and `items` are the ids to write.
    """
    for place, results in enumerate(methods):
        target = folder / results[0].name if place else folder
        target.mkdir(parents=True, exist_ok=True)
        for trial, result in zip(trials, results, strict=True):
            (target / f"{trial.name}.tsv").write_text(
                lists_tsv(result.ranking, users, items), encoding="utf-8"
            )


def lists_tsv(ranking: Ranking, users: Sequence[str], items: Sequence[str]) -> str:
    """The first 100 of every list that was ranked so deep; ranks count from 1.

    Nine digits: the score that `trailmix recommend` rounds can be worked out from the file.
    """
    top = ranking.top[:, :DEPTH]
    lines = ["user\titem\trank\tscore"]
    for row, place in zip(*np.nonzero(top >= 0), strict=True):
        user, item = users[ranking.users[row]], items[top[row, place]]
        lines.append(f"{user}\t{item}\t{place + 1}\t{ranking.scores[row, place]:.9g}")
    return "\n".join(lines) + "\n"
