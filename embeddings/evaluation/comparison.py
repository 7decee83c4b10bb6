"""From what was measured to what is told: all figures of a trial, with intervals, beside a baseline."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np

from embeddings.evaluation.beyond_accuracy import Catalogue, beyond_accuracy
from embeddings.evaluation.bootstrap import Comparison, Interval, compare, mean_interval
from embeddings.evaluation.metrics import Ranking
from embeddings.evaluation.trials import Result, Trial
from kg.errors import UsageError
from kg.graph import BoolArray, IntArray


@dataclass(frozen=True)
class Group:
    """Users with histories of similar length."""

    name: str
    users: int
    ndcg: Interval
    versus: Comparison | None
    """Against the same users under the baseline."""


@dataclass(frozen=True)
class Row:
    """One method in one trial."""

    method: str
    config: dict[str, Any]
    metrics: dict[str, float]
    """Accuracy, then beyond it; means over the users."""
    ndcg: Interval
    versus: Comparison | None
    """NDCG against the baseline; None for the baseline itself."""
    groups: tuple[Group, ...]
    parts: dict[str, dict[str, float]]
    """Accuracy by less that is relevant."""


@dataclass(frozen=True)
class Table:
    """All methods in one trial."""

    trial: str
    users: int
    k: int
    baseline: str
    facet: str
    """The relation whose kinds miscalibration is about; empty where there is none."""
    rows: tuple[Row, ...]


def tabulate(
    trial: Trial,
    results: Sequence[Result],
    ours: str,
    against: str | None = None,
    facet: str | None = None,
    seed: int = 0,
) -> Table:
    """Every figure of one trial; `results` have the same users in the same order.

    The baseline is `against`, else the method other than `ours` with the best NDCG. `facet` is as for
    `Catalogue.of`; `seed` draws the users again.

    Raises:
        UsageError: `against` was not measured, or no relation is called `facet`.
    """
    baseline = _baseline(results, ours, against)
    catalogue = Catalogue.of(trial.test.dataset, facet)
    rows = tuple(_row(trial, result, baseline, catalogue, seed) for result in results)
    first = results[0].ranking
    return Table(trial.name, len(first.users), first.k, baseline.name, catalogue.facet_name, rows)


def _baseline(results: Sequence[Result], ours: str, against: str | None) -> Result:
    if against is None:
        others = [r for r in results if r.name != ours] or results
        return max(others, key=lambda r: r.ranking.means()[_ndcg(r.ranking)])
    for result in results:
        if result.name == against:
            return result
    names = ", ".join(r.name for r in results)
    raise UsageError(f"--against: {against!r} is not measured; there are {names}")


def _row(trial: Trial, result: Result, baseline: Result, catalogue: Catalogue, seed: int) -> Row:
    ranking, task = result.ranking, trial.test
    n_candidates = task.dataset.n_items if task.candidates is None else len(task.candidates)
    beyond = beyond_accuracy(ranking, task.histories, catalogue, n_candidates)
    same = result is baseline
    return Row(
        method=result.name,
        config=asdict(result.config) if is_dataclass(result.config) else {},  # type: ignore[arg-type]
        metrics={**ranking.means(), **beyond},
        ndcg=mean_interval(ranking.values[_ndcg(ranking)], seed),
        versus=None if same else _compare(ranking, baseline, np.ones(len(ranking.users), np.bool_), seed),
        groups=tuple(
            Group(
                name,
                int(mask.sum()),
                mean_interval(ranking.values[_ndcg(ranking)][mask], seed),
                None if same else _compare(ranking, baseline, mask, seed),
            )
            for name, mask in groups_by_history(task.histories.lengths[ranking.users]).items()
        ),
        parts={name: part.means() for name, part in result.parts.items()},
    )


def _compare(ranking: Ranking, baseline: Result, mask: BoolArray, seed: int) -> Comparison:
    name = _ndcg(ranking)
    mine, theirs = ranking.values[name][mask], baseline.ranking.values[name][mask]
    return compare(mine, theirs, baseline.name, seed)


def _ndcg(ranking: Ranking) -> str:
    return f"ndcg@{ranking.k}"


def groups_by_history(lengths: IntArray) -> dict[str, BoolArray]:
    """Thirds of the users by how many events are known of them; fewer groups where lengths are equal.

    `lengths` is int64, one a user; the masks, bool, are in the same order and named by their range.
    """
    if not len(lengths):
        return {}
    third = np.searchsorted(np.quantile(lengths, [1 / 3, 2 / 3], method="lower"), lengths, side="left")
    groups = {}
    for mask in (third == n for n in range(3)):
        if mask.any():
            low, high = int(lengths[mask].min()), int(lengths[mask].max())
            groups[f"{low}-{high} events" if low < high else f"{low} events"] = mask
    return groups
