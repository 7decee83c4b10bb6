"""`trailmix bench scale`: how time and memory of training grow with the graph, on synthetic graphs."""

import json as jsonlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.errors import DataError
from scripts.bench.synthetic_dataset import synthetic_dataset
from scripts.progress import reporting

GIB = 2**30


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
    """Train the model on synthetic graphs of growing size and measure its time and memory.

    Each training runs in a process of its own under the limits given. Users, items, events and facts grow in
    proportion. "x" is the growth from the row above.

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
            print("\n".join(_lines(rows)), flush=True)
    if json:
        print(jsonlib.dumps(rows))


def _train(edges: int, seed: int) -> dict[str, Any]:
    """Train in this process: the size of the data, the seconds, and the peak memory in GiB."""
    dataset = synthetic_dataset(edges, seed)
    began = time.perf_counter()
    with reporting() as report:
        fit(dataset, TrainingConfig(), seed, report)
    seconds = time.perf_counter() - began
    return {
        "edges": len(dataset.events) + len(dataset.triples),
        "users": dataset.n_users,
        "items": dataset.n_items,
        "seconds": seconds,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB,
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


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The last row, after a heading if it is the first."""
    if len(rows) == 1:
        yield f"{'edges':>12}{'users':>10}{'items':>10}{'seconds':>10}{'x':>7}{'GiB':>7}{'x':>7}"
    row = rows[-1]
    time_x, memory_x = growth(rows)
    counts = f"{row['edges']:>12,}{row['users']:>10,}{row['items']:>10,}"
    yield f"{counts}{row['seconds']:>10.1f}{time_x:>7}{row['gib']:>7.1f}{memory_x:>7}"


def growth(rows: list[dict[str, Any]]) -> tuple[str, str]:
    """How many times the seconds and the memory of the row before; nothing for the first."""
    if len(rows) < 2:
        return "", ""
    before, last = rows[-2:]
    return f"{last['seconds'] / before['seconds']:.1f}", f"{last['gib'] / before['gib']:.1f}"
