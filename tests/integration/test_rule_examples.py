"""The examples of docs/rules.md on each engine, on a graph small enough to answer by hand."""

import json
import re
import shutil
from pathlib import Path

import pytest

from kg.errors import StatementRefusedError
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.store.store import ServerStore
from service.rules.contract import RuleDefinition
from service.rules.evaluate import RuleLimits, evaluate

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "rules.md"
SAMPLE = ROOT / "kg" / "adapters" / "sample_mapping.yaml"

MOVIES = """\
id,title,year,genres,directors,writers,cast,languages,countries,companies,decade
m1,Alien,1979,Horror,Scott,,Weaver,English,,,1970s
m2,Aliens,1986,Horror|Action,Cameron,Cameron,Weaver,English,,,1980s
m3,Blade Runner,1982,,Scott,,,English,,,1980s
m4,Unseen,1999,Horror,,,,,,,1990s
"""
RATINGS = """\
user,movie,rating,timestamp
u1,m1,5,1000000000
u1,m3,2,1000000100
u2,m1,4,1000000200
u2,m2,4,1000000300
"""

ANSWERS = [
    ("deny", {"m1", "m2", "m4"}, ()),
    ("allow", {"m1", "m2", "m3"}, ()),
    ("boost", {"m2"}, (1.0,)),
    ("pin", ("m1", "m2"), ()),
]
"""Horror; films of two decades; Aliens, .5 for each of its two genres; means of 4.5, 4 and 2."""


@pytest.fixture
def films(store: ServerStore, tmp_path: Path) -> ServerStore:
    shutil.copy(SAMPLE, tmp_path / "mapping.yaml")
    (tmp_path / "movies.csv").write_text(MOVIES)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    ingest(load_mapping(tmp_path / "mapping.yaml"), tmp_path, store)
    return store


def test_the_examples_return_what_they_are_said_to(films: ServerStore) -> None:
    examples = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) == len(ANSWERS)
    for example, (effect, ids, weights) in zip(examples, ANSWERS, strict=True):
        rule = RuleDefinition.model_validate(json.loads(example))
        found = evaluate(films, rule, RuleLimits())
        assert rule.effect == effect
        assert (found.ids if isinstance(ids, tuple) else set(found.ids)) == ids
        assert (found.weights, found.unknown) == (weights, 0)


def test_ids_of_another_label_are_told(films: ServerStore) -> None:
    """A genre has the id "Horror", which no film has."""
    rule = RuleDefinition(cypher="MATCH (g:Genre) RETURN g.id AS id", effect="deny")
    with pytest.raises(
        StatementRefusedError, match=r"none of the 2 ids .* is that of a Movie; return the id"
    ):
        evaluate(films, rule, RuleLimits())


def test_no_row_is_no_error(films: ServerStore) -> None:
    text = "MATCH (m:Movie {id: $id}) RETURN m.id AS id"
    rule = RuleDefinition(cypher=text, parameters={"id": "none"}, effect="deny")
    assert evaluate(films, rule, RuleLimits()).ids == ()
