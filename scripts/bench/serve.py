"""`trailmix bench serve`: how many answers a second the service gives, beside an empty Flask route."""

import json as jsonlib
import math
import os
import platform
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from embeddings.model.artifact import latest_model, read_manifest
from kg.errors import UsageError
from kg.graph import GraphSnapshot
from kg.progress import Report
from kg.settings import Settings, load_settings
from kg.snapshot import SnapshotCache
from scripts.bench.load_tool import LoadResult, drive, find_tool, write_requests
from scripts.bench.processes import Running, running
from scripts.bench.serve_cases import CASES, Case, RequestSource
from scripts.progress import reporting

WARM_UP = 2
"""Seconds of a run of requests that is not counted, before each case."""
WARM_UPS = 30
"""The most such runs, where no answer comes."""
HALF = 0.5
"""The share of the highest load at which the second p99 is measured."""
_NO_GRAPH = "bolt://127.0.0.1:9"
"""Nothing listens there: events stay in the outbox, and no graph server is started and left behind."""
_FLAGS = ("avx2", "avx512f")


@dataclass(frozen=True)
class CaseResult:
    """Medians over the repetitions of one case."""

    name: str
    rate: float
    """Requests a second; of a case of events, events a second."""
    p50: float
    p99: float
    """Milliseconds."""
    p99_at_rate: float
    """Milliseconds, at the constant rate."""
    empty_rate: float
    """Requests a second that the empty route answered, in turn with this case."""
    ratio: float
    """The median of the ratios of requests a second of the repetitions, service to empty route."""
    failed: int
    failure: str

    def as_dict(self) -> dict[str, Any]:
        """The fields; None for a latency where nothing was answered, for JSON has no NaN."""
        fields = asdict(self)
        return fields | {name: None for name in ("p50", "p99", "p99_at_rate") if math.isnan(fields[name])}


@dataclass(frozen=True)
class Bench:
    """Both services, the load tool and its settings."""

    tool: str
    service: Running
    empty: Running
    folder: Path
    connections: int
    seconds: int
    constant_rate: float | None = None
    """Requests a second of the constant rate; None: half of the highest load."""
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def measure(self, case: Case, source: RequestSource, times: int) -> CaseResult:
        """Drive the empty route and the service in turn, then the service at the constant rate."""
        path = self.folder / "requests.tsv"
        write_requests(case.draw(source), path)
        first, full, empty = self._warm_up(path), [], []
        for _ in range(times):
            empty.append(self._drive(self.empty, path, first, 0, self.seconds))
            full.append(self._drive(self.service, path, first, 0, self.seconds))
            first += full[-1].begun
        half = []
        rate = self.constant_rate or HALF * median(one.group_rate for one in full)
        for _ in range(times):
            half.append(self._drive(self.service, path, first, rate, self.seconds))
            first += half[-1].begun
        return summary(case, full, empty, half)

    def _warm_up(self, path: Path) -> int:
        """Send requests until each client has an answer; return how many groups were begun.

        The first requests of a new installation compile the kernels, which takes longer than they do.
        """
        begun, finished, tries = 0, 0, 0
        while finished < self.connections and tries < WARM_UPS:
            done = self._drive(self.service, path, begun, 0, WARM_UP)
            begun, finished, tries = begun + done.begun, done.finished, tries + 1
        return begun

    def _drive(self, of: Running, path: Path, first: int, rate: float, seconds: int) -> LoadResult:
        return drive(
            self.tool,
            of.url,
            path,
            run=self.run,
            connections=self.connections,
            seconds=seconds,
            first=first,
            rate=rate,
        )


