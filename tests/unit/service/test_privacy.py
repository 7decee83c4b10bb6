"""A user is told, and forgotten wherever there is a copy; what may be a copy goes too."""

import json

import pytest

from embeddings.model.manifest import Manifest
from embeddings.model.versions import activations, roll_back, use_version
from kg.errors import ArtifactError, UnknownIdError
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.settings import Settings
from kg.snapshot import SnapshotCache, read_snapshot
from service.privacy import export_user, find_copies, forget_user
from service.retraining import training_lock

NOT_A_MODEL = {"encoder": "e", "nodes": "n", "config": {}, "inputs": "i", "versions": {}, "metrics": {}}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def shop(fake_store, bookshop):
    """Books by authors, read by r1 (two orders) and r2 (one)."""
    ingest(load_mapping(bookshop / "mapping.yaml"), bookshop, fake_store)
    return fake_store


def trained(settings, name, snapshot, **more):
    """The manifest of a model, which is all that is looked at, and the model in use."""
    folder = settings.models_folder / name
    folder.mkdir(parents=True)
    manifest = Manifest(seed=0, snapshot=snapshot, model_version=name, **NOT_A_MODEL, **more)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    (folder / "model.safetensors").write_bytes(b"rows of users")
    (settings.models_folder / "latest").write_text(name)
    return folder


def snapshotted(settings, store):
    snapshot = read_snapshot(store)
    SnapshotCache(settings.snapshots_folder).save(snapshot)
    return snapshot.fingerprint


def names(paths):
    return {path.name for path in paths}


def everything(settings):
    lock = settings.home / "retraining.lock"
    files = [path for path in settings.home.rglob("*") if path.is_file() and path != lock]
    return b"".join([str(files).encode(), *(path.read_bytes() for path in files)])


def test_all_that_is_stored_is_told(shop, settings):
    with_user = snapshotted(settings, shop)
    trained(settings, "m1", with_user)
    shop.provenance["Reader", "r1"] = "run7"
    told = export_user(settings, shop, "r1")
    assert (told["label"], told["id"], told["relations"]) == ("Reader", "r1", [])
    assert told["properties"] == {"id": "r1", "name": "Ada Lovelace", "trailmix_run": "run7"}
    (run,) = shop.records
    assert [(x["type"], x["id"], x["properties"]) for x in told["events"]] == [
        ("BOUGHT", "b1", {"value": 4.0, "time": 1704240000, "trailmix_run": run}),
        ("BOUGHT", "b2", {"value": 2.0, "time": 1704153610, "trailmix_run": run}),
    ]
    assert told["copies"] == {"snapshots": [with_user], "models": ["m1"]}
    json.dumps(told)


def test_nothing_of_the_user_is_left(shop, settings):
    before = snapshotted(settings, shop)
    trained(settings, "m1", before)
    assert b"Ada Lovelace" in everything(settings)
    done = forget_user(settings, shop, "r1")
    assert (done.in_graph, done.relations, names(done.removed), done.kept) == (True, 2, {"m1", before}, ())
    assert everything(settings) == b"[]"
    assert read_snapshot(shop).users.ids == ("r2",)
    assert set(shop.edges["BOUGHT"]) == {("r2", "b2")}
    with pytest.raises(UnknownIdError, match="no Reader has the id 'r1'"):
        forget_user(settings, shop, "r1")
    with pytest.raises(UnknownIdError):
        export_user(settings, shop, "r1")


def test_what_never_held_the_user_stays(shop, settings):
    before = snapshotted(settings, shop)
    trained(settings, "m1", before)
    shop.upsert_nodes("Reader", [{"id": "r3", "properties": {"name": "Grace Hopper"}}])
    with_new = snapshotted(settings, shop)
    trained(settings, "m2", with_new)
    done = forget_user(settings, shop, "r3")
    assert names(done.removed) == {"m2", with_new}
    assert names(settings.models_folder.iterdir()) == {"m1"}  # and no note that the other is in use
    assert SnapshotCache(settings.snapshots_folder).by_fingerprint(before).users.ids == ("r1", "r2")
    assert not (settings.snapshots_folder / "latest.json").exists()


