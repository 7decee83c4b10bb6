"""`trailmix bench scale`: how time and memory of training grow with the graph, on synthetic graphs."""

import json as jsonlib
import math
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.errors import DataError
from scripts.bench.stages import GIB, Stage, StageMeter
from scripts.bench.synthetic_dataset import synthetic_dataset
from scripts.progress import reporting

INNER = ("knowledge-graph embedding",)
"""Stages that are measured although they are part of another."""
ALL = "all"
"""The name of the whole training in the table."""
MIN_SECONDS = 0.1
"""The time of a shorter stage has no slope: it is mostly overhead."""


def command(
    edges: Annotated[
        list[int] | None,
        typer.Option(
            help="The number of events and facts together; may be repeated. The default is 10^5, 10^6, 10^7."
        ),
    ] = None,
    memory: Annotated[int, typer.Option(min=1, help="The most memory of one training, in GiB.")] = 16,
    minutes: Annotated[int, typer.Option(min=1, help="The most time of one training, in minutes.")] = 60,
    seed: Annotated[int, typer.Option(help="The seed of the graphs and of training.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    here: Annotated[bool, typer.Option("--here", hidden=True)] = False,
) -> None:
    """Train on synthetic graphs of growing size and measure time and memory of each stage.

    Each training runs in a process of its own under the limits given. Users, items, events and facts grow in
    proportion. "slope" is that from the size before, on logarithmic scales: 1 is proportional to the edges.
    Memory is the most that the process held during the stage. An indented stage is part of the next one.

    Example: trailmix bench scale --edges 100000 --edges 1000000
    """
    sizes = sorted(edges or (10**5, 10**6, 10**7))
    if here:
        print(jsonlib.dumps(_train(sizes[0], seed)))
        return
    rows: list[dict[str, Any]] = []
    for size in sizes:
        rows.append(_apart(size, memory, minutes, seed))
        if not json:
            print("\n".join(lines(rows)), flush=True)
    if json:
        print(jsonlib.dumps(rows))


def _train(edges: int, seed: int) -> dict[str, Any]:
    """Train in this process: the size of the data, and the seconds and the peak memory of each stage."""
    dataset = synthetic_dataset(edges, seed)
    meter = StageMeter(INNER)
    with reporting() as show:

        def report(stage: str, done: int, total: int | None) -> None:
            show(stage, done, total)
            meter(stage, done, total)

        fit(dataset, TrainingConfig(), seed, report)
    outer = [stage for stage in meter.stages if stage.name not in INNER]
    whole = Stage(ALL, sum(x.seconds for x in outer), max(x.gib for x in outer))
    return {
        "edges": len(dataset.events) + len(dataset.triples),
        "users": dataset.n_users,
        "items": dataset.n_items,
        "stages": [asdict(stage) for stage in (*meter.stages, whole)],
    }


def _apart(edges: int, memory: int, minutes: int, seed: int) -> dict[str, Any]:
    """Train in a process of its own.

    Raises:
        DataError: it needs more than the limits allow, or fails.
    """
    own = [sys.executable, "-m", "scripts.main", "bench", "scale", "--here"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory * GIB, memory * GIB))

    try:
        done = subprocess.run(  # noqa: S603
            [*own, "--edges", str(edges), "--seed", str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60 * minutes,
            preexec_fn=limit,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise DataError(f"training on {edges:,} edges: {error}") from error
    found: dict[str, Any] = jsonlib.loads(done.stdout)
    return found


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The last row as a table of its stages, with slopes from the row before."""
    row = rows[-1]
    before = {stage["name"]: stage for stage in rows[-2]["stages"]} if len(rows) > 1 else {}
    yield f"{row['edges']:,} edges, {row['users']:,} users, {row['items']:,} items"
    yield f"{'':<32}{'seconds':>10}{'slope':>7}{'GiB':>8}{'slope':>7}"
    for stage in row["stages"]:
        name = f"  {stage['name']}" if stage["name"] in INNER else stage["name"]
        slopes = {"seconds": "", "gib": ""}
        if stage["name"] in before:
            growth = row["edges"] / rows[-2]["edges"]
            own = before[stage["name"]]
            slopes = {key: slope(own[key], stage[key], growth) for key in slopes}
            if own["seconds"] < MIN_SECONDS:
                slopes["seconds"] = ""
        cells = f"{stage['seconds']:>10.1f}{slopes['seconds']:>7}{stage['gib']:>8.2f}{slopes['gib']:>7}"
        yield f"{name:<32}{cells}"


def slope(before: float, after: float, growth: float) -> str:
    """The exponent of growth: `after` is `before` times `growth` to this power; nothing if it has none."""
    if min(before, after) <= 0 or growth in (0, 1):
        return ""
    return f"{math.log(after / before) / math.log(growth):.2f}"
