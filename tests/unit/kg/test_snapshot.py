import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from kg.errors import ArtifactError, GraphSchemaError
from kg.graph import NO_TIME
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.item_properties import ItemProperties
from kg.snapshot import SnapshotCache, read_snapshot


@pytest.fixture
def shop_store(fake_store, bookshop):
    ingest(load_mapping(bookshop / "mapping.yaml"), bookshop, fake_store)
    return fake_store


@pytest.fixture
def cache(tmp_path):
    return SnapshotCache(tmp_path / "snapshots")


def test_what_is_read(shop_store):
    snapshot = read_snapshot(shop_store)
    assert [v.label for v in snapshot.vocabularies] == ["Book", "Author", "Publisher", "Reader"]
    assert snapshot.items.ids == ("b1", "b10", "b2", "b9")
    assert snapshot.names[:4] == ("Good Omens", "Stardust", "Mort", "Beowulf")
    assert snapshot.names[-2:] == ("Ada Lovelace", "Alan Turing")
    assert snapshot.texts[1:] == ("Stardust by Neil Gaiman. A fallen star.", "Mort by Terry Pratchett.", "")
    # books 0..3, Gaiman 4, Pratchett 5, Avon 6, Gollancz 7, readers 8 and 9
    assert snapshot.relations == ("AUTHORED_BY", "PUBLISHED_BY")
    assert np.column_stack(
        (snapshot.triples.head, snapshot.triples.relation, snapshot.triples.tail)
    ).tolist() == [
        *([0, 0, 4], [0, 0, 5], [0, 1, 7]),
        *([1, 0, 4], [1, 1, 6]),
        *([2, 0, 5], [2, 1, 7]),
    ]
    events = snapshot.interactions
    assert events.user.tolist() == [0, 0, 1]
    assert events.item.tolist() == [0, 2, 2]
    assert events.value.tolist() == [4, 2, 3]
    assert events.time.tolist() == [1704240000, 1704153610, NO_TIME]
    assert events.liked.tolist() == [True, False, True]  # from 3 on
    assert events.kind.tolist() == [0, 0, 0]
    dtypes = [getattr(events, x).dtype.name for x in ("user", "item", "value", "time", "kind", "liked")]
    assert dtypes == ["int32", "int32", "float32", "int64", "int8", "bool"]


def test_groups_of_near_duplicates(shop_store, cache):
    assert read_snapshot(shop_store).same_as == ()
    shop_store.nodes["Book"]["b1"]["same_as"] = "omens"
    shop_store.nodes["Book"]["b9"]["same_as"] = "omens"
    shop_store.nodes["Book"]["b2"]["same_as"] = 7  # of another loader
    snapshot = read_snapshot(shop_store)
    assert snapshot.same_as == ("omens", "", "7", "omens")
    assert snapshot.item_group.tolist() == [0, 1, 2, 0]
    cache.save(snapshot)
    assert cache.by_fingerprint(snapshot.fingerprint).same_as == snapshot.same_as


def test_the_order_of_writing_does_not_show(shop_store, other_store):
    other_store.prepare(shop_store.schema())
    for label, nodes in reversed(shop_store.nodes.items()):
        other_store.upsert_nodes(label, [{"id": x, "properties": p} for x, p in sorted(nodes.items())])
    for kind, edges in reversed(shop_store.edges.items()):
        rows = [{"head": h, "tail": t, "properties": p} for (h, t), p in sorted(edges.items())]
        other_store.upsert_relations(kind, rows)
    assert read_snapshot(other_store).fingerprint == read_snapshot(shop_store).fingerprint


def test_an_empty_graph_says_so(fake_store):
    with pytest.raises(GraphSchemaError):
        read_snapshot(fake_store)


def test_relations_without_any_row(shop_store):
    shop_store.edges.clear()
    snapshot = read_snapshot(shop_store)
    assert (len(snapshot.triples), len(snapshot.interactions)) == (0, 0)


def test_an_unchanged_store_is_not_read_again(shop_store, cache):
    first = cache.load(shop_store)
    reads = shop_store.reads
    again = cache.load(shop_store)
    assert shop_store.reads == reads
    assert again.fingerprint == first.fingerprint
    assert (again.schema, again.names, again.texts, again.source) == (
        *(first.schema, first.names, first.texts, first.source),
    )
    assert cache.latest().fingerprint == first.fingerprint


