"""The whole road on the real sample: from nothing to explained recommendations over HTTP."""

import json
import re
import time

import pytest

pytestmark = pytest.mark.slow

SCIENCE_FICTION = "I like to watch science fiction movies"


@pytest.fixture(scope="module")
def shown_user(sample):
    return re.search(r"Recommended for user (\S+)", sample.printed)[1]


def test_prints_ten_explained_recommendations(sample):
    recommended = sample.printed.partition("Recommended for user")[2]
    ranks = [int(n) for n in re.findall(r"^ *(\d+)\. \S", recommended, re.MULTILINE)]
    assert ranks == list(range(1, 11))
    assert recommended.count("because you liked *") >= 10
    assert "curl" in sample.printed


def test_the_evaluation_names_the_baselines(sample):
    for name in ("trailmix", "popularity", "item_knn", "ease"):
        assert re.search(rf"^\s*{name}\s+0\.\d+", sample.printed, re.MULTILINE), name


def test_every_rating_user_and_film_arrives(sample_store):
    counts = sample_store.counts()
    assert counts.relations["RATED"] == 100_004
    assert counts.nodes["User"] == 671
    assert counts.nodes["Movie"] == 9_066


def test_second_run_reuses_everything(sample):
    began = time.monotonic()
    again = sample.trailmix("quickstart")
    assert time.monotonic() - began < 60
    assert again.stderr.count("unchanged") == 3
    assert again.stdout == sample.printed


def test_ingesting_again_leaves_identical_counts(sample, sample_store):
    before = sample_store.counts()
    sample.trailmix("ingest", str(sample.home / "sample" / "mapping.yaml"))
    assert sample_store.counts() == before


def test_the_service_gives_what_the_command_line_gives(sample, sample_service, shown_user):
    said = json.loads(sample.trailmix("recommend", shown_user, "--json").stdout)
    answered = sample_service.recommend(user_id=shown_user)
    assert answered["items"] == said["items"]
    assert answered["user_state"] == "hot"


@pytest.mark.parametrize(
    "request_body",
    [{"user_id": "15"}, {"history": ["1214", "1200", "541"]}, {"text": SCIENCE_FICTION}],
    ids=["user", "history", "text"],
)
def test_each_path_is_in_the_graph(sample_service, sample_store, edges_missing, request_body):
    answer = sample_service.recommend(**request_body)
    assert len(answer["items"]) == 10
    assert all(item["paths"] for item in answer["items"])
    assert edges_missing(sample_store, answer) == []


def test_science_fiction_comes_back(sample_service, sample_store):
    answer = sample_service.recommend(text=SCIENCE_FICTION)
    rows = sample_store.query(
        "MATCH (m:Movie)-[:HAS_GENRE]->(g:Genre {id: 'Sci-Fi'}) WHERE m.id IN $ids RETURN count(m) AS n",
        {"ids": [item["item_id"] for item in answer["items"]]},
    )
    assert rows[0]["n"] >= 8


def test_an_unknown_user_gets_an_answer_that_says_it_is_cold(sample_service):
    answer = sample_service.recommend(user_id="nobody-knows-me")
    assert answer["user_state"] == "cold"
    assert len(answer["items"]) == 10
