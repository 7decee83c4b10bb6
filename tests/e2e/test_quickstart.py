"""The whole road on the real sample: from nothing to explained recommendations over HTTP."""

import json
import re
import time
from pathlib import Path

import pytest

from kg.settings import Settings
from kg.store.connect import open_store

pytestmark = pytest.mark.slow

SCIENCE_FICTION = "I like to watch science fiction movies"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("quickstart") / "home"


@pytest.fixture(scope="module")
def trailmix(home, clean_environment, trailmix_under):
    run = trailmix_under(clean_environment(TRAILMIX_HOME=str(home)))
    yield run
    run("graph", "stop")


@pytest.fixture(scope="module")
def first_run(trailmix):
    return trailmix("quickstart").stdout


@pytest.fixture(scope="module")
def store(first_run, home):
    with open_store(Settings(home=home)) as store:
        yield store


@pytest.fixture(scope="module")
def service(first_run, trailmix):
    with trailmix.serve() as service:
        yield service


@pytest.fixture(scope="module")
def shown_user(first_run):
    return re.search(r"Recommended for user (\S+)", first_run)[1]


def test_prints_ten_explained_recommendations(first_run):
    recommended = first_run.partition("Recommended for user")[2]
    ranks = [int(n) for n in re.findall(r"^ *(\d+)\. \S", recommended, re.MULTILINE)]
    assert ranks == list(range(1, 11))
    assert recommended.count("because you liked *") >= 10
    assert "curl" in first_run


def test_the_evaluation_names_the_baselines(first_run):
    for name in ("trailmix", "popularity", "item_knn", "ease"):
        assert re.search(rf"^\s*{name}\s+0\.\d+", first_run, re.MULTILINE), name


def test_every_rating_user_and_film_arrives(store):
    counts = store.counts()
    assert counts.relations["RATED"] == 100_004
    assert counts.nodes["User"] == 671
    assert counts.nodes["Movie"] == 9_066


def test_second_run_reuses_everything(first_run, trailmix):
    began = time.monotonic()
    again = trailmix("quickstart")
    assert time.monotonic() - began < 60
    assert again.stderr.count("unchanged") == 3
    assert again.stdout == first_run


def test_ingesting_again_leaves_identical_counts(store, trailmix, home: Path):
    before = store.counts()
    trailmix("ingest", str(home / "sample" / "mapping.yaml"))
    assert store.counts() == before


def test_the_service_gives_what_the_command_line_gives(service, trailmix, shown_user):
    said = json.loads(trailmix("recommend", shown_user, "--json").stdout)
    answered = service.recommend(user_id=shown_user)
    assert answered["items"] == said["items"]
    assert answered["user_state"] == "hot"


@pytest.mark.parametrize(
    "request_body",
    [{"user_id": "15"}, {"history": ["1214", "1200", "541"]}, {"text": SCIENCE_FICTION}],
    ids=["user", "history", "text"],
)
def test_each_path_is_in_the_graph(service, store, edges_missing, request_body):
    answer = service.recommend(**request_body)
    assert len(answer["items"]) == 10
    assert all(item["paths"] for item in answer["items"])
    assert edges_missing(store, answer) == []


def test_science_fiction_comes_back(service, store):
    answer = service.recommend(text=SCIENCE_FICTION)
    rows = store.query(
        "MATCH (m:Movie)-[:HAS_GENRE]->(g:Genre {id: 'Sci-Fi'}) WHERE m.id IN $ids RETURN count(m) AS n",
        {"ids": [item["item_id"] for item in answer["items"]]},
    )
    assert rows[0]["n"] >= 8


def test_an_unknown_user_gets_an_answer_that_says_it_is_cold(service):
    answer = service.recommend(user_id="nobody-knows-me")
    assert answer["user_state"] == "cold"
    assert len(answer["items"]) == 10
