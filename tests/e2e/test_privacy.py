"""Forgotten by the command line, and the next model does not contain them."""

import json
import shutil

import pytest
from bookshop_readers import BOOKSHOP, ORDERS, READERS

from kg.snapshot import SnapshotCache


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_the_next_model_does_not_contain_the_user(store, store_settings, trailmix_here, tmp_path):
    shop = shutil.copytree(BOOKSHOP, tmp_path / "bookshop")
    (shop / "readers.tsv").write_text(READERS)
    (shop / "orders.csv").write_text(ORDERS)
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    first = json.loads(trailmix_here("train", "--json").stdout)
    told = json.loads(trailmix_here("user", "export", "r6").stdout)
    assert [x["id"] for x in told["events"]] == ["b10", "b9"]
    assert told["copies"] == {"snapshots": [first["snapshot"]], "models": [first["model_version"]]}

    said = trailmix_here("user", "forget", "r6").stdout
    assert "user r6 and 2 relations removed" in said
    assert first["model_version"] in said
    home = store_settings.home
    assert not [x for x in home.rglob("*") if x.is_file() and b"Reader No6" in x.read_bytes()]
    assert [x.name for x in store_settings.models_folder.iterdir()] == []

    second = json.loads(trailmix_here("train", "--json").stdout)
    assert second["model_version"] != first["model_version"]
    snapshot = SnapshotCache(store_settings.snapshots_folder).by_fingerprint(second["snapshot"])
    assert snapshot.users.ids == ("r1", "r2", "r3", "r4", "r5")
    assert store.read_user("r6") is None
