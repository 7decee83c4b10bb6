"""One content, one hash, on each engine."""

from pathlib import Path

import pytest

from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.store.graph_hash import graph_content

BOOKSHOP = Path(__file__).parents[1] / "data" / "bookshop"

HELD = {
    "text": 'it\'s "ünïcödé" 漢字 🎬\n\\u0041',
    "empty": "",
    "whole": 4,
    "real": 4.0,
    "big": 1e300,
    "minus": -0.0,
    "yes": True,
    "texts": ["a", ""],
    "wholes": [1, 2],
    "reals": [0.5, 1.0],
    "none_of_many": [],
}


def fill(store):
    ingest(load_mapping(BOOKSHOP / "mapping.yaml"), BOOKSHOP, store)
    store.upsert_nodes("Author", [{"id": "hostile", "properties": HELD}])
    store.upsert_relations("AUTHORED_BY", [{"head": "b1", "tail": "hostile", "properties": HELD}])


def test_everything_held_comes_back(store):
    fill(store)
    authors = dict(row for batch in store.scan_nodes("Author") for row in batch)
    assert authors["hostile"] == HELD
    by = {(head, tail): held for batch in store.scan_relations("AUTHORED_BY") for head, tail, held in batch}
    assert by[("b1", "hostile")] == HELD
    assert len(by) == 5


def test_the_hash_stays_until_the_content_changes(store):
    fill(store)
    first = graph_content(store)
    assert (first.nodes, first.relations) == (11, 11)
    store.query("MATCH (b:Book {id: 'b1'}) SET b.trailmix_run = 'r2', b.gone = null", write=True)
    assert graph_content(store) == first
    store.upsert_relations("BOUGHT", [{"head": "r1", "tail": "b1", "properties": {"value": 1.0}}])
    assert graph_content(store).hash != first.hash


@pytest.mark.neo4j
def test_both_servers_give_the_same_hash(embedded_store, neo4j_store):
    fill(embedded_store)
    fill(neo4j_store)
    assert graph_content(embedded_store) == graph_content(neo4j_store)
