"""`trailmix export`: the whole graph as files for other programs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kg.exports.tables import Exported
    from kg.progress import Report
    from kg.store.store import ReadStore

app = typer.Typer(help="Write the whole graph as files for other programs.", no_args_is_help=True)

Target = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.")]


@app.command("neo4j-admin")
def neo4j_admin(target: Target) -> None:
    """Write CSV files for `neo4j-admin database import full`, and the command.

    Example: trailmix export neo4j-admin films-csv
    """
    from kg.exports.neo4j_admin import export_neo4j_admin

    _run(export_neo4j_admin, target)
    print((target / "import.sh").read_text(encoding="utf-8"), end="")


@app.command("recbole")
def recbole(target: Target) -> None:
    """Write RecBole's atomic files; the folder's name is the data set's.

    Example: trailmix export recbole dataset/films
    """
    from kg.exports.recbole import export_recbole

    _run(export_recbole, target)


@app.command("parquet")
def parquet(target: Target) -> None:
    """Write a Parquet file for each label and each type.

    Example: trailmix export parquet films-parquet
    """
    from kg.exports.parquet import export_parquet

    _run(export_parquet, target)


def _run(export: "Callable[[ReadStore, Path, Report], Exported]", target: Path) -> None:
    import sys

    from kg.settings import load_settings
    from kg.store.connect import open_store
    from scripts.progress import reporting

    with open_store(load_settings()) as store, reporting() as report:
        done = export(store, target, report)
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{done.nodes:,} nodes and {done.relations:,} relations in {done.folder}", file=sys.stderr)
