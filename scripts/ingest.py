"""`trailmix ingest`: load files, or a benchmark folder, into the graph."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from kg.ingest import IngestReport


def command(
    source: Path = typer.Argument(
        ..., help="A mapping file (its sources are relative to its folder), or a benchmark folder."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Load the files that a mapping file describes into the graph; running it again changes nothing.

    A folder that holds interactions.tsv is a benchmark folder and needs no mapping.

    Example: trailmix ingest films/mapping.yaml
    """
    from kg.benchmark_graph import ingest_benchmark
    from kg.connect import open_store
    from kg.ingest import ingest
    from kg.mapping import load_mapping
    from kg.settings import load_settings
    from scripts.progress import reporting

    mapping = None if source.is_dir() else load_mapping(source)
    with open_store(load_settings()) as store, reporting() as report:
        if mapping is None:
            done = ingest_benchmark(source, store, report)
        else:
            done = ingest(mapping, source.parent, store, report)
    if as_json:
        print(json.dumps(done.as_dict()))
    else:
        _print(done)


def _print(report: "IngestReport") -> None:
    from rich.console import Console
    from rich.table import Column, Table

    figures = (Column(title, justify="right") for title in ("rows", "written", "seconds"))
    table = Table("", "from", *figures, box=None)
    for step in report.steps:
        sources = ", ".join(step.sources)
        table.add_row(step.name, sources, f"{step.rows:,}", f"{step.written:,}", f"{step.seconds:.1f}")
    console = Console()
    console.print(table)
    console.print(f"{report.nodes:,} nodes, {report.relations:,} relations in {report.seconds:.1f} s")
