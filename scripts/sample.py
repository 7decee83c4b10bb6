"""`trailmix sample`: write the sample as ordinary files."""

from pathlib import Path
from typing import Annotated

import typer

from kg.adapters.sample import TERMS, write_sample


def command(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder to write to; it is created if it does not exist."),
    ],
) -> None:
    """Write the sample data set as CSV files with their mapping file.

    Example: trailmix sample films && trailmix ingest films/mapping.yaml
    """
    done = write_sample(folder)
    share = done.ratings_with_facts / done.ratings
    print(f"{folder}: {done.ratings:,} ratings by {done.users} users of {done.films:,} films")
    print(f"{done.films_with_facts:,} films, with {share:.1%} of the ratings, have facts from Wikidata\n")
    print(f"{TERMS}\n")
    print(f"next: trailmix ingest {folder / 'mapping.yaml'}")
