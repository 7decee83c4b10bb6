"""MovieLens (GroupLens): the `u.*` files of 100K, the `::` files of 1M, and the CSV files since 20M."""

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from kg.adapters.files import lines, rows, write_table
from kg.errors import DataError

NO_GENRES = "(no genres listed)"
MOVIE = ("id", "title", "year", "genres")

# README of ml-1m: column 4 of users.dat
OCCUPATIONS = (
    *("other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service"),
    *("doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer"),
    *("programmer", "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer"),
    *("tradesman/craftsman", "unemployed", "writer"),
)


def convert_100k(folder: Path, workdir: Path, _mapping: dict[str, Any]) -> None:
    """Converts 100K; `u.item` has one 0/1 column per genre of `u.genre`."""
    genres = [name for name, *_ in rows(folder / "u.genre", "|", 2, "latin-1")]
    films = (
        (
            values[0],
            *title_and_year(values[1]),
            "|".join(
                g for g, flag in zip(genres, values[5:], strict=False) if flag == "1" and g != "unknown"
            ),
            _iso(values[2]),
        )
        for values in rows(folder / "u.item", "|", 5 + len(genres), "latin-1")
    )
    write_table(workdir / "movies.csv", (*MOVIE, "released"), films)
    people = (values[:4] for values in rows(folder / "u.user", "|", 5, "latin-1"))
    write_table(workdir / "users.csv", ("id", "age", "gender", "occupation"), people)
    write_table(
        workdir / "ratings.csv", ("user", "movie", "rating", "time"), rows(folder / "u.data", "\t", 4)
    )


def convert_1m(folder: Path, workdir: Path, _mapping: dict[str, Any]) -> None:
    """Converts 1M; its columns are separated by `::`, the encoding is Latin-1."""
    films = (
        (values[0], *title_and_year(values[1]), values[2])
        for values in rows(folder / "movies.dat", "::", 3, "latin-1")
    )
    write_table(workdir / "movies.csv", MOVIE, films)
    people = (
        (user, gender, age, OCCUPATIONS[int(code)])
        for user, gender, age, code, *_ in rows(folder / "users.dat", "::", 5, "latin-1")
    )
    write_table(workdir / "users.csv", ("id", "gender", "age", "occupation"), people)
    write_table(
        workdir / "ratings.csv", ("user", "movie", "rating", "time"), rows(folder / "ratings.dat", "::", 4)
    )


def convert_csv(folder: Path, workdir: Path, _mapping: dict[str, Any]) -> None:
    """Converts the CSV files; ratings.csv needs no conversion, free-text tags become lower case."""
    films = (
        (movie, *title_and_year(title), "" if genres == NO_GENRES else genres)
        for movie, title, genres in _csv(folder / "movies.csv", 3)
    )
    write_table(workdir / "movies.csv", MOVIE, films)
    path = folder / "tags.csv"
    tags = ((movie, tag.lower()) for _, movie, tag, _ in _csv(path, 4)) if path.exists() else ()
    write_table(workdir / "tags.csv", ("movie", "tag"), tags)


def title_and_year(title: str) -> tuple[str, str]:
    """Split a title with its year: `Toy Story (1995)` becomes ("Toy Story", "1995")."""
    found = re.fullmatch(r"(.*\S)\s*\((\d{4})\)\s*", title)
    return (found[1], found[2]) if found else (title, "")


def _csv(path: Path, width: int) -> Iterator[list[str]]:
    reader = csv.reader(line + "\n" for _, line in lines(path, "utf-8-sig"))
    for number, values in enumerate(reader):
        if number and len(values) != width:
            raise DataError(f"{path}, line {reader.line_num}: has {len(values)} values, not {width}")
        if number:
            yield values


def _iso(written: str) -> str:
    """`01-Jan-1995` as 1995-01-01."""
    return datetime.strptime(written, "%d-%b-%Y").date().isoformat() if written else ""
