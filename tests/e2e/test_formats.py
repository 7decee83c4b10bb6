"""Every published format from the command line, checked only and into the embedded graph."""

import json
import os

import pytest
from published import events_about_wikidata, films, ratings, write_published
from typer.testing import CliRunner

from kg.adapters.registry import ADAPTERS
from scripts.main import app

embedded = pytest.mark.parametrize("server", ["arcadedb"], indirect=True)


def run(*arguments):
    done = CliRunner().invoke(app, ["ingest", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def expected(name):
    """How many users, items and interactions there are to be."""
    if name == "hetrec-lastfm":
        return 2, 3, 3
    if name == "amazon-2023":
        return 1, 2, 2
    if name == "ntriples":
        events = events_about_wikidata()
        return events["userId"].nunique(), 4, len(events)
    liked = ratings()[ratings()["rating"] >= 4] if name == "kgcn" else ratings()
    return liked["userId"].nunique(), len(films()), len(liked)


def held(store):
    schema, counts = store.schema(), store.counts()
    return (
        counts.nodes[schema.user.label],
        counts.nodes[schema.item.label],
        sum(counts.relations[x.type] for x in schema.interactions),
    )


@embedded
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_format_arrives_as_it_was_checked(name, store, tmp_path):
    write_published(name, tmp_path / "data")
    checked = run(tmp_path / "data", "--format", name, "--dry-run")
    assert checked["run_id"] is None
    assert store.query("MATCH (n) RETURN n LIMIT 1") == []
    done = run(tmp_path / "data", "--format", name)
    for before, after in zip(checked["sources"], done["sources"], strict=True):
        assert (before["name"], before["read"]) == (after["name"], after["read"])
        assert (before["written"], before["unchanged"]) == (0, before["read"])
        assert after["read"] == after["written"] + after["unchanged"]
        assert before["rejected"] == after["rejected"] == 0
    assert held(store) == expected(name)
    again = run(tmp_path / "data", "--format", name)
    assert again["totals"]["written"] == 0
    assert held(store) == expected(name)


def test_the_command_in_a_process_of_its_own_on_each_engine(store, trailmix_under, tmp_path):
    trailmix = trailmix_under(os.environ)
    for name in ("movielens-1m", "recbole"):
        store.clear()
        write_published(name, tmp_path / name)
        told = trailmix("ingest", str(tmp_path / name), "--format", name, "--json")
        assert json.loads(told.stdout)["totals"]["rejected"] == 0
        assert held(store) == expected(name)