def test_a_changed_store_is_read_again_and_the_old_content_stays(shop_store, cache):
    first = cache.load(shop_store)
    shop_store.upsert_relations("BOUGHT", [{"head": "r2", "tail": "b9", "properties": {"value": 5.0}}])
    second = cache.load(shop_store)
    assert len(second.interactions) == len(first.interactions) + 1
    assert cache.by_fingerprint(first.fingerprint).items == first.items


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"Good Omens") if path.suffix == ".json" else 200] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["strings.json", "arrays.npz"])
@pytest.mark.parametrize(
    "damage", [_truncate, _flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")]
)
def test_damage_is_noticed_logged_and_rebuilt(shop_store, cache, tmp_path, name, damage):
    first = cache.load(shop_store)
    damage(tmp_path / "snapshots" / first.fingerprint / name)
    with pytest.raises(ArtifactError):
        cache.by_fingerprint(first.fingerprint)
    with capture_logs() as logs:
        again = cache.load(shop_store)
    assert [entry["event"] for entry in logs] == ["snapshot_rebuilt"]
    assert again.fingerprint == first.fingerprint
    assert cache.by_fingerprint(first.fingerprint).fingerprint == first.fingerprint


def test_content_under_another_name_is_noticed(shop_store, cache, tmp_path):
    first = cache.load(shop_store)
    shutil.copytree(tmp_path / "snapshots" / first.fingerprint, tmp_path / "snapshots" / "0123456789abcdef")
    with pytest.raises(ArtifactError, match="another hash"):
        cache.by_fingerprint("0123456789abcdef")


def test_a_damaged_pointer_is_rebuilt(shop_store, cache, tmp_path):
    first = cache.load(shop_store)
    (tmp_path / "snapshots" / "latest.json").write_text("{")
    with capture_logs() as logs:
        assert cache.load(shop_store).fingerprint == first.fingerprint
    assert [entry["event"] for entry in logs] == ["snapshot_pointer_damaged"]
    assert json.loads((tmp_path / "snapshots" / "latest.json").read_text())["source"] == first.source


def test_nothing_there_yet(cache):
    with pytest.raises(ArtifactError, match="no snapshot"):
        cache.latest()
    with pytest.raises(ArtifactError, match="no snapshot cafe"):
        cache.by_fingerprint("cafe")


def test_prune_keeps_what_models_need_and_the_newest(shop_store, cache, tmp_path):
    made = []
    for stars in range(6):
        shop_store.upsert_relations(
            "BOUGHT", [{"head": "r2", "tail": "b9", "properties": {"value": float(stars)}}]
        )
        made.append(cache.load(shop_store).fingerprint)
    cache.prune(needed=[made[0]])
    left = {path.name for path in (tmp_path / "snapshots").iterdir() if path.is_dir()}
    assert left == {made[0], *made[3:]}
    assert cache.latest().fingerprint == made[5]


def test_years_are_read_where_names_are_shared(shop_store, cache):
    for book, year in (("b1", 1990), ("b2", 1987), ("b9", 2007.0)):
        shop_store.nodes["Book"][book]["year"] = year
    assert read_snapshot(shop_store).years == {}
    shop_store.nodes["Book"]["b9"]["title"] = "good omens"
    shop_store.nodes["Book"]["b10"]["title"] = "Good Omens"
    snapshot = read_snapshot(shop_store)
    assert snapshot.years == {0: "1990", 3: "2007"}
    assert snapshot.display_names[:4] == (
        "Good Omens (1990)",
        "Good Omens [b10]",
        "Mort",
        "good omens (2007)",
    )
    cache.save(snapshot)
    assert cache.by_fingerprint(snapshot.fingerprint).years == snapshot.years


def test_properties_of_items(shop_store, cache):
    """The bookshop has pages and in_print; the others are as other programs may store them."""
    shop_store.nodes["Book"]["b1"] |= {"tags": ["a", "b"], "price": 5, "title": "no column", "odd~name": 1}
    shop_store.nodes["Book"]["b9"] |= {"price": "free", "plot": "x" * 1_000}
    with capture_logs() as logs:
        snapshot = read_snapshot(shop_store)
    assert [(x["event"], x["names"]) for x in logs] == [("properties_left_out", ["odd~name"])]
    found = [snapshot.item_properties.of(item) for item in range(4)]
    assert found == [
        {"in_print": True, "pages": 288, "price": "5", "tags": ["a", "b"]},
        {"in_print": True},
        {"in_print": False, "pages": 272},
        {"in_print": True, "pages": 240, "price": "free"},
    ]
    assert snapshot.item_properties.columns["plot"].present.tolist() == [False, False, False, True]
    cache.save(snapshot)
    again = cache.by_fingerprint(snapshot.fingerprint)
    assert [again.item_properties.of(item) for item in range(4)] == found
    assert list(again.item_properties.columns) == list(snapshot.item_properties.columns)


def test_a_property_is_part_of_the_fingerprint(shop_store):
    before = read_snapshot(shop_store).fingerprint
    shop_store.nodes["Book"]["b1"]["pages"] = 289
    assert read_snapshot(shop_store).fingerprint != before


def test_snapshots_without_properties_load_and_are_read_again(shop_store, cache, tmp_path):
    """As an earlier version wrote them."""
    snapshot = replace(read_snapshot(shop_store), item_properties=ItemProperties(), source=shop_store.state())
    cache.save(snapshot)
    path = tmp_path / "snapshots" / snapshot.fingerprint / "strings.json"
    strings = json.loads(path.read_text())
    del strings["properties"]
    path.write_text(json.dumps(strings))
    assert len(cache.by_fingerprint(snapshot.fingerprint).item_properties) == 0
    assert len(cache.load(shop_store).item_properties) == 2


def test_the_commonest_properties_stay(shop_store, monkeypatch):
    monkeypatch.setattr("kg.snapshot.MAX_PROPERTIES", 1)
    shop_store.nodes["Book"]["b1"]["rare"] = 1
    with capture_logs() as logs:
        snapshot = read_snapshot(shop_store)
    assert list(snapshot.item_properties.columns) == ["in_print"]
    assert logs[0]["names"] == ["pages", "rare"]
