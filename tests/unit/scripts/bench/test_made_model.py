"""A made graph is whole: each fact joins the labels that its relation joins."""

from types import SimpleNamespace

import numpy as np

from embeddings.model.versions import active_version
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from scripts.bench import made_model
from scripts.bench.made_model import MadeTexts, made_snapshot
from scripts.bench.synthetic_dataset import RELATIONS, dataset_of, entity_counts


def test_facts_join_items_to_the_label_of_their_relation() -> None:
    """After 100 items come 100 / 5 = 20 makers behind the 5 genres, and 100 / 2 = 50 stars."""
    dataset = dataset_of(20, 100, 500, facts=5)
    snapshot = made_snapshot(dataset)
    assert entity_counts(100) == (5, 20, 50)
    assert snapshot.n_nodes == 100 + 75 + 20
    facts = snapshot.triples
    for n, (first, end) in enumerate([(100, 105), (105, 125), (125, 175)]):
        tails = facts.tail[facts.relation == n]
        assert first <= tails.min() <= tails.max() < end, RELATIONS[n]
    assert facts.head.max() < 100
    assert len(facts.head) <= 5 * 100
    assert (snapshot.names[100], snapshot.locate(105)) == ("Genre 0", ("Maker", "m0"))
    assert len(set(snapshot.texts)) == snapshot.n_items == 100


def test_texts_have_the_made_vectors() -> None:
    vectors = np.eye(2, 3, dtype=np.float32)
    texts = MadeTexts("x:y", vectors)
    assert texts.dim == 3
    assert texts.encode(["a", "b"]) is vectors


def test_the_made_model_comes_into_use_and_is_fitted_once(monkeypatch, tmp_path) -> None:
    fitted = []

    def save(model, folder):
        fitted.append(model)
        (folder / "made1").mkdir(parents=True)
        return folder / "made1"

    monkeypatch.setattr(made_model, "latest_model", lambda folder: folder / "own1")
    monkeypatch.setattr(made_model, "load_ranker", lambda path: (SimpleNamespace(encoder="x:y"), path.name))
    monkeypatch.setattr(made_model, "refresh", lambda ranker, *_: ranker)
    monkeypatch.setattr(made_model, "save_model", save)
    homes = [made_model.made_home(Settings(home=tmp_path), 60, 200) for _ in range(2)]
    assert fitted == ["own1"]
    assert {home.home for home in homes} == {tmp_path / "bench" / "own1-60-200"}
    assert active_version(homes[0].models_folder) == "made1"
    assert SnapshotCache(homes[0].snapshots_folder).latest().n_items == 60