def command(
    case: Annotated[
        list[str] | None,
        typer.Option("--case", help=f"A case; may be repeated: {', '.join(CASES)}. The default is all."),
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="The seconds of one measurement.")] = 3,
    times: Annotated[int, typer.Option(min=1, max=100, help="How often each is repeated.")] = 3,
    connections: Annotated[int, typer.Option(min=1, max=256, help="The number of clients.")] = 4,
    threads: Annotated[int, typer.Option(min=1, max=256, help="As in `trailmix serve`.")] = 4,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="The number of items recommended.")] = 10,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="The constant rate, requests a second; half of the highest load if not given."
        ),
    ] = None,
    made: Annotated[
        bool, typer.Option("--made", help="Serve 100,000 made items with 1,000,000 made events.")
    ] = False,
    wrk: Annotated[str, typer.Option("--wrk", help="The load tool: wrk, or the path of one.")] = "wrk",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Drive the service and an empty Flask route in turn; compare their rates and latencies.

    Both run as processes of their own under the gunicorn settings of `trailmix serve`; wrk sends requests.
    The service has the latest model in a home folder of its own, so events reach neither your graph nor
    your model. A case takes about 3 * `times` * `seconds`. With --made it has the
    ranker of the latest model and scorers fitted to a made graph, kept in `bench` of the home folder.

    Example: trailmix bench serve --case "the same user" --seconds 5
    """
    chosen = [_case(name) for name in case or CASES]
    tool, settings = find_tool(wrk), load_settings()
    results, left_out = [], []
    with reporting() as report:
        settings = _made(settings, report) if made else settings
        source = RequestSource(_served_snapshot(settings), k)
    with reporting() as report, _both(settings, threads) as (service, empty, folder):
        bench = Bench(tool, service, empty, folder, connections, seconds, rate)
        has_events = _answers(service.url, "/events")
        for n, own in enumerate(chosen):
            report("cases", n, len(chosen))
            if own.needs_events and not has_events:
                left_out.append(own.name)
            else:
                results.append(bench.measure(own, source, times))
        found = {
            "machine": machine(),
            "items": len(source.items),
            "users": len(source.users),
            "constant_rate": rate,
            "k": k,
            "connections": connections,
            "threads": threads,
            "cold_start_seconds": service.cold_start,
            "resident_mib": service.resident_mib(),
            "cases": [result.as_dict() for result in results],
            "left_out": left_out,
        }
    print(jsonlib.dumps(found) if json else "\n".join(lines(found)))


def summary(
    case: Case, full: Sequence[LoadResult], empty: Sequence[LoadResult], half: Sequence[LoadResult]
) -> CaseResult:
    """Medians over repetitions; the ratios are taken within each repetition, of groups of requests."""
    ratios = [a.group_rate / b.group_rate for a, b in zip(full, empty, strict=True)]
    failures = [one.failure for one in (*full, *half) if one.failure]
    return CaseResult(
        case.name,
        case.counts * median(one.rate for one in full),
        median(one.percentile(50) for one in full),
        median(one.percentile(99) for one in full),
        median(one.percentile(99) for one in half),
        median(one.rate for one in empty),
        median(ratios),
        sum(one.failed for one in (*full, *half)),
        failures[0] if failures else "",
    )


def machine() -> dict[str, Any]:
    """The processor, its vector instructions, the cores that this process may use, and the load of others."""
    try:
        pairs = [line.partition(":")[::2] for line in Path("/proc/cpuinfo").read_text().splitlines()]
        known = {name.strip(): value.strip() for name, value in pairs}
    except OSError:
        known = {}
    flags = known.get("flags", "").split()
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "vector_instructions": [flag for flag in _FLAGS if flag in flags],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The results as a table."""
    own = found["machine"]
    yield (
        f"{own['processor']}, {own['cores']} cores, {' '.join(own['vector_instructions']) or 'no AVX2'}; "
        f"load average at the end {own['load_average']}"
    )
    resident = found["resident_mib"]
    yield f"ready {found['cold_start_seconds']:.1f} s after the start" + (
        "" if resident is None else f"; {resident:,.0f} MiB resident at the end"
    )
    yield (
        f"{found['items']:,} items, {found['users']:,} users; {found['connections']} clients, "
        f"{found['threads']} threads, k = {found['k']}; milliseconds"
    )
    at_rate = f"p99 at {'half' if found['constant_rate'] is None else format(found['constant_rate'], 'g')}"
    yield (
        f"{'':<16}{'a second':>10}{'p50':>9}{'p99':>9}{at_rate:>13}{'empty route':>13}"
        f"{'ratio':>8}{'failed':>8}"
    )
    for case in found["cases"]:
        yield (
            f"{case['name']:<16}{case['rate']:>10,.1f}{_shown(case['p50']):>9}{_shown(case['p99']):>9}"
            f"{_shown(case['p99_at_rate']):>13}{case['empty_rate']:>13,.0f}{case['ratio']:>8.3f}{case['failed']:>8}"
        )
    for case in found["cases"]:
        if case["failure"]:
            yield f"{case['name']}: {case['failure']}"
    if found["left_out"]:
        yield f"left out, for this service has no POST /events: {', '.join(found['left_out'])}"


def _shown(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.2f}"


def _case(name: str) -> Case:
    if name not in CASES:
        raise UsageError(f"there is no case {name!r}; there are {', '.join(CASES)}")
    return CASES[name]


@contextmanager
def _both(settings: Settings, threads: int) -> Iterator[tuple[Running, Running, Path]]:
    """The service and the empty route, each a process of its own, and a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="trailmix-bench-") as name:
        folder = Path(name)
        environment = own_home(settings, folder / "home")
        serve = ["scripts.main", "serve", "--port", "0", "--threads", str(threads)]
        with (
            running(serve, environment, folder / "service.log") as service,
            running(["scripts.bench.empty_route", str(threads)], environment, folder / "empty.log") as empty,
        ):
            yield service, empty, folder


def own_home(settings: Settings, home: Path) -> dict[str, str]:
    """The environment of a service with links to the models and snapshots, and without a graph."""
    home.mkdir()
    for folder in (settings.models_folder, settings.snapshots_folder, settings.text_cache_folder):
        if folder.is_dir():
            (home / folder.name).symlink_to(folder)
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("NEO4J_")}
    return {**kept, "TRAILMIX_HOME": str(home), "NEO4J_URI": _NO_GRAPH}


def _made(settings: Settings, report: Report) -> Settings:
    from scripts.bench.made_model import EVENTS, ITEMS, made_home  # loads torch

    return made_home(settings, ITEMS, EVENTS, report)


def _served_snapshot(settings: Settings) -> GraphSnapshot:
    manifest = read_manifest(latest_model(settings.models_folder))
    return SnapshotCache(settings.snapshots_folder).by_fingerprint(manifest.snapshot)


def _answers(url: str, path: str) -> bool:
    """Whether the service knows the path."""
    try:
        asked = urllib.request.Request(url + path, b"", {"Content-Type": "application/json"})  # noqa: S310
        urllib.request.urlopen(asked, timeout=10).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        return error.code != 404
    return True
