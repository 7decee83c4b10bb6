"""`trailmix export`: the whole graph as files for other programs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from kg.exports.neo4j_admin import export_neo4j_admin
from kg.exports.parquet import export_parquet
from kg.exports.recbole import export_recbole
from kg.exports.tables import Exported
from kg.progress import Report
from kg.settings import load_settings
from kg.store.connect import open_store
from kg.store.store import GraphStore
from scripts.progress import reporting

Target = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")]


def neo4j_admin(target: Target) -> None:
    """Write CSV files for `neo4j-admin database import full`, and the command.

    Example: trailmix export neo4j-admin films-csv
    """
    _export(export_neo4j_admin, target)
    print((target / "import.sh").read_text(encoding="utf-8"), end="")


def recbole(target: Target) -> None:
    """Write RecBole's atomic files; the folder's name is that of the data set.

    Example: trailmix export recbole dataset/films
    """
    _export(export_recbole, target)


def parquet(target: Target) -> None:
    """Write a Parquet file for each label and each type.

    Example: trailmix export parquet films-parquet
    """
    _export(export_parquet, target)


def _export(export: Callable[[GraphStore, Path, Report], Exported], target: Path) -> None:
    with reporting() as report, open_store(load_settings()) as store:
        done = export(store, target, report)
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{done.nodes:,} nodes and {done.relations:,} relations in {done.folder}", file=sys.stderr)
