"""Experiments: several methods measured in the same trials, of a graph or of a benchmark folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from embeddings.data.dataset import Dataset
from embeddings.data.splits import EventSplit, future_split, next_split, random_split
from embeddings.evaluation.comparison import Table, tabulate
from embeddings.evaluation.protocols import PROTOCOLS, BenchmarkTrials, hidden_users_trial
from embeddings.evaluation.stated_likes import STATED_LIKES
from embeddings.evaluation.trials import (
    COMPARED,
    METHODS,
    OURS,
    Method,
    Result,
    Trial,
    measure_method,
    named_method,
    split_tasks,
)
from embeddings.graph.configs import KgeModel, with_kge
from embeddings.text.encoder import TextEncoder
from kg.adapters.benchmark import Benchmark
from kg.errors import DataError, MissingDataError, UsageError
from kg.graph import GraphSnapshot, Interactions
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class Experiment:
    """The trials in which methods are measured."""

    trials: Sequence[Trial]
    users: Sequence[str]
    """The id of each user."""
    items: Sequence[str]
    """The id of each item."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why other protocols were left out, by name."""


@dataclass(frozen=True, eq=False)
class ExperimentResults:
    """The results of all methods in all trials of an experiment."""

    experiment: Experiment
    methods: Sequence[Sequence[Result]]
    """For each method, one result per trial."""

    def by_trial(self) -> list[tuple[Trial, list[Result]]]:
        """Each trial with one result per method."""
        return [
            (trial, [results[n] for results in self.methods])
            for n, trial in enumerate(self.experiment.trials)
        ]


SPLITS: Mapping[str, Callable[[Interactions, int], EventSplit]] = {
    "random": random_split,
    "next": next_split,
    "future": lambda events, _: future_split(events),
}
"""What may be held out of a graph, by name: from its interactions and a seed."""


def graph_experiment(
    snapshot: GraphSnapshot, encoder: TextEncoder, split: str, seed: int, report: Report = silent
) -> Experiment:
    """One trial on the graph; `split` is one of `SPLITS`, or `stated_likes`.

    Raises:
        UsageError: `split` is unknown.
        MissingDataError: `split` needs times, and an event has none; or facts, and there are too few.
    """
    if split not in (*SPLITS, STATED_LIKES):
        raise UsageError(f"no split is called {split!r}; there are {', '.join((*SPLITS, STATED_LIKES))}")
    whole = Dataset.from_snapshot(snapshot, encoder.encode(snapshot.texts, report))
    trial = (
        hidden_users_trial(whole, seed)
        if split == STATED_LIKES
        else Trial(split, *split_tasks(whole, SPLITS[split](snapshot.interactions, seed)))
    )
    return Experiment([trial], snapshot.users.ids, snapshot.items.ids)


def benchmark_experiment(
    folder: Path, encoder: TextEncoder, protocol: str, seed: int, report: Report = silent
) -> Experiment:
    """The trials of a benchmark folder under one protocol.

    If `protocol` is "all", under every protocol that the folder has the data for; the others are left out.

    Raises:
        UsageError: `protocol` is unknown.
        MissingDataError: the folder lacks what the protocol reads, or what every protocol reads.
    """
    if protocol not in ("all", *PROTOCOLS):
        raise UsageError(f"no protocol is called {protocol!r}; there are all, {', '.join(PROTOCOLS)}")
    benchmark = Benchmark(folder)
    trials = BenchmarkTrials(benchmark, encoder.encode(benchmark.snapshot.texts, report), seed)
    found, left_out = [], {}
    for name in PROTOCOLS if protocol == "all" else (protocol,):
        try:
            found.append(PROTOCOLS[name](trials))
        except MissingDataError as error:
            left_out[name] = str(error)
    if not found:
        raise MissingDataError(next(iter(left_out.values())))
    return Experiment(found, benchmark.snapshot.users.ids, benchmark.snapshot.items.ids, left_out)


def method_names(asked: Sequence[str] | None) -> list[str]:
    """Names of the methods to measure; None means the model and the baselines, "all" means every method.

    Raises:
        UsageError: a name is unknown.
    """
    if not asked:
        return [OURS, *COMPARED]
    names = list(dict.fromkeys([OURS, *METHODS] if "all" in asked else asked))
    for name in names:
        if name not in (OURS, *METHODS):
            raise UsageError(f"no scorer is called {name!r}; there are {OURS}, {', '.join(METHODS)}")
    return names


def named_methods(
    names: Sequence[str], model: Method, kge: KgeModel | None, seed: int, report: Report = silent
) -> list[Method]:
    """The methods of these names; `model` is one of them. `kge` replaces the KGE model that scorers use."""

    def method(name: str) -> Method:
        if name == OURS:
            return model
        found = named_method(name, seed, report)
        return replace(found, grid=tuple(with_kge(config, kge) for config in found.grid)) if kge else found

    return [method(name) for name in names]


def run_experiment(
    experiment: Experiment,
    methods: Sequence[Method],
    k: int,
    depth: int | None = None,
    report: Report = silent,
) -> ExperimentResults:
    """Measure each method in each trial; each list is truncated to `depth` items (None: k).

    Raises:
        DataError: a trial has no relevant item, so there is nothing to measure.
    """
    for trial in experiment.trials:
        if not trial.test.measurable:
            raise DataError(f"trial {trial.name}: no liked event is held out, so there is nothing to measure")
    measured = []
    for done, method in enumerate(methods):
        report("methods", done, len(methods))
        measured.append(measure_method(method, experiment.trials, k, depth, report))
    report("methods", len(methods), len(methods))
    return ExperimentResults(experiment, measured)


def result_tables(
    results: ExperimentResults, against: str | None = None, facet: str | None = None, seed: int = 0
) -> list[Table]:
    """One table per trial; the other arguments are as for `tabulate`."""
    return [tabulate(trial, found, OURS, against, facet, seed) for trial, found in results.by_trial()]


def ndcg_by_user(results: ExperimentResults) -> dict[str, Any]:
    """For each trial, the ids of its users and, by method, the NDCG of each user rounded to six digits."""
    users = results.experiment.users
    found: dict[str, Any] = {}
    for trial, measured in results.by_trial():
        ranking = measured[0].ranking
        ndcg = {r.name: r.ranking.values[f"ndcg@{ranking.k}"].round(6).tolist() for r in measured}
        found[trial.name] = {"users": [users[n] for n in ranking.users], "ndcg": ndcg}
    return found
