"""`trailmix evaluate`: the model and baselines side by side, on the graph or on a benchmark folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scripts.options import KgeOption, ModelScorerOption, training_config
from scripts.progress import reporting

if TYPE_CHECKING:
    from embeddings.evaluation.comparison import Table
    from embeddings.evaluation.trials import Method, Result, Trial
    from embeddings.graph.configs import KgeModel
    from embeddings.training.fit import TrainingConfig
    from kg.progress import Report
    from kg.settings import Settings

Protocol = Literal["warm", "new_users_1", "new_users_3", "new_users_5", "new_items", "mixed", "all"]


def command(
    benchmark: Annotated[
        Path | None, typer.Option(help="A benchmark folder to measure on instead of the graph.")
    ] = None,
    protocol: Annotated[Protocol, typer.Option(help="Of a benchmark folder: what is held out.")] = "all",
    split: Annotated[
        Literal["random", "temporal"],
        typer.Option(help="Of the graph: a tenth of each user's items, or the last tenth of all events."),
    ] = "random",
    k: Annotated[int, typer.Option("--k", min=1, help="How many items are recommended.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the split, of training, and of intervals.")] = 0,
    scorer: Annotated[
        list[str] | None,
        typer.Option("--scorer", help="A method to measure; may be repeated. all: every one there is."),
    ] = None,
    kge: KgeOption = None,
    expert: ModelScorerOption = None,
    against: Annotated[
        str | None, typer.Option(help="The baseline of ratios. None: the best one measured, by trial.")
    ] = None,
    facet: Annotated[
        str | None, typer.Option(help="The relation that miscalibration is about. None: the broadest.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    export_lists: Annotated[
        Path | None,
        typer.Option(help="Write the first 100 of each list here: the first method's, others' beneath."),
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Write plots (PNG) to this folder.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with tables and plots.")] = None,
) -> None:
    """Measure the model beside baselines: all items ranked, the same splits, the same code.

    Example: trailmix evaluate --benchmark sample --protocol mixed --scorer trailmix --scorer ease
    """
    from kg.settings import load_settings
    from scripts.lists import DEPTH

    settings = load_settings()
    names, config = method_names(scorer), training_config(kge, expert)
    with reporting() as report:
        if benchmark is None:
            ground = _graph(settings, split, seed, report)
        else:
            ground = on_benchmark(settings, benchmark, protocol, seed, report)
        found = methods(names, config, kge, seed, report)
        compared = compare(ground, found, k, DEPTH if export_lists else None, report)
    tables = tabulate_all(compared, against, facet, seed)
    _print(tables)
    where = {"split": split} if benchmark is None else {"benchmark": benchmark.name}
    _write({**where, "seed": seed, "k": k}, compared, tables, json, export_lists, plots, html)


@dataclass(frozen=True, eq=False)
class Ground:
    """What is measured on."""

    trials: "Sequence[Trial]"
    users: Sequence[str]
    """The id of each user."""
    items: Sequence[str]
    """The id of each item."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What was measured: for each method one result a trial."""

    ground: Ground
    methods: "Sequence[Sequence[Result]]"

    def by_trial(self) -> "list[tuple[Trial, list[Result]]]":
        """Each trial with one result a method."""
        return [(trial, [m[n] for m in self.methods]) for n, trial in enumerate(self.ground.trials)]


def method_names(asked: Sequence[str] | None) -> list[str]:
    """What to measure: the asked-for, or the model and the baselines, or all there is.

    Raises:
        UsageError: a name is unknown.
    """
    from embeddings.evaluation.trials import COMPARED, METHODS, OURS
    from kg.errors import UsageError

    if not asked:
        return [OURS, *COMPARED]
    names = list(dict.fromkeys([OURS, *METHODS] if "all" in asked else asked))
    for name in names:
        if name not in (OURS, *METHODS):
            raise UsageError(f"no scorer is called {name!r}; there are {OURS}, {', '.join(METHODS)}")
    return names


def compare(
    ground: Ground, methods: "Sequence[Method]", k: int, depth: int | None, report: "Report"
) -> Compared:
    """Measure each method in each trial."""
    from embeddings.evaluation.trials import measure_method

    return Compared(ground, [measure_method(method, ground.trials, k, depth, report) for method in methods])


