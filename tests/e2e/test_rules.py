"""Rules in a service of two processes on a real graph: put, without the graph, and after a restart."""

import json
import os
import shutil
import time
import urllib.request

import pytest
from bookshop_readers import BOOKSHOP


def asked(service, **request):
    """The ids and all warnings of an answer."""
    answer = service.recommend(k=20, explain=False, **request)
    return [item["item_id"] for item in answer["items"]], [x["detail"] for x in answer["warnings"]]


def administer(service, method, path, body=None):
    call = urllib.request.Request(
        f"{service.url}/rules{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(call, timeout=60) as response:
        return json.load(response)


def settled(service, holds, seconds):
    """Wait until every process answers so; how long it took."""
    began, together = time.monotonic(), 0
    while together < 20:
        assert time.monotonic() - began < seconds, asked(service)
        together = together + 1 if holds(*asked(service)) else 0
        time.sleep(0.005)
    return time.monotonic() - began


@pytest.fixture
def shop(tmp_path, monkeypatch, trailmix_here):
    """The bookshop in a home and graph of its own."""
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRAILMIX_RULE_INTERVAL", "1")
    copy = shutil.copytree(BOOKSHOP, tmp_path / "bookshop")
    trailmix_here("graph", "start", "--fast")
    yield copy
    trailmix_here("graph", "stop")


def test_two_processes_the_graph_away_and_a_restart(shop, trailmix_here, trailmix_under):
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    trailmix_here("train", "--no-measure", "--json")
    query = "MATCH (b:Book) RETURN b.id AS id ORDER BY id LIMIT 1"
    with trailmix_under(os.environ).serve("--workers", "2") as service:
        every, _ = asked(service)
        first = min(every)
        put = trailmix_here("rules", "put", "one", query, "--effect", "deny", "--applies", "always")
        assert put.stdout.startswith("one  deny   always   1 item  ")
        assert settled(service, lambda ids, _: first not in ids and len(ids) == len(every) - 1, 5) < 2.5
        view = administer(service, "PUT", "/some", {
            "cypher": "MATCH (b:Book) WHERE b.id IN $ids RETURN b.id AS id",
            "parameters": {"ids": [x for x in every if x != first][:2]}, "effect": "allow",
        })  # fmt: skip
        assert view["state"]["items"] == 2
        allowed = set([x for x in every if x != first][:2])
        assert settled(service, lambda ids, _: set(ids) == allowed, 5) < 2.5
        assert set(asked(service, rules=[])[0]) == set(every) - {first}

        trailmix_here("graph", "stop")
        settled(
            service, lambda ids, told: set(ids) == allowed and str(told).count("not be evaluated") == 2, 20
        )
        listed = administer(service, "GET", "")["rules"]
        assert {x["name"]: x["state"]["reason"] for x in listed} == dict.fromkeys(
            ("one", "some"), "no graph server runs; run trailmix graph start"
        )
    with trailmix_under(os.environ).serve("--workers", "2") as service:
        ids, told = asked(service)
        assert set(ids) == allowed
        assert "could not be evaluated" in str(told)
        trailmix_here("graph", "start")
        settled(service, lambda ids, told: set(ids) == allowed and "evaluated" not in str(told), 30)
        administer(service, "DELETE", "/some")
        assert settled(service, lambda ids, _: set(ids) == set(every) - {first}, 5) < 2.5
