"""The saved queries for Neo4j Browser, on each engine, on a graph small enough to answer by hand."""

import re
import shutil
from pathlib import Path

import pytest

from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping

ROOT = Path(__file__).parents[2]
BROWSER = ROOT / "docs" / "browser"
SAMPLE = ROOT / "kg" / "adapters" / "sample_mapping.yaml"

MOVIES = """\
id,title,year,genres,directors,writers,cast,languages,countries,companies,decade
m1,Alien,1979,Horror,Scott,,Weaver,English,,,1970s
m2,Aliens,1986,Horror|Action,Cameron,Cameron,Weaver,English,,,1980s
m3,Blade Runner,1982,,Scott,,,English,,,1980s
m4,Unseen,1999,Horror,,,,,,,1990s
m5,Bare,,,,,,,,,
"""
RATINGS = """\
user,movie,rating,timestamp
u1,m1,5,1000000000
u1,m3,2,1000000100
u2,m1,4,1000000200
u2,m2,4,1000000300
"""
GIVEN = {"user": "u1", "item": "m2"}

ANSWERS = {
    "01-labels": [
        ("Movie", 5),
        ("Person", 4),
        ("Decade", 3),
        ("Genre", 2),
        ("User", 2),
        ("Language", 1),
    ],
    "02-relations": [
        ("Movie", "HAS_GENRE", "Genre", 4),
        ("User", "RATED", "Movie", 4),
        ("Movie", "RELEASED_IN", "Decade", 4),
        ("Movie", "DIRECTED_BY", "Person", 3),
        ("Movie", "IN_LANGUAGE", "Language", 3),
        ("Movie", "STARS", "Person", 2),
        ("Movie", "WRITTEN_BY", "Person", 1),
    ],
    "03-user-events": [
        ("Blade Runner", 2.0, False, "2001-09-09T01:48:20Z"),
        ("Alien", 5.0, True, "2001-09-09T01:46:40Z"),
    ],
    "05-user-taste": [
        ("Decade", "1970s", 1),
        ("Genre", "Horror", 1),
        ("Language", "English", 1),
        ("Person", "Scott", 1),
        ("Person", "Weaver", 1),
    ],
    "06-why-this-item": [
        ("Alien", "HAS_GENRE", "Horror", "HAS_GENRE", "Aliens"),
        ("Alien", "IN_LANGUAGE", "English", "IN_LANGUAGE", "Aliens"),
        ("Alien", "STARS", "Weaver", "STARS", "Aliens"),
    ],
    "07-liked-together": [("Alien", 1)],
    "08-alike-by-facts": [
        ("Alien", 3, ["English", "Horror", "Weaver"]),
        ("Blade Runner", 2, ["1980s", "English"]),
        ("Unseen", 1, ["Horror"]),
    ],
    "09-hubs": [
        ("Genre", "Horror", 3),
        ("Language", "English", 3),
        ("Decade", "1980s", 2),
        ("Person", "Cameron", 2),
        ("Person", "Scott", 2),
        ("Person", "Weaver", 2),
        ("Decade", "1970s", 1),
        ("Decade", "1990s", 1),
        ("Genre", "Action", 1),
    ],
    "10-orphans": [("Movie", "m5", "Bare"), ("Person", "Nobody", "Nobody")],
    # Alien has 4.5 of two; Aliens 4 and Blade Runner 2 of one each
    "11-popularity-rating": [("1", 2, 2, 3.0, 1), ("2 to 4", 1, 2, 4.5, 2)],
    "12-cold-items": [("m5", "Bare", 0, False), ("m4", "Unseen", 2, True)],
}


@pytest.fixture
def films(store, tmp_path):
    shutil.copy(SAMPLE, tmp_path / "mapping.yaml")
    (tmp_path / "movies.csv").write_text(MOVIES)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    ingest(load_mapping(tmp_path / "mapping.yaml"), tmp_path, store)
    store.upsert_nodes("Person", [{"id": "Nobody", "properties": {"name": "Nobody"}}])
    return store


def asked(store, name):
    text = (BROWSER / "queries" / f"{name}.cypher").read_text()
    return store.query(text, {key: value for key, value in GIVEN.items() if f"${key}" in text})


def test_every_table_is_as_worked_by_hand(films):
    found = {name: [tuple(row.values()) for row in asked(films, name)] for name in ANSWERS}
    found["08-alike-by-facts"] = [(film, n, sorted(x)) for film, n, x in found["08-alike-by-facts"]]
    assert found == ANSWERS


def test_the_picture_of_a_user_holds_the_facts_of_what_they_liked(films):
    rows = asked(films, "04-user-graph")
    assert {row["u"]["id"] for row in rows} == {"u1"}
    assert {row["m"]["title"] for row in rows} == {"Alien"}
    assert {(row["fact"]["type"], row["entity"]["id"]) for row in rows} == {
        ("RELEASED_IN", "1970s"),
        ("IN_LANGUAGE", "English"),
        ("STARS", "Weaver"),
        ("DIRECTED_BY", "Scott"),
        ("HAS_GENRE", "Horror"),
    }


def test_there_are_twelve_each_with_a_title_its_parameters_and_a_line_in_the_guide():
    files = sorted((BROWSER / "queries").glob("*.cypher"))
    assert {x.stem for x in files} == {*ANSWERS, "04-user-graph"}
    assert len(files) == 12
    guide = (BROWSER / "README.md").read_text()
    for file in files:
        text = file.read_text()
        assert re.match(r"// [A-Z]", text), file
        used = set(re.findall(r"\$(\w+)", text))
        assert set(re.findall(r"^// :param (\w+) => ", text, re.MULTILINE)) == used
        line = next(x for x in guide.splitlines() if f"(queries/{file.name})" in x)
        assert set(re.findall(r"`(\w+)`", line)) == used


def test_the_style_sheet_captions_every_label_of_the_sample_by_its_name():
    rules = dict(re.findall(r"^node\.(\w+) \{.*?caption: \"\{(\w+)\}\";", STYLE, re.MULTILINE | re.DOTALL))
    assert rules == {x.label: x.name_property for x in load_mapping(SAMPLE).graph_schema().labels}
    assert STYLE.count("{\n") == STYLE.count("\n}")


STYLE = (BROWSER / "trailmix.grass").read_text()
