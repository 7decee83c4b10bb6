"""`trailmix bench load`: a whole ingestion from files of any size, timed from outside."""

import json as jsonlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kg.errors import TrailmixError
from scripts.bench.ingest import empty_store
from scripts.bench.synthetic_files import write_synthetic_files


def command(
    interactions: Annotated[
        int, typer.Option("--interactions", min=1_000, help="The number of synthetic ratings.")
    ] = 1_000_000,
    engine: Annotated[
        Literal["arcadedb", "neo4j"],
        typer.Option(
            "--engine", help="The engine to start in a temporary folder; unused if NEO4J_URI is set."
        ),
    ] = "arcadedb",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the files and write no graph.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write synthetic files like those of MovieLens 1M and time `trailmix ingest` on them.

    Seconds and memory are those of the ingesting process, from its start to its end; the graph server is
    another process. A graph at NEO4J_URI must be empty, and is empty again afterwards.

    Example: trailmix bench load --interactions 1000000 --engine neo4j
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "synthetic"
        synthetic = write_synthetic_files(folder, interactions)
        result = {**vars(synthetic), **_measured(folder, engine, dry_run)}
    if json:
        print(jsonlib.dumps(result))
        return
    about = f"{synthetic.ratings:,} ratings by {synthetic.users:,} users of {synthetic.films:,} films"
    print(f"{about}, {result['engine']}")
    print(f"rows       {result['rows']:>12,}  ({result['rejected']:,} rejected)")
    print(f"seconds    {result['seconds']:>12,.1f}")
    print(f"rows/s     {result['rows_per_second']:>12,}")
    print(f"peak MB    {result['peak_mb']:>12,}")


def _measured(folder: Path, engine: Literal["arcadedb", "neo4j"], dry_run: bool) -> dict[str, Any]:
    home = {"TRAILMIX_HOME": str(folder.parent / "home")}
    with nullcontext() if dry_run else empty_store(engine) as store:
        if store is None:
            return _run(folder, {**os.environ, **home}, ["--dry-run"]) | {"engine": "files only"}
        given = store.connection
        environment = {
            **os.environ,
            **home,
            "NEO4J_URI": given.uri,
            "NEO4J_USERNAME": given.username,
            "NEO4J_PASSWORD": given.password.get_secret_value(),
            "NEO4J_DATABASE": given.database,
        }
        info = store.info()
        return _run(folder, environment, []) | {"engine": f"{info.engine} {info.version}"}


def _run(folder: Path, environment: dict[str, str], more: list[str]) -> dict[str, Any]:
    """Run the ingestion in a process of its own; returns its figures."""
    report = folder.parent / "report.json"
    command = [sys.executable, "-m", "scripts.main", "ingest", str(folder), "--format", "movielens-1m"]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [*command, "--report", str(report), "--json", *more], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise TrailmixError(f"the ingestion ended with exit code {process.returncode}")
    totals = jsonlib.loads(report.read_text())["totals"]
    return {
        "rows": totals["read"],
        "written": totals["written"],
        "rejected": totals["rejected"],
        "seconds": round(seconds, 1),
        "rows_per_second": round(totals["read"] / seconds),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)),
    }
