"""Models that change while requests are answered: every answer is that of the one model that it names."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import structlog
from two_models import linked_home, served_from, trained_twice

from embeddings.model.artifact import read_manifest
from embeddings.model.versions import active_version, use_version
from kg.errors import ArtifactError, ModelWorseError, UnknownIdError
from kg.settings import Settings
from service.app import create_app
from service.contract import RecommendRequest
from service.events.outbox import StoredEvent
from service.loading import load_recommender
from service.serving import Serving


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    return trained_twice(tmp_path_factory.mktemp("home"))


@pytest.fixture
def settings(trained: tuple[Path, str, str], tmp_path: Path) -> Settings:
    return linked_home(trained, tmp_path)


@pytest.fixture
def serving(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    with served_from(settings, monkeypatch) as found:
        yield found


def answer(recommender: Any, user: str) -> list[str]:
    found = recommender.recommend(RecommendRequest(user_id=user, k=5, explain=False), request_id="r")
    return [found.meta.model_version, *(x.item_id for x in found.items)]


def test_every_answer_is_that_of_the_model_it_names(serving: Serving, trained: tuple[Path, str, str]) -> None:
    _, first, second = trained
    users = [f"r{n}" for n in range(12)]
    expected = {}
    for version in (second, first):
        serving.activate(version)
        expected |= {(version, user): answer(serving.recommender, user) for user in users}
    assert any(expected[first, user][1:] != expected[second, user][1:] for user in users)
    wrong: list[Any] = []
    counts = {first: 0, second: 0}
    stop = threading.Event()

    def ask(seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not stop.is_set():
            user = users[rng.integers(12)]
            try:
                found = answer(serving.recommender, user)
            except Exception as error:  # noqa: BLE001
                wrong.append(error)
                return
            counts[found[0]] += 1
            if found != expected[found[0], user]:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        serving.activate(second)
        time.sleep(0.1)
        serving.roll_back()
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert min(counts.values()) > 10


def test_an_activation_of_another_process_is_noticed(
    serving: Serving, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, second = trained
    monkeypatch.setattr("kg.store.connect.open_store", None)
    assert serving.recommender.model_version == first
    serving.start()
    use_version(serving.settings.models_folder, second)
    end = time.monotonic() + 10
    while serving.recommender.model_version != second:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_version_that_cannot_be_loaded_changes_nothing(
    serving: Serving, trained: tuple[Path, str, str]
) -> None:
    _, first, second = trained
    models = serving.settings.models_folder
    with pytest.raises(UnknownIdError):
        serving.activate("nowhere")
    broken = models / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_bytes((models / second / "manifest.json").read_bytes())
    (broken / "model.safetensors").write_bytes(b"no arrays")
    with pytest.raises(ArtifactError, match="damaged"):
        serving.activate("broken")
    assert active_version(models) == serving.recommender.model_version == first
    use_version(models, "broken")
    with structlog.testing.capture_logs() as logs:
        serving.refresh()
        serving.refresh()
    assert [x["event"] for x in logs] == ["model_not_loaded"]
    assert serving.recommender.model_version == first


def test_a_worse_model_is_refused_unless_forced(
    serving: Serving, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, second = trained

    def measured(path: Path) -> Any:
        found = read_manifest(path)
        ndcg = 0.2 if path.name == first else 0.1
        return found.model_copy(update={"metrics": {"trailmix": {"ndcg@20": ndcg}}})

    monkeypatch.setattr("embeddings.model.artifact.read_manifest", measured)
    client = create_app(serving.settings, serving).test_client()
    refused = client.post(f"/models/{second}/activate")
    assert refused.status_code == 409
    assert "0.1000, the active" in refused.get_json()["detail"]
    assert serving.recommender.model_version == first
    with pytest.raises(ModelWorseError):
        serving.activate(second)
    done = client.post(f"/models/{second}/activate", json={"force": True})
    assert done.status_code == 200
    assert (done.get_json()["active"]["version"], done.get_json()["before"]["version"]) == (second, first)
    assert client.get("/readyz").get_json()["model_version"] == second
    assert client.post("/models/rollback").get_json()["active"]["version"] == first
    assert client.post("/models/rollback").status_code == 409


def test_models_are_listed_and_only_an_administrator_changes_them(
    serving: Serving, trained: tuple[Path, str, str]
) -> None:
    _, first, second = trained
    client = create_app(serving.settings, serving).test_client()
    listed = client.get("/models").get_json()["models"]
    assert {(x["version"], x["active"]) for x in listed} == {(first, True), (second, False)}
    url = f"/models/{second}/activate"
    for refused in (
        client.post(url, environ_base={"REMOTE_ADDR": "10.0.0.9"}),
        client.post(url, headers={"X-Forwarded-For": "10.0.0.9"}),
    ):
        assert refused.status_code == 403
        assert "TRAILMIX_ADMIN_TOKEN" in refused.get_json()["detail"]
    assert client.post("/models/nowhere/activate").status_code == 404
    guarded = create_app(Settings(home=serving.settings.home, admin_token="s3cret"), serving).test_client()
    for header in ("", "Bearer wrong", "s3cret", "Basic s3cret"):
        assert guarded.post("/models/rollback", headers={"Authorization": header}).status_code == 403
        assert guarded.post(url, headers={"Authorization": header}).status_code == 403
    assert serving.recommender.model_version == first
    away = {"REMOTE_ADDR": "10.0.0.9"}
    accepted = guarded.post(url, headers={"Authorization": "Bearer s3cret"}, environ_base=away)
    assert accepted.status_code == 200
    assert serving.recommender.model_version == second


def test_a_replaced_model_is_released_with_its_last_request(
    serving: Serving, trained: tuple[Path, str, str]
) -> None:
    """By its last reference alone: a cycle would keep it, and hundreds of megabytes, for some time."""
    in_flight = serving.recommender
    answer(in_flight, "r1")
    in_flight.recommend(RecommendRequest(user_id="r1"), request_id="r")
    gone = weakref.ref(in_flight)
    gc.disable()
    try:
        serving.activate(trained[2])
        assert answer(in_flight, "r1")[0] == trained[1]
        del in_flight
        assert gone() is None
    finally:
        gc.enable()


def test_a_model_is_loaded_once_and_a_failed_one_again_when_it_is_mended(
    serving: Serving, trained: tuple[Path, str, str]
) -> None:
    home, _, second = trained
    loads: list[Path] = []

    def load(settings: Settings, live: Any, path: Path) -> Any:
        loads.append(path)
        return load_recommender(settings, live, path)

    serving.load = load
    models = serving.settings.models_folder
    serving.refresh()
    assert loads == []
    (models / second).unlink()
    use_version(models, second)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            serving.refresh()
        assert [x["event"] for x in logs] == ["model_not_loaded"]
        assert "is gone" in logs[0]["reason"]
        (models / second).symlink_to(home / "models" / second)
        for _ in range(3):
            serving.refresh()
    assert serving.recommender.model_version == second
    assert loads == [models / second]


@pytest.mark.parametrize("failure", [OSError("disk"), MemoryError(), RuntimeError("bug")])
def test_whatever_fails_the_next_model_is_noticed(
    serving: Serving,
    trained: tuple[Path, str, str],
    failure: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kg.store.connect.open_store", None)
    _, first, second = trained
    failed = threading.Event()

    def load(settings: Settings, live: Any, path: Path) -> Any:
        if path.name == second and not failed.is_set():
            failed.set()
            raise failure
        return load_recommender(settings, live, path)

    serving.load = load
    serving.start()
    use_version(serving.settings.models_folder, second)
    assert failed.wait(10)
    assert serving.recommender.model_version == first
    use_version(serving.settings.models_folder, first)
    use_version(serving.settings.models_folder, second)
    end = time.monotonic() + 10
    while serving.recommender.model_version != second:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_model_that_cannot_be_used_is_a_conflict(serving: Serving, trained: tuple[Path, str, str]) -> None:
    client = create_app(serving.settings, serving).test_client()
    models = serving.settings.models_folder
    (models / "broken").mkdir()
    manifest = (models / trained[2] / "manifest.json").read_bytes()
    (models / "broken" / "manifest.json").write_bytes(manifest)
    refused = client.post("/models/broken/activate")
    assert refused.status_code == 409
    assert "damaged" in refused.get_json()["detail"]
    assert client.get("/readyz").get_json() == {"status": "ready", "model_version": trained[1]}
    for version in ("x" * 5000, "%00", "..", "a%2Fb", "latest"):
        assert client.post(f"/models/{version}/activate").status_code == 404


def test_an_answer_to_an_activation_is_that_of_this_activation(
    serving: Serving, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process changes the model, or removes the one before, meanwhile."""
    _, first, second = trained
    models = serving.settings.models_folder
    activate = serving.activate

    def overtaken(version: str, *, force: bool = False) -> Any:
        done = activate(version, force=force)
        (models / first).unlink()
        (models / "latest").unlink()
        return done

    monkeypatch.setattr(serving, "activate", overtaken)
    found = create_app(serving.settings, serving).test_client().post(f"/models/{second}/activate").get_json()
    assert (found["active"]["version"], found["active"]["active"], found["before"]) == (second, True, None)


def test_memory_is_given_back_when_the_last_request_left_a_replaced_model(
    serving: Serving, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trims: list[int] = []
    library = SimpleNamespace(malloc_trim=trims.append)
    monkeypatch.setattr("ctypes.CDLL", lambda _name: library)
    monkeypatch.setattr("kg.store.connect.open_store", None)
    in_flight = serving.recommender
    serving.start()
    serving.activate(trained[2])
    time.sleep(0.2)
    assert trims == []
    del in_flight
    time.sleep(0.2)
    assert trims == [0]


def test_events_that_another_model_has_learnt_from_are_dropped_from_memory(
    serving: Serving, trained: tuple[Path, str, str]
) -> None:
    """Memory has the event as one that the graph does not have, until it is read again."""
    event = StoredEvent("e1", "r1", "b07", "BORROWED", 5.0, 0, "{}")
    (kept,) = serving.outbox.add([event])
    assert [x.number for x in serving.live.of("r1", since=0.0)] == [kept.number]
    assert [x.number for x in serving.live.of("r1", since=time.time() + 1000)] == [kept.number]
    serving.outbox.delivered([kept.number])
    serving.activate(trained[2])
    assert serving.live.of("r1", since=time.time() + 1000) == []
