"""The content hash: what counts, and what does not."""

import hashlib

import pytest

from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema
from kg.store.graph_hash import content, graph_content

LABELS = (
    LabelSchema(label="Reader", role="user"),
    LabelSchema(label="Book", role="item", name_property="title"),
    LabelSchema(label="Author", role="entity"),
)
BY = RelationSchema(type="BY", head="Book", tail="Author", phrase=Phrase(out="by", back="who wrote"))
SCHEMA = GraphSchema(labels=LABELS, relations=(BY,), interactions=(InteractionSchema(type="READ"),))


def fill(store, schema=SCHEMA):
    store.prepare(schema)
    store.upsert_nodes("Reader", [{"id": "r1", "properties": {}}])
    store.upsert_nodes(
        "Book", [{"id": x, "properties": {"title": x.upper(), "pages": 7}} for x in ("b1", "b2")]
    )
    store.upsert_nodes("Author", [{"id": "a1", "properties": {"name": "Ann"}}])
    store.upsert_relations("BY", [{"head": x, "tail": "a1", "properties": {}} for x in ("b1", "b2")])
    store.upsert_relations("READ", [{"head": "r1", "tail": "b1", "properties": {"value": 4.0, "time": 9}}])


def test_the_hash_is_that_of_the_sum(fake_store):
    fake_store.prepare(GraphSchema(labels=LABELS[:2], interactions=(InteractionSchema(type="READ"),)))
    for reader in ("r1", "r2"):
        fake_store.upsert_nodes("Reader", [{"id": reader, "properties": {"age": 7, "trailmix_run": "x"}}])
    ones = ['["node","Reader","r1",{"age":7}]', '["node","Reader","r2",{"age":7}]']
    total = sum(int.from_bytes(hashlib.sha256(x.encode()).digest()) for x in ones) % 2**256
    told = '[[{"label":"Reader","name_property":"name","role":"user"}],[],[]]'
    expected = hashlib.sha256(total.to_bytes(32) + hashlib.sha256(told.encode()).digest()).hexdigest()
    found = graph_content(fake_store)
    assert (found.hash, found.nodes, found.relations) == (expected, 2, 0)


def test_order_and_provenance_do_not_count(fake_store, other_store):
    fill(fake_store)
    turned = SCHEMA.model_copy(update={"labels": LABELS[::-1]})
    fill(other_store, turned)
    other_store.nodes["Book"] = {
        external: dict(reversed([*held.items(), ("trailmix_run", "r7")]))
        for external, held in reversed(other_store.nodes["Book"].items())
    }
    other_store.edges["BY"][("b1", "a1")]["trailmix_run"] = "r7"
    assert graph_content(fake_store) == graph_content(other_store)


def test_a_type_that_nothing_has_is_no_content(fake_store, other_store):
    fill(fake_store)
    fill(other_store)
    more = (*SCHEMA.interactions, InteractionSchema(type="SOLD"))
    other_store.prepare(SCHEMA.model_copy(update={"interactions": more}))
    assert graph_content(fake_store) == graph_content(other_store)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.nodes["Book"].pop("b2"),
        lambda s: s.nodes["Book"]["b1"].update(pages=8),
        lambda s: s.nodes["Book"]["b1"].update(pages=7.0),
        lambda s: s.nodes["Book"]["b1"].update(pages="7"),
        lambda s: s.nodes["Book"]["b1"].pop("pages"),
        lambda s: s.nodes["Book"].update(b3=s.nodes["Book"].pop("b2")),
        lambda s: s.nodes["Author"].update(a2={}),
        lambda s: s.edges["BY"].pop(("b2", "a1")),
        lambda s: s.edges["READ"][("r1", "b1")].update(value=3.0),
        lambda s: s.edges["READ"].update({("r1", "b2"): s.edges["READ"].pop(("r1", "b1"))}),
        lambda s: s.prepare(
            SCHEMA.model_copy(update={"interactions": (InteractionSchema(type="READ", liked_at_least=4),)})
        ),
    ],
)
def test_every_change_of_content_counts(fake_store, change):
    fill(fake_store)
    before = graph_content(fake_store).hash
    change(fake_store)
    assert graph_content(fake_store).hash != before


def test_content_is_what_no_run_left():
    assert content({"a": 1, "trailmix_run": "x", "trail": 2}) == {"a": 1, "trail": 2}
