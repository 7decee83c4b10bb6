"""`trailmix ingest`: load files, or a benchmark folder, into the graph; and take them out again."""

import hashlib
import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from typer.core import TyperCommand

from kg.adapters.benchmark_graph import ingest_benchmark
from kg.adapters.registry import adapted
from kg.errors import DataError, UsageError
from kg.ingestion.ingest import IngestOptions, ingest
from kg.ingestion.ingest import dry_run as check
from kg.ingestion.mapping_file import load_mapping
from kg.ingestion.rejects import refuse_overwriting
from kg.ingestion.report import IngestReport
from kg.settings import load_settings
from kg.shown import printable
from kg.store.connect import open_store
from scripts.lazy import single
from scripts.progress import reporting

EXIT_REJECTED = 3


class WithUndo(TyperCommand):
    """A command whose first argument may be `undo`, which is a command of its own."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of whichever of the two is named."""
        if args[:1] != ["undo"]:
            return super().make_context(info_name, args, parent, **extra)
        return typer.main.get_command(single(undo)).make_context(
            f"{info_name} undo", args[1:], parent, **extra
        )


def command(
    source: Annotated[
        Path,
        typer.Argument(
            help="A mapping file (its sources are relative to its folder), or a benchmark folder; "
            "or `undo RUN`, see trailmix ingest undo --help."
        ),
    ],
    published: Annotated[
        str | None,
        typer.Option("--format", help="The published data set in the folder: movielens, recbole, ..."),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Write the rejected rows to this file, as JSON Lines.")
    ] = None,
    max_errors: Annotated[
        int | None, typer.Option("--max-errors", min=0, help="Stop if more rows than this are rejected.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all rows and write nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that was killed.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the report to this file, as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Load the files that a mapping file describes into the graph; running it again changes nothing.

    All rows are checked before the first is written; the exit code is 3 if some were rejected. A folder that
    holds interactions.tsv is a benchmark folder and needs no mapping.

    Example: trailmix ingest films/mapping.yaml --rejects rejected.jsonl
    """
    _check_outputs(source, rejects, report)
    if published is not None:
        source = _adapted(published, source)
    done = _ingest(source, IngestOptions(rejects, max_errors, resume, report), dry_run)
    if as_json:
        print(jsonlib.dumps(done.as_dict()))
    else:
        _print(done)
    for warning in done.warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    if report is not None:
        _write(report, jsonlib.dumps(done.as_dict(), indent=2) + "\n")
    if done.rejected:
        _say_rejected(done, rejects)
        raise typer.Exit(EXIT_REJECTED)


app = single(command, WithUndo)


def undo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of the run, from its report.")],
) -> None:
    """Remove from the graph what only this ingestion brought.

    What other runs also brought stays, and so do nodes that the relations of other runs use.

    Example: trailmix ingest undo 20260131T120000-a1b2c3
    """
    with open_store(load_settings()) as store:
        undone = store.undo_run(run)
    kept = f"; {undone.kept:,} nodes stay, because others use them" if undone.kept else ""
    print(f"removed {undone.nodes:,} nodes and {undone.relations:,} relations{kept}")


def _ingest(source: Path, options: IngestOptions, dry_run: bool) -> IngestReport:
    if source.is_dir() and not (source / "interactions.tsv").exists():
        raise UsageError(f"{source}: is no benchmark folder; name its --format, or give a mapping file")
    mapping = None if source.is_dir() else load_mapping(source)
    with reporting() as progress:
        if mapping is None and (dry_run or options.rejects or options.max_errors is not None):
            raise UsageError("--dry-run, --rejects and --max-errors need a mapping file, not a folder")
        if mapping is not None and dry_run:
            return check(mapping, source.parent, progress, options)
        with open_store(load_settings()) as store:
            if mapping is None:
                return ingest_benchmark(source, store, progress)
            return ingest(mapping, source.parent, store, progress, options)


def _adapted(name: str, folder: Path) -> Path:
    """The mapping of a published data set; its tables lie where `--resume` finds them again."""
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return adapted(name, folder, load_settings().home.absolute() / "adapted" / f"{name}-{place}")


def _check_outputs(source: Path, rejects: Path | None, report: Path | None) -> None:
    """Refuse outputs that would overwrite an input or cannot be written, before hours of work."""
    refuse_overwriting((rejects, report), source.iterdir() if source.is_dir() else [source])
    if report is not None:
        there = report.exists()
        try:
            report.open("a").close()
            if not there:
                report.unlink()
        except OSError as error:
            raise UsageError(f"--report {report}: cannot be written: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing, unless it is a device such as /dev/stdout."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}; the ingestion itself is done, see above"
        raise DataError(f"--report {path}: {problem}") from None


def _say_rejected(report: IngestReport, rejects: Path | None) -> None:
    """Print the first rejected rows, where all of them are, and whether the rest was written."""
    for example in report.examples:
        print(example, file=sys.stderr)
    where = f"all in {rejects}" if rejects else "--rejects FILE writes all of them"
    print(f"{report.rejected:,} rows were rejected; {where}", file=sys.stderr)
    if report.stopped:
        print("stopped, because these are more than --max-errors; nothing was written", file=sys.stderr)


def _print(report: IngestReport) -> None:
    counted = ("read", "written", "unchanged", "rejected")
    figures = (Column(title, justify="right") for title in (*counted, "seconds"))
    table = Table("source", "file", *figures, box=None)
    described = report.as_dict()
    for row in (*described["sources"], {"name": "all rows", "file": "", **described["totals"]}):
        numbers = (f"{row[name]:,}" for name in counted)
        table.add_row(
            printable(row["name"]), printable(Path(row["file"]).name), *numbers, f"{row['seconds']:.1f}"
        )
    console = Console(markup=False)  # a name may hold brackets
    console.print(table)
    if report.run_id is not None:
        console.print(
            f"run {report.run_id}: {report.nodes:,} nodes and {report.relations:,} relations "
            f"created or changed in {report.seconds:.1f} s"
        )
