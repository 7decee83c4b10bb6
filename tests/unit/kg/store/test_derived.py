"""Derived relations: written, replaced, and no part of what a model learns unless asked."""

import pytest

from kg.errors import UsageError
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.schema import Phrase, RelationSchema
from kg.snapshot import SnapshotCache, read_snapshot
from kg.store.derived import MARK, derived_types, replace_derived


def relation(kind="SIMILAR_TO", tail="Book"):
    return RelationSchema(type=kind, head="Book", tail=tail, phrase=Phrase(out="a", back="b"), derived=True)


def rows(*pairs, **properties):
    return [{"head": head, "tail": tail, "properties": properties} for head, tail in pairs]


@pytest.fixture
def shop(fake_store, bookshop):
    ingest(load_mapping(bookshop / "mapping.yaml"), bookshop, fake_store)
    return fake_store


def test_a_second_enrichment_replaces_the_first(shop):
    first = rows(("b1", "b2"), ("b2", "b1"), score=0.9)
    assert replace_derived(shop, {"SIMILAR_TO": (relation(), first)})["SIMILAR_TO"].written == 2
    again = replace_derived(shop, {"SIMILAR_TO": (relation(), rows(("b1", "b2"), ("b1", "b9"), score=0.5))})
    assert (again["SIMILAR_TO"].written, again["SIMILAR_TO"].removed) == (2, 1)
    held = shop.edges["SIMILAR_TO"]
    assert {pair: x["score"] for pair, x in held.items()} == {("b1", "b2"): 0.5, ("b1", "b9"): 0.5}
    assert len({x[MARK] for x in held.values()}) == 1


def test_types_that_are_no_longer_found_are_emptied(shop):
    replace_derived(
        shop, {"MENTIONS_AUTHOR": (relation("MENTIONS_AUTHOR", "Author"), rows(("b9", "Neil Gaiman")))}
    )
    kinds = derived_types(shop.schema(), "MENTIONS_")
    assert kinds == ["MENTIONS_AUTHOR"]
    assert replace_derived(shop, {}, kinds)["MENTIONS_AUTHOR"].removed == 1
    assert shop.edges["MENTIONS_AUTHOR"] == {}


@pytest.mark.parametrize("kind", ["AUTHORED_BY", "BOUGHT"])
def test_what_sources_told_is_not_overwritten(shop, kind):
    before = dict(shop.edges[kind])
    with pytest.raises(UsageError, match=kind):
        replace_derived(shop, {kind: (relation(kind), [])})
    assert shop.edges[kind] == before


def test_models_learn_from_them_only_when_asked(shop, tmp_path):
    cache = SnapshotCache(tmp_path)
    before = cache.load(shop)
    replace_derived(shop, {"SIMILAR_TO": (relation(), rows(("b1", "b2")))})
    assert cache.load(shop).fingerprint == before.fingerprint
    asked = cache.load(shop, derived=True)
    assert asked.relations == (*before.relations, "SIMILAR_TO")
    assert len(asked.triples) == len(before.triples) + 1
    assert cache.load(shop).fingerprint == before.fingerprint
    assert read_snapshot(shop, derived=True).fingerprint == asked.fingerprint
    assert cache.by_fingerprint(asked.fingerprint).schema == asked.schema


def test_a_fact_is_written_as_before_there_were_derived_ones():
    fact = relation().model_copy(update={"derived": False})
    assert "derived" not in fact.model_dump(mode="json")
    assert RelationSchema.model_validate_json(relation().model_dump_json()) == relation()
