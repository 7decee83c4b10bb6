"""`trailmix sample`: write the sample as ordinary files."""

from pathlib import Path

import typer


def command(
    folder: Path = typer.Argument(..., metavar="DIR", help="Where to write; created if it does not exist."),
) -> None:
    """Write the sample data set as CSV files with their mapping file.

    Example: trailmix sample films && trailmix ingest films/mapping.yaml
    """
    from kg.adapters.sample import TERMS, write_sample

    done = write_sample(folder)
    share = done.ratings_with_facts / done.ratings
    print(f"{folder}: {done.ratings:,} ratings by {done.users} users of {done.films:,} films")
    print(f"{done.films_with_facts:,} films, with {share:.1%} of the ratings, have facts from Wikidata\n")
    print(f"{TERMS}\n")
    print(f"next: trailmix ingest {folder / 'mapping.yaml'}")
