"""Items that come and go in a running service of several processes, without training."""

import json
import os
import time
import urllib.error
import urllib.request

import pytest
from bookshop_readers import BOOKSHOP


def call(service, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        service.url + path, data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.status, json.load(response)


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_a_new_book_is_recommended_delivered_and_learnt(store, store_settings, trailmix_here, trailmix_under):
    """Its author is new too; every process knows it, and the next model has it without a change."""
    trailmix_here("ingest", str(BOOKSHOP / "mapping.yaml"))
    trailmix_here("train", "--no-measure")
    book = {
        "name": "Roadside Picnic",
        "text": "Stalkers in a zone.",
        "relations": {"AUTHORED_BY": [{"id": "strugatsky", "name": "The Strugatskys"}]},
    }

    def asked(service):
        found = service.recommend(likes=["Author:strugatsky"], k=3)
        return [
            (x["item_id"], [n["name"] for n in x["paths"][0]["nodes"]]) for x in found["items"] if x["paths"]
        ]

    expected = ("a/new 1", ["The Strugatskys", "Roadside Picnic"])
    with trailmix_under(os.environ).serve("--workers", "2") as service:
        assert call(service, "PUT", "/items/a%2Fnew%201", book)[0] == 201
        until(lambda: all(expected in asked(service) for _ in range(20)))
        until(lambda: "a/new 1" in store.read_nodes("Book").ids)
        assert "strugatsky" in store.read_nodes("Author").ids
        refreshed = trailmix_here("train", "--since", "--json")
        assert "0 users, 1 item\n" in refreshed.stderr
        version = json.loads(refreshed.stdout)["model_version"]
        until(lambda: all(service.recommend(k=1)["meta"]["model_version"] == version for _ in range(20)))
        assert expected in asked(service)
        assert call(service, "DELETE", "/items/a/new%201")[0] == 200
        until(lambda: not any(expected in asked(service) for _ in range(20)))
        until(lambda: "a/new 1" not in store.read_nodes("Book").ids)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            call(service, "PATCH", "/items/a/new%201", {"text": "x"})
