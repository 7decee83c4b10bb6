"""Training the model in use."""

from pathlib import Path

import pytest
from fake_store import FakeStore
from small_library import ThemeEncoder

from embeddings.model.versions import active_version
from embeddings.training.latest import TimeBudget, refresh_latest, train_latest
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.settings import Settings
from kg.snapshot_changes import NewSince


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("embeddings.training.latest.open_encoder", lambda _settings: ThemeEncoder())
    return Settings(home=tmp_path)


@pytest.fixture
def shop(fake_store: FakeStore, bookshop: Path) -> FakeStore:
    ingest(load_mapping(bookshop / "mapping.yaml"), bookshop, fake_store)
    return fake_store


def test_the_budget_leaves_time_for_a_trial_as_long_as_the_longest() -> None:
    """100 s: after trials of 30 and 20 s, at 50, a third of 30 fits; at 75, a fourth of 30 does not."""
    times = iter([0.0, 30.0, 50.0, 75.0])
    budget = TimeBudget(100.0, lambda: next(times))
    assert [budget.allows() for _ in range(3)] == [True, True, False]


def test_a_training_beside_a_service_undoes_no_rollback(settings: Settings, shop: FakeStore) -> None:
    """Only a new model comes into use by it, or any where there is none."""
    first = train_latest(settings, shop, new_only=True).path.name
    second = train_latest(settings, shop, seed=1, new_only=True).path.name
    assert active_version(settings.models_folder) == second != first
    again = train_latest(settings, shop, new_only=True)
    assert (again.path.name, again.reused) == (first, True)
    assert again.refused == f"model {first} is not new. `trailmix models activate {first}` uses it"
    assert active_version(settings.models_folder) == second
    assert not train_latest(settings, shop, seed=1, new_only=True).refused
    assert not train_latest(settings, shop).refused
    assert active_version(settings.models_folder) == first
    (settings.models_folder / "latest").unlink()
    assert not train_latest(settings, shop, new_only=True).refused


def test_a_refresh_tells_what_is_new(settings: Settings, shop: FakeStore) -> None:
    """r3 is new; r2 bought b1, and r3 both books."""
    first = train_latest(settings, shop)
    assert first.new is None
    assert refresh_latest(settings, shop).new == NewSince(0, 0, 0)
    shop.upsert_nodes("Reader", [{"id": "r3", "properties": {"name": "Grace Hopper"}}])
    rows = [("r2", "b1"), ("r3", "b1"), ("r3", "b2")]
    orders = [{"head": head, "tail": tail, "properties": {"value": 5.0, "time": 1}} for head, tail in rows]
    shop.upsert_relations("BOUGHT", orders)
    assert refresh_latest(settings, shop).new == NewSince(events=3, users=1, items=0)
    assert refresh_latest(settings, shop).new == NewSince(0, 0, 0)