def test_a_ranking_learnt_with_the_user_goes_too(shop, settings):
    with_user = snapshotted(settings, shop)
    shop.delete_user("r1")
    without = snapshotted(settings, shop)
    trained(settings, "refreshed", without, ranked_on=with_user)
    trained(settings, "anew", without)
    assert names(forget_user(settings, shop, "r1").removed) == {"refreshed", with_user}
    assert names(settings.models_folder.iterdir()) == {"anew", "latest"}


def test_models_can_be_kept_until_the_next_is_trained(shop, settings):
    old = snapshotted(settings, shop)
    trained(settings, "m1", old)
    shop.upsert_nodes("Author", [{"id": "new", "properties": {}}])
    unneeded = snapshotted(settings, shop)
    done = forget_user(settings, shop, "r1", keep_models=True)
    assert (names(done.removed), names(done.kept)) == ({unneeded}, {"m1", old})
    assert (settings.models_folder / "latest").read_text() == "m1"
    trained(settings, "m2", snapshotted(settings, shop))
    again = forget_user(settings, shop, "r1")
    assert (again.in_graph, names(again.removed), again.kept) == (False, {"m1", old}, ())
    assert names(settings.models_folder.iterdir()) == {"m2", "latest"}
    assert find_copies(settings, "r1").snapshots == ()


def test_what_cannot_be_read_goes_too(shop, settings):
    snapshotted(settings, shop)
    harmed = settings.snapshots_folder / "0123456789abcdef"
    half = settings.snapshots_folder / ".77.part"
    for folder in (harmed, half):
        folder.mkdir()
    (harmed / "strings.json").write_text("{")
    trained(settings, "on-harmed", harmed.name)
    trained(settings, "on-missing", "fedcba9876543210")
    (settings.models_folder / ".part-x").mkdir()
    unclear = {harmed.name, half.name, "on-harmed", "on-missing", ".part-x"}
    assert names(find_copies(settings, "r1").unclear) == unclear
    assert names(forget_user(settings, shop, "r1").removed) >= unclear
    assert everything(settings) == b"[]"


def test_interrupted_is_completed_by_doing_it_again(shop, settings, monkeypatch):
    fingerprint = snapshotted(settings, shop)
    trained(settings, "m1", fingerprint)
    with monkeypatch.context() as patch:
        patch.setattr(SnapshotCache, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            forget_user(settings, shop, "r1")
    done = forget_user(settings, shop, "r1")
    assert (done.in_graph, names(done.removed)) == (False, {fingerprint})
    assert everything(settings) == b"[]"


def test_nobody_is_forgotten_while_a_service_trains(shop, settings):
    """That training may have read the user already, and would bring the user back in a model."""
    before = snapshotted(settings, shop)
    with training_lock(settings), pytest.raises(ArtifactError, match="nothing was removed: forget the user"):
        forget_user(settings, shop, "r1")
    assert find_copies(settings, "r1").snapshots == (settings.snapshots_folder / before,)
    assert forget_user(settings, shop, "r1").relations == 2


def test_the_models_without_the_user_stay_and_can_come_into_use_again(shop, settings):
    before = snapshotted(settings, shop)
    trained(settings, "m1", before)
    shop.upsert_nodes("Reader", [{"id": "r3", "properties": {"name": "Grace Hopper"}}])
    trained(settings, "m2", snapshotted(settings, shop))
    trained(settings, "m3", snapshotted(settings, shop))
    folder = settings.models_folder
    (folder / "latest").unlink()
    for version in ("m2", "m1", "m3", "m1"):
        use_version(folder, version)
    forget_user(settings, shop, "r3")
    assert activations(folder) == ["m1", "m1"]
    with pytest.raises(ArtifactError, match="no other model"):
        roll_back(folder)