def tabulate_all(compared: Compared, against: str | None, facet: str | None, seed: int) -> "list[Table]":
    """A table a trial."""
    from embeddings.evaluation.comparison import tabulate
    from embeddings.evaluation.trials import OURS

    return [tabulate(trial, found, OURS, against, facet, seed) for trial, found in compared.by_trial()]


def methods(
    names: Sequence[str], config: "TrainingConfig", kge: "KgeModel | None", seed: int, report: "Report"
) -> "list[Method]":
    """The model under a configuration, and scorers; `kge` in place of any other embedding of theirs."""
    from embeddings.evaluation.trials import OURS, Method, named_method

    def model() -> Method:
        from embeddings.training.fit import fit

        return Method(OURS, (config,), lambda data, config: fit(data, config, seed, report).score)

    def scorer(name: str) -> Method:
        method = named_method(name, seed, report)
        return replace(method, grid=tuple(_embedding(x, kge) for x in method.grid)) if kge else method

    return [model() if name == OURS else scorer(name) for name in names]


def _embedding(config: Any, kge: "KgeModel") -> Any:
    """The configuration with this knowledge-graph embedding, if it has any."""
    from embeddings.graph.configs import GnnConfig, KgeConfig

    if isinstance(config, KgeConfig):
        return replace(config, model=kge)
    return replace(config, kge=replace(config.kge, model=kge)) if isinstance(config, GnnConfig) else config


def _graph(settings: "Settings", split: str, seed: int, report: "Report") -> Ground:
    from embeddings.data.splits import random_split, temporal_split
    from embeddings.evaluation.trials import Trial, split_tasks
    from embeddings.text.encoder import open_encoder
    from kg.connect import open_store
    from kg.snapshot import SnapshotCache

    with open_store(settings) as store:
        snapshot = SnapshotCache(settings.snapshots_folder).load(store, report)
    events = snapshot.interactions
    parts = random_split(events, seed) if split == "random" else temporal_split(events)
    valid, test = split_tasks(snapshot, open_encoder(settings).encode(snapshot.texts, report), parts)
    return Ground([Trial(split, valid, test)], snapshot.users.ids, snapshot.items.ids)


def on_benchmark(settings: "Settings", folder: Path, protocol: str, seed: int, report: "Report") -> Ground:
    """A folder's trials of one protocol, or of all."""
    from embeddings.evaluation.protocols import PROTOCOLS, trials
    from embeddings.text.encoder import open_encoder
    from kg.benchmark import read_benchmark

    benchmark = read_benchmark(folder)
    wanted = PROTOCOLS if protocol == "all" else (protocol,)
    text = open_encoder(settings).encode(benchmark.snapshot.texts, report)
    made = trials(benchmark, text, wanted, seed)
    return Ground(made, benchmark.snapshot.users.ids, benchmark.snapshot.items.ids)


def _print(tables: "Sequence[Table]") -> None:
    from scripts.report import print_tables

    print_tables(tables)


def _write(
    about: dict[str, Any],
    compared: Compared,
    tables: "Sequence[Table]",
    json: Path | None,
    lists: Path | None,
    plots: Path | None,
    html: Path | None,
) -> None:
    """The files that were asked for."""
    from scripts.lists import export_lists
    from scripts.page import page
    from scripts.plots import pictures
    from scripts.report import tables_json

    if json:
        json.write_text(tables_json(about, tables, per_user(compared)), encoding="utf-8")
    if lists:
        ground = compared.ground
        export_lists(lists, ground.trials, compared.methods, ground.users, ground.items)
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        for table in tables:
            for name, png in pictures(table).items():
                (plots / name).write_bytes(png)
    if html:
        html.write_text(page(about, tables), encoding="utf-8")


def per_user(compared: Compared) -> dict[str, Any]:
    """By trial: the users' ids, and by method each one's NDCG."""
    found: dict[str, Any] = {}
    for trial, results in compared.by_trial():
        ranking = results[0].ranking
        ndcg = {r.name: r.ranking.values[f"ndcg@{ranking.k}"].round(6).tolist() for r in results}
        found[trial.name] = {"users": [compared.ground.users[n] for n in ranking.users], "ndcg": ndcg}
    return found
