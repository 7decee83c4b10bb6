"""From CSV to an HTTP answer on each engine, in a domain that is not the sample's."""

import json
import os
import shutil
from pathlib import Path

import pytest

BOOKSHOP = Path(__file__).parent.parent / "data" / "bookshop"


@pytest.fixture
def trailmix(store_settings, trailmix_under):
    return trailmix_under(os.environ)


def test_from_csv_to_explained_answers_over_http(store, trailmix, edges_missing, tmp_path):
    shop = shutil.copytree(BOOKSHOP, tmp_path / "bookshop")
    trailmix("ingest", str(shop / "mapping.yaml"))
    trailmix("train")
    item, user = store.schema().item.label, store.schema().user.label
    customer = store.query(
        f"MATCH (u:{user})-[r]->(:{item}) RETURN u.id AS id, count(r) AS n ORDER BY n, id"
    )[0]
    liked = store.query(f"MATCH (b:{item}) RETURN b.id AS id ORDER BY id LIMIT 1")[0]["id"]
    with trailmix.serve() as service:
        for request in ({"user_id": customer["id"]}, {"history": [liked]}):
            answer = service.recommend(k=2, **request)
            assert len(answer["items"]) == 2
            assert any(item["paths"] for item in answer["items"])
            assert edges_missing(store, answer) == []
        assert (
            service.recommend(user_id=customer["id"], k=2)["items"]
            == (json.loads(trailmix("recommend", customer["id"], "--k", "2", "--json").stdout)["items"])
        )
        stranger = service.recommend(user_id="a stranger", k=2)
        assert stranger["user_state"] == "cold"
        assert len(stranger["items"]) == 2


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_a_budget_is_for_searching_settings_first(store, trailmix_here, tmp_path):
    pytest.importorskip("optuna")
    trailmix_here("ingest", str(shutil.copytree(BOOKSHOP, tmp_path / "bookshop") / "mapping.yaml"))
    manifest = json.loads(trailmix_here("train", "--budget", "1s", "--json").stdout)
    assert manifest["tuned"]["trials"] >= 1
    assert manifest["tuned"]["ndcg"] >= manifest["tuned"]["ndcg_before"]
    assert json.loads(trailmix_here("train", "--json").stdout)["tuned"] is None


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_new_items_are_recommended_after_a_refresh(store, trailmix_here, tmp_path):
    shop = shutil.copytree(BOOKSHOP, tmp_path / "bookshop")
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    assert "no trained model yet" in trailmix_here("train", "--refresh", status=1).stderr
    first = json.loads(trailmix_here("train", "--seed", "3", "--json").stdout)
    with (shop / "books.csv").open("a") as books:
        books.write("b11,Coraline,Neil Gaiman,Bloomsbury,192,yes,A door.\n")
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    refreshed = json.loads(trailmix_here("train", "--refresh", "--json").stdout)
    assert (refreshed["seed"], refreshed["ranked_on"]) == (3, first["snapshot"])
    answer = json.loads(trailmix_here("recommend", "r1", "--json").stdout)
    assert "b11" in [item["item_id"] for item in answer["items"]]
    assert answer["meta"]["model_version"] == refreshed["model_version"]
    assert "reused" in trailmix_here("train", "--refresh").stderr
    assert "leave out --seed" in trailmix_here("train", "--refresh", "--seed", "1", status=2).stderr
