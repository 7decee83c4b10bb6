"""A synthetic data set with the shape and the layout of MovieLens 1M, of any size; the seed decides it.

A million ratings are 6,040 users by 3,706 films, as in the real one; users grow with the ratings, films with
their root. Films' popularity falls as 1/rank (Zipf), users' activity is log-normal and at least 20 ratings,
and the shares of the five ratings are the real ones. Names, tastes and times are random, so only time and
memory can be measured on it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.graph import IntArray

MILLION = 1_000_000
USERS, FILMS = 6_040, 3_706
FEWEST = 20
RATING_SHARES = (0.056, 0.108, 0.261, 0.349, 0.226)
FIRST_TIME, LAST_TIME = 956_703_932, 1_046_454_590
AGES = (1, 18, 25, 35, 45, 50, 56)
OCCUPATIONS = 21
GENRES = (
    *("Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


@dataclass(frozen=True)
class SyntheticFiles:
    """What was written."""

    users: int
    films: int
    ratings: int


def write_synthetic_files(folder: Path, ratings: int, seed: int = 0) -> SyntheticFiles:
    """Write `movies.dat`, `users.dat` and `ratings.dat`; no user rates a film twice.

    Raises:
        ValueError: fewer than 1,000 ratings.
    """
    if ratings < 1_000:
        raise ValueError(f"ratings must be at least 1,000, not {ratings}")
    users = max(6, round(ratings * USERS / MILLION))
    films = max(1_000, round(FILMS * (ratings / MILLION) ** 0.5))
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "movies.dat", _films(random, films))
    _write(folder / "users.dat", _users(random, users))
    _write(folder / "ratings.dat", _ratings(random, _activity(random, users, films, ratings), films))
    return SyntheticFiles(users, films, ratings)


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="latin-1", newline="") as file:
        file.writelines(lines)


def _films(random: np.random.Generator, films: int) -> Iterator[str]:
    for film in range(1, films + 1):
        some = random.choice(len(GENRES), size=random.integers(1, 4), replace=False)
        genres = "|".join(GENRES[g] for g in sorted(some))
        yield f"{film}::Film {film} ({random.integers(1920, 2001)})::{genres}\n"


def _users(random: np.random.Generator, users: int) -> Iterator[str]:
    for user in range(1, users + 1):
        age, code = random.choice(AGES), random.integers(OCCUPATIONS)
        yield f"{user}::{'FM'[random.integers(2)]}::{age}::{code}::{random.integers(100_000):05}\n"


def _activity(random: np.random.Generator, users: int, films: int, ratings: int) -> IntArray:
    """How many ratings each user gives: log-normal, between 20 and half of the films, `ratings` in all."""
    share = random.lognormal(0.0, 1.1, users)
    counts = np.full(users, FEWEST, np.int64)
    while left := ratings - int(counts.sum()):
        open_to_more = np.where(counts < films // 2, share, 0.0)
        counts += random.multinomial(left, open_to_more / open_to_more.sum())
        counts = np.minimum(counts, films // 2)
    return counts


def _ratings(random: np.random.Generator, activity: IntArray, films: int) -> Iterator[str]:
    """Each user's ratings in the order of time."""
    popularity = np.cumsum(1.0 / np.arange(1, films + 1))
    popularity /= popularity[-1]
    films_by_rank = random.permutation(films) + 1
    for user, count in enumerate(activity.tolist(), 1):
        ids = films_by_rank[_distinct(random, popularity, count)].tolist()
        values = random.choice(5, size=count, p=RATING_SHARES) + 1
        times = np.minimum(
            random.integers(FIRST_TIME, LAST_TIME) + np.cumsum(random.integers(0, 120, count)), LAST_TIME
        )
        rows = zip(ids, values.tolist(), times.tolist(), strict=True)
        yield "".join(f"{user}::{film}::{value}::{time}\n" for film, value, time in rows)


def _distinct(random: np.random.Generator, popularity: np.ndarray, count: int) -> IntArray:
    """Ranks drawn one after the other, those drawn before left out: sampling without replacement."""
    drawn = np.zeros(0, np.int64)
    while len(drawn) < count:
        more = np.searchsorted(popularity, random.random(2 * count), side="right")
        drawn = np.concatenate([drawn, more])
        _, first = np.unique(drawn, return_index=True)
        drawn = drawn[np.sort(first)]
    return drawn[:count]
