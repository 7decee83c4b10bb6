"""The model, from training to disk and back."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.candidates.select import CandidateConfig
from embeddings.data.dataset import Histories
from embeddings.model.artifact import (
    find_model,
    latest_model,
    load_model,
    load_ranker,
    read_manifest,
    save_model,
    saved_models,
)
from embeddings.model.model import Model, Query
from embeddings.model.stated_preferences import StatedPreferenceConfig
from embeddings.model.versions import use_version
from embeddings.ranking.calibration import Calibration, CalibrationCurve
from embeddings.training.config import GroupConfig, TrainingConfig
from embeddings.training.train import describe, refresh, train
from kg.errors import ArtifactError
from kg.graph import GraphSnapshot, Triples, Vocabulary


@pytest.fixture(scope="module")
def model(snapshot, config, trained_encoder):
    return train(snapshot, trained_encoder, config, seed=1, k=3)


def query(**known):
    return Query(**{name: np.array(value, np.int64) for name, value in known.items()})


def test_contributions_sum_to_the_scores(model, text) -> None:
    known = Query(np.array([0, 2]), np.array([12]), text[3])
    scores = model.score(known)
    items = np.arange(12)
    contributions = scores.contributions(items)
    assert {"base_value", "blended_score", "likes", "text_query"} < set(contributions)
    assert set(contributions) <= {
        "base_value",
        "blended_score",
        "likes",
        "text_query",
        *model.two_stage.ensemble.score_columns,
    }
    np.testing.assert_allclose(sum(contributions.values()), scores.scores, atol=1e-5)


def test_history_decides(model) -> None:
    scores = model.score(query(history=[0, 2])).scores
    assert scores[[4, 6, 8]].min() > scores[[5, 7, 9]].max()


def test_a_liked_entity_brings_its_items(model) -> None:
    odd_genre = 13
    scores = model.score(query(likes=[odd_genre])).scores
    assert set(np.argsort(-scores)[:6]) == {1, 3, 5, 7, 9, 11}


def test_the_text_of_a_query_brings_items_of_similar_text(model, text) -> None:
    scores = model.score(Query(text=text[2])).scores
    assert scores[[0, 2, 4, 6, 8]].min() > scores[[1, 3, 5, 7, 9]].max()


def test_excluded_items_have_no_score_and_the_others_their_own(model, text) -> None:
    """The items left are scored as without, but for item 0 of the history, which is below all candidates."""
    whole, excluded = query(history=[0, 2]), np.arange(12) % 3 > 0
    alone = model.score(replace(whole, excluded=excluded))
    np.testing.assert_array_equal(np.isfinite(alone.scores), ~excluded)
    left = [3, 6, 9]
    np.testing.assert_allclose(alone.scores[left], model.score(whole).scores[left], atol=1e-5)
    assert not alone.calibrated
    stated = model.score(Query(np.array([0, 2]), np.array([12]), text[3], excluded=excluded))
    assert np.isfinite(stated.scores[left]).all()
    shares = stated.contributions(np.array(left)).values()
    np.testing.assert_allclose(sum(shares), stated.scores[left], atol=1e-5)


def test_the_ranker_ranks_what_is_not_excluded(model) -> None:
    """Two candidates: of the whole list the best two, of the last two of it these."""
    two = replace(model.two_stage.config, candidates=CandidateConfig(known_items=2, new_items=1))
    two_stage = replace(model.two_stage, config=two)
    own = Model(model.manifest, two_stage, model.links, model.stated_preferences)
    history = query(history=[0, 2])
    last = np.argsort(own.score(history).scores[3:])[:2] + 3
    excluded = ~np.isin(np.arange(12), last)
    candidates = two_stage.candidate_features(
        Histories.of([[0, 2]], 12, np.full((1, 3), np.nan)), allowed=~excluded
    )
    ranked = dict(zip(candidates.items[0], two_stage.ranker.score(candidates)[0], strict=True))
    found = own.score(replace(history, excluded=excluded)).scores
    np.testing.assert_allclose(found[last], [ranked[item] for item in last], atol=1e-6)


def test_item_vectors_are_unit(model) -> None:
    assert model.item_vectors.shape == (12, 8)
    np.testing.assert_allclose(np.linalg.norm(model.item_vectors, axis=1), 1.0, atol=1e-5)


def test_measured_beside_baselines(model) -> None:
    assert list(model.manifest.metrics) == ["trailmix", "popularity", "item_knn", "ease"]
    assert all(0 < table["ndcg@3"] <= 1 for table in model.manifest.metrics.values())


def test_a_calibrated_model_saved_and_loaded(model, snapshot, text, tmp_path) -> None:
    """A history of 16 likes is asked about 2; with a text beside it nothing tells the probability."""
    curve = CalibrationCurve(1.0, 1.0, np.array([0.0]), np.array([-2.0]))
    calibration = Calibration({(True, new_items): curve for new_items in (False, True)})
    ranker = replace(model.two_stage.ranker, calibration=calibration)
    calibrated = Model(
        model.manifest, replace(model.two_stage, ranker=ranker), model.links, StatedPreferenceConfig()
    )
    for own in (calibrated, load_model(save_model(calibrated, tmp_path), snapshot)):
        scores = own.score(Query(np.arange(16) % 12))
        assert scores.calibrated
        ends = np.log(2) / (1 + np.log(2))
        np.testing.assert_allclose(scores.probabilities(np.zeros(1)), 1 / (1 + np.exp(2 - ends)))
        order = np.argsort(scores.scores)
        assert (np.diff(scores.probabilities(scores.scores[order])) >= 0).all()
        assert not own.score(Query(np.array([0]), text=text[3])).calibrated
        assert not own.score(Query(np.array([0]), likes=np.array([12]))).calibrated


def test_saved_and_loaded(model, snapshot, tmp_path) -> None:
    path = save_model(model, tmp_path)
    use_version(tmp_path, path.name)
    loaded = load_model(latest_model(tmp_path), snapshot)
    known = query(history=[1, 3], likes=[12])
    np.testing.assert_array_equal(loaded.score(known).scores, model.score(known).scores)
    assert loaded.manifest.model_version == path.name
    assert loaded.manifest.metrics == model.manifest.metrics
    assert save_model(model, tmp_path) == path


def test_the_same_seed_gives_the_same_version(model, snapshot, config, encoder, tmp_path) -> None:
    again = train(snapshot, encoder, config, seed=1, k=3)
    assert save_model(again, tmp_path / "a").name == save_model(model, tmp_path / "b").name


def test_equal_inputs_are_found(model, snapshot, config, tmp_path) -> None:
    path = save_model(model, tmp_path)
    assert find_model(tmp_path, describe(snapshot, "fake", config, 1).inputs) == path
    for other in (
        describe(snapshot, "fake", config, 2),
        describe(snapshot, "other", config, 1),
        describe(snapshot, "fake", replace(config, groups=GroupConfig(keep=0.9)), 1),
    ):
        assert find_model(tmp_path, other.inputs) is None


def test_saved_models_are_all_that_can_be_read(model, tmp_path) -> None:
    path = save_model(model, tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    assert [(found, manifest.snapshot) for found, manifest in saved_models(tmp_path)] == [
        (path, model.manifest.snapshot)
    ]


def test_missing_models_say_what_to_do(tmp_path, snapshot) -> None:
    with pytest.raises(ArtifactError, match="trailmix train"):
        latest_model(tmp_path)
    with pytest.raises(ArtifactError, match="no model there"):
        load_model(tmp_path / "gone", snapshot)


@pytest.mark.parametrize("file", ["manifest.json", "model.safetensors"])
def test_damage_is_noticed_and_mended(model, snapshot, tmp_path, file) -> None:
    path = save_model(model, tmp_path)
    content = bytearray((path / file).read_bytes())
    content[-20] ^= 0xFF
    (path / file).write_bytes(content)
    with pytest.raises(ArtifactError):
        load_model(path, snapshot)
    save_model(model, tmp_path)
    load_model(path, snapshot)


def test_another_format_is_refused(model, snapshot, tmp_path) -> None:
    path = save_model(model, tmp_path)
    manifest = read_manifest(path).model_copy(update={"format_version": 99})
    (path / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(ArtifactError, match="format 99"):
        load_model(path, snapshot)


def test_other_items_are_refused_other_events_are_not(model, snapshot, tmp_path) -> None:
    path = save_model(model, tmp_path)
    fewer = snapshot.interactions.select(np.arange(len(snapshot.interactions)) > 5)
    load_model(path, replace(snapshot, interactions=fewer))
    renamed = (Vocabulary("Book", [f"c{n}" for n in range(12)]), *snapshot.vocabularies[1:])
    with pytest.raises(ArtifactError, match="other items"):
        load_model(path, replace(snapshot, vocabularies=renamed))


@pytest.fixture(scope="module")
def grown(snapshot) -> GraphSnapshot:
    """Two more books without interactions, one of each genre, with the text of books 0 and 1."""
    books, *others = snapshot.vocabularies
    vocabularies = (Vocabulary("Book", [*books.ids, "new0", "new1"]), *others)
    names = (*snapshot.names[:12], "new0", "new1", *snapshot.names[12:])
    texts = (*snapshot.texts, "book 0", "book 1")
    heads = np.arange(14, dtype=np.int32)
    triples = Triples(heads, np.zeros(14, np.int32), (14 + heads % 2).astype(np.int32))
    return replace(snapshot, vocabularies=vocabularies, names=names, texts=texts, triples=triples)


def test_new_items_are_scored_under_the_same_ranker(model, grown, encoder, tmp_path) -> None:
    path = save_model(model, tmp_path)
    manifest, ranker = load_ranker(path)
    new = refresh(ranker, manifest, grown, encoder)
    for name, array in new.two_stage.ranker.arrays().items():
        np.testing.assert_array_equal(array, model.two_stage.ranker.arrays()[name])
    for even in (0, 1):
        scores = new.score(query(history=[even, even + 2])).scores
        assert scores[12 + even] > scores[13 - even]
    assert (new.manifest.snapshot, new.manifest.ranked_on) == (grown.fingerprint, model.manifest.snapshot)
    assert new.manifest.metrics == {}
    version = save_model(new, tmp_path)
    assert load_model(version, grown).score(query(history=[0])).scores.shape == (14,)
    again = refresh(*reversed(load_ranker(version)), grown, encoder)  # the ranking is still the first one's
    assert again.manifest.ranked_on == model.manifest.snapshot


def test_a_ranker_is_refreshed_under_its_own_settings_and_encoder(
    model, config, grown, encoder, tmp_path
) -> None:
    manifest, ranker = load_ranker(save_model(model, tmp_path))
    assert TrainingConfig.from_dict(manifest.config) == config
    encoder.name = "other"
    with pytest.raises(ArtifactError, match="trained with the text encoder fake, this is other"):
        refresh(ranker, manifest, grown, encoder)


@pytest.mark.parametrize(
    ("known", "weights"),
    [
        (query(history=[0, 2]), {"ease": 3.0, "popularity": 0.0}),
        (query(history=[0, 2], likes=[12]), {"likes": 2.0}),
        (query(), {"popularity": 5.0, "blended_score": 0.5}),
    ],
)
def test_weights_multiply_contributions(model, known, weights) -> None:
    """Of a candidate, the score with weights is the sum of its contributions without, times the factors."""
    plain, weighted = model.score(known), model.score(replace(known, weights=weights))
    items = np.arange(12)
    before, after = plain.contributions(items), weighted.contributions(items)
    np.testing.assert_allclose(sum(after.values()), weighted.scores, atol=1e-5)
    ranked = before["ease"] != 0
    for name in before:
        np.testing.assert_allclose(
            after[name][ranked], weights.get(name, 1.0) * before[name][ranked], atol=1e-5
        )
    assert not weighted.calibrated


def test_weights_of_1_change_nothing(model) -> None:
    known = query(history=[0, 2])
    names = dict.fromkeys(model.contribution_names, 1.0)
    np.testing.assert_allclose(
        model.score(replace(known, weights=names)).scores, model.score(known).scores, atol=1e-5
    )
