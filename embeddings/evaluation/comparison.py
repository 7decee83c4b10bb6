"""Comparison tables: the metrics of all methods in a trial, with intervals and ratios to a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any

import numpy as np

from embeddings.evaluation.beyond_accuracy import Catalogue, beyond_accuracy
from embeddings.evaluation.bootstrap import Comparison, Interval, compare, mean_interval
from embeddings.evaluation.metrics import Ranking
from embeddings.evaluation.reliability import Reliability
from embeddings.evaluation.trials import Result, Trial
from embeddings.model.config import ModelConfig
from kg.errors import UsageError
from kg.graph import BoolArray, IntArray


@dataclass(frozen=True)
class Group:
    """Users with histories of similar length."""

    name: str
    users: int
    ndcg: Interval
    versus: Comparison | None
    """NDCG compared with the baseline on the same users; None for the baseline itself."""


@dataclass(frozen=True)
class Row:
    """One method in one trial."""

    method: str
    config: dict[str, Any]
    metrics: dict[str, float]
    """Means over the users: accuracy metrics, then beyond-accuracy metrics."""
    ndcg: Interval
    versus: Comparison | None
    """NDCG compared with the baseline; None for the baseline itself."""
    groups: tuple[Group, ...]
    parts: dict[str, dict[str, float]]
    """Accuracy metrics by part of the trial; a part is a subset of the relevant items."""
    versus_by_part: dict[str, Comparison | None]
    """NDCG by part compared with that part's own baseline; None for the baseline itself."""
    reliability: Mapping[int, Reliability] = field(default_factory=dict)
    """As `Ranking.reliability`."""


@dataclass(frozen=True)
class Table:
    """All methods in one trial."""

    trial: str
    users: int
    left_out: int
    """How many users were not measured, because too little is known of them."""
    k: int
    baseline: str
    facet: str
    """The relation that miscalibration is computed over; empty if there is none."""
    rows: tuple[Row, ...]


def tabulate(
    trial: Trial,
    results: Sequence[Result],
    ours: str,
    against: str | None = None,
    facet: str | None = None,
    seed: int = 0,
) -> Table:
    """The table of one trial; all `results` must have the same users in the same order.

    The baseline is `against`, else the method other than `ours` with the best NDCG, of the whole and of each
    part. `facet` is as for `Catalogue.of`; `seed` is the seed of the bootstrap.

    Raises:
        UsageError: `results` has no method `against`, or the dataset has no relation `facet`.
    """
    baseline = _baseline(results, ours, against)
    catalogue = Catalogue.of(trial.test.dataset, facet)
    by_part = _versus_by_part(results, ours, against, seed)
    rows = tuple(_row(trial, result, baseline, catalogue, by_part[result.name], seed) for result in results)
    first = results[0].ranking
    return Table(
        trial.name,
        len(first.users),
        trial.test.left_out,
        first.k,
        baseline.name,
        catalogue.facet_name,
        rows,
    )


def _baseline(results: Sequence[Result], ours: str, against: str | None) -> Result:
    if against is None:
        others = [r for r in results if r.name != ours] or results
        return max(others, key=lambda r: r.ranking.means()[_ndcg(r.ranking)])
    for result in results:
        if result.name == against:
            return result
    names = ", ".join(r.name for r in results)
    raise UsageError(f"--against: {against!r} is not measured; there are {names}")


def _versus_by_part(
    results: Sequence[Result], ours: str, against: str | None, seed: int
) -> dict[str, dict[str, Comparison | None]]:
    """By method and part of the trial, the comparison with the part's baseline."""
    found: dict[str, dict[str, Comparison | None]] = {result.name: {} for result in results}
    for part in results[0].parts:
        own = [replace(result, ranking=result.parts[part]) for result in results]
        baseline = _baseline(own, ours, against)
        for result in own:
            everyone = np.ones(len(result.ranking.users), np.bool_)
            versus = None if result is baseline else _compare(result.ranking, baseline, everyone, seed)
            found[result.name][part] = versus
    return found


def _row(
    trial: Trial,
    result: Result,
    baseline: Result,
    catalogue: Catalogue,
    versus_by_part: dict[str, Comparison | None],
    seed: int,
) -> Row:
    ranking, task = result.ranking, trial.test
    n_candidates = task.dataset.n_items if task.candidates is None else len(task.candidates)
    beyond = beyond_accuracy(ranking, task.histories, catalogue, n_candidates)
    same = result is baseline
    return Row(
        method=result.name,
        config=_config_values(result.config),
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
        versus_by_part=versus_by_part,
        reliability=ranking.reliability,
    )


def _config_values(config: Any) -> dict[str, Any]:
    """A configuration as a dictionary; empty if it is not a dataclass."""
    if isinstance(config, ModelConfig):
        return config.as_dict()
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def _compare(ranking: Ranking, baseline: Result, mask: BoolArray, seed: int) -> Comparison:
    name = _ndcg(ranking)
    mine, theirs = ranking.values[name][mask], baseline.ranking.values[name][mask]
    return compare(mine, theirs, baseline.name, seed)


def _ndcg(ranking: Ranking) -> str:
    return f"ndcg@{ranking.k}"


def groups_by_history(lengths: IntArray) -> dict[str, BoolArray]:
    """Masks of three groups of users by terciles of history length; fewer groups if terciles coincide.

    `lengths` is int64 [users]. Each mask is bool [users]; its key names the range of lengths.
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
