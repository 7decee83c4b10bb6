from collections import Counter

import pytest

from kg.adapters.registry import adapted
from kg.ingestion.ingest import dry_run
from kg.ingestion.mapping_file import load_mapping
from scripts.bench.synthetic_files import FEWEST, write_synthetic_files


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    return folder, write_synthetic_files(folder, 20_000)


def ratings(folder):
    return [line.split("::") for line in (folder / "ratings.dat").read_text().splitlines()]


def test_it_is_of_the_size_and_shape_that_was_asked_for(synthetic):
    folder, report = synthetic
    rows = ratings(folder)
    assert len(rows) == report.ratings == 20_000
    assert report.users == 121  # 6,040 / 50 = 120.8
    assert len({(user, film) for user, film, *_ in rows}) == 20_000
    by_user = Counter(user for user, *_ in rows)
    assert len(by_user) == report.users
    assert min(by_user.values()) >= FEWEST
    assert max(by_user.values()) <= report.films // 2
    top = sum(n for _, n in Counter(film for _, film, *_ in rows).most_common(report.films // 10))
    assert top > 0.3 * len(rows)  # a few films are most of what is seen


def test_the_same_seed_makes_the_same_bytes(synthetic, tmp_path):
    write_synthetic_files(tmp_path / "again", 20_000)
    write_synthetic_files(tmp_path / "other", 20_000, seed=1)
    for name in ("movies.dat", "users.dat", "ratings.dat"):
        first = (synthetic[0] / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == first
        assert (tmp_path / "other" / name).read_bytes() != first


def test_every_row_is_good(synthetic, tmp_path):
    folder, report = synthetic
    path = adapted("movielens-1m", folder, tmp_path / "work")
    told = dry_run(load_mapping(path), path.parent)
    assert told.rejected == 0
    assert [x.read for x in told.sources] == [report.films, report.users, 20_000]


def test_too_small_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1,000"):
        write_synthetic_files(tmp_path, 999)
