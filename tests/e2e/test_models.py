"""Models that change in a service of several processes, under load."""

import json
import os
import shutil
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from bookshop_readers import BOOKSHOP, ORDERS, READERS


def asked(service, reader):
    """The version that an answer names, and the answer's items."""
    answer = service.recommend(user_id=reader, k=5)
    return answer["meta"]["model_version"], answer["items"]


def answered_by(service, version):
    """Wait until every process answers by a version."""
    end, together = time.monotonic() + 30, 0
    while together < 20:
        assert time.monotonic() < end
        together = together + 1 if asked(service, "r1")[0] == version else 0
        time.sleep(0.01)


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_no_answer_fails_or_mixes_two_models(store, store_settings, trailmix_here, trailmix_under, tmp_path):
    """Each answer of two processes is that of the model it names, while models change by HTTP and command."""
    shop = shutil.copytree(BOOKSHOP, tmp_path / "bookshop")
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    first = json.loads(trailmix_here("train", "--no-measure", "--json").stdout)["model_version"]
    (shop / "readers.tsv").write_text(READERS)
    (shop / "orders.csv").write_text(ORDERS)
    trailmix_here("ingest", str(shop / "mapping.yaml"))
    refreshed = trailmix_here("train", "--since", "--json")
    assert "new since the model before: 12 events, 4 users, 0 items" in refreshed.stderr
    second = json.loads(refreshed.stdout)["model_version"]

    with trailmix_under(os.environ).serve("--workers", "2") as service:
        readers = [f"r{n}" for n in range(1, 7)]
        expected = {}
        for version in (second, first):
            trailmix_here("models", "activate", version)
            answered_by(service, version)
            expected |= {(version, reader): asked(service, reader)[1] for reader in readers}
        assert all(expected[first, reader] != expected[second, reader] for reader in readers)
        seen = Counter()
        stop = threading.Event()

        def ask():
            """An answer that fails ends the thread, and the future tells."""
            while not stop.is_set():
                for reader in readers:
                    version, items = asked(service, reader)
                    seen[version, items == expected[version, reader]] += 1

        with ThreadPoolExecutor(3) as pool:
            asking = [pool.submit(ask) for _ in range(3)]
            try:
                for path in (f"/models/{second}/activate", "/models/rollback") * 2:
                    call = urllib.request.Request(service.url + path, b"", method="POST")
                    with urllib.request.urlopen(call, timeout=30) as response:
                        active = json.load(response)["active"]["version"]
                    answered_by(service, active)
                trailmix_here("models", "activate", second)
                answered_by(service, second)
                assert trailmix_here("models", "rollback").stdout.startswith(f"model {first} is in use")
                answered_by(service, first)
            finally:
                stop.set()
            for each in asking:
                each.result()
    assert set(seen) == {(first, True), (second, True)}
