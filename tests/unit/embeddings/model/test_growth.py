"""Items that come after training, compared with a model that is fitted on them too."""

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.added_items import folded_in, rotated
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.spectral import truncated_svd
from embeddings.model.growth import with_items
from embeddings.model.model import Query
from embeddings.training.train import train
from kg.item_changes import ItemChange, NamedEntity, with_changes

EVEN, ODD = 12, 13
"""The new items: copies of books 0 and 1, which have likes."""

FROM_EVENTS = {
    *("popularity", "ease", "ease_strong", "ease_normalized", "als", "als_32", "als_16", "item_knn"),
    *("rp3beta", "user_knn", "time_popularity", "time_popularity_narrow", "time_knn"),
    *("cooccurrence", "cooccurrence_next", "svd", "graph_filter"),
}


@pytest.fixture(scope="module")
def model(snapshot, config, trained_encoder):
    return train(snapshot, trained_encoder, config, seed=1, k=3)


@pytest.fixture(scope="module")
def changed(snapshot):
    changes = [
        ItemChange("new0", "put", {"name": "New 0", "text": "book 0"}, {"HAS_GENRE": ("even",)}),
        ItemChange("new1", "put", {"name": "New 1", "text": "book 1"}, {"HAS_GENRE": ("odd",)}),
    ]
    return with_changes(snapshot, changes)


@pytest.fixture(scope="module")
def grown(model, changed, trained_encoder):
    return with_items(model, changed, trained_encoder)


@pytest.fixture(scope="module")
def histories():
    return Histories.of([[0, 2], [1, 3, 5], []], EVEN), Histories.of([[0, 2], [1, 3, 5], []], 14)


def scorers(model):
    return model.two_stage.ensemble.scorers


def test_old_items_keep_their_scores(model, grown, histories) -> None:
    before, now = histories
    for name, scorer in scorers(model).items():
        found = scorers(grown)[name].score(now)
        np.testing.assert_allclose(found[:, :EVEN], scorer.score(before), atol=1e-5, err_msg=name)


def test_a_scorer_of_events_scores_new_items_as_if_fitted_on_them(
    model, grown, changed, histories, config, trained_encoder
) -> None:
    whole = Dataset.from_snapshot(changed.snapshot, trained_encoder.encode(changed.snapshot.texts))
    for name in FROM_EVENTS & set(scorers(model)):
        fitted = config.scorers[name].fit(whole, 1).score(histories[1])
        np.testing.assert_allclose(
            scorers(grown)[name].score(histories[1])[:, EVEN:], fitted[:, EVEN:], atol=1e-5, err_msg=name
        )


def test_a_copy_of_an_item_has_its_content(model, grown) -> None:
    """The copy of book 0 is told by the same components; but for its own vectors, its scores are book 0's."""
    for name in ("text", "facts", "profile"):
        vectors = scorers(grown)[name].item_vectors
        np.testing.assert_allclose(vectors[[EVEN, ODD]], vectors[[0, 1]], atol=1e-4, err_msg=name)
    content = grown.two_stage.ensemble.extrapolator.content
    np.testing.assert_allclose(content[[EVEN, ODD]], content[[0, 1]], atol=1e-3)
    items = grown.two_stage.items
    np.testing.assert_allclose(items.fact_vectors[[EVEN, ODD]], items.fact_vectors[[0, 1]], atol=1e-4)
    assert items.log_facts[EVEN] == items.log_facts[0]


def test_a_liked_copy_counts_as_the_item_does(grown) -> None:
    for name in ("text", "facts", "profile"):
        copy, own = scorers(grown)[name].score(Histories.of([[EVEN], [0]], 14))
        np.testing.assert_allclose(copy, own, atol=1e-4, err_msg=name)


def test_neighbours_are_the_nearest_liked_items_with_weights_of_sum_one(model, grown) -> None:
    """Beside book 0 itself, those of its colour."""
    extrapolator = grown.two_stage.ensemble.extrapolator
    weights = extrapolator.neighbour_weights[EVEN]
    assert weights.sum() == pytest.approx(1)
    assert extrapolator.neighbours[EVEN, 0] == 0
    assert set(extrapolator.neighbours[EVEN, :4] % 2) == {0}
    known = model.two_stage.items.log_degree > 0
    assert known[extrapolator.neighbours[EVEN][weights > 0]].all()


def test_a_new_item_is_without_events_and_is_ranked_by_its_content(grown) -> None:
    assert grown.two_stage.items.known.tolist() == [True] * EVEN + [False, False]
    for even in (0, 1):
        history = np.array([even, even + 2, even + 4])
        scores = grown.score(Query(history, np.zeros(0, np.int64))).scores
        assert scores[EVEN + even] > scores[ODD - even]


def test_a_liked_entity_and_a_text_bring_new_items(grown, text) -> None:
    odd_genre = 15
    scores = grown.score(Query(np.zeros(0, np.int64), np.array([odd_genre]))).scores
    assert scores[ODD] > scores[EVEN]
    by_text = grown.score_text(text[1])
    assert by_text[ODD] == pytest.approx(by_text[1], abs=1e-5)


def test_an_item_whose_facts_change_is_told_by_the_new_ones(model, snapshot, trained_encoder) -> None:
    moved = with_changes(snapshot, [ItemChange("b00", "patch", {"text": "book 1"}, {"HAS_GENRE": ("odd",)})])
    after = with_items(model, moved, trained_encoder)
    for name in ("text", "facts", "profile"):
        vectors = scorers(after)[name].item_vectors
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-4, err_msg=name)
    assert after.links[13, 0]
    assert not after.links[12, 0]
    assert after.two_stage.items.known[0]


def test_nothing_is_known_of_an_entity_that_is_new(model, snapshot, trained_encoder) -> None:
    change = ItemChange(
        "new", "put", {}, {"HAS_GENRE": ("other",)}, (NamedEntity("Genre", "other", "Other"),)
    )
    found = with_items(model, with_changes(snapshot, [change]), trained_encoder)
    assert found.node_vectors.shape[0] == 12 + 1 + 3
    assert found.links[15, 12]
    scores = found.score(Query(np.array([0, 2]), np.array([15]))).scores
    assert np.isfinite(scores).all()


def test_without_changes_the_model_is_the_same(model, snapshot, trained_encoder) -> None:
    assert with_items(model, with_changes(snapshot, []), trained_encoder) is model


def test_rows_fold_into_singular_vectors_that_are_not_kept() -> None:
    rng = np.random.default_rng(0)
    matrix = sp.csr_array(rng.random((30, 12)).astype(np.float32))
    _, vectors = truncated_svd(matrix, 5)
    rows = sp.csr_array(rng.random((3, 12)).astype(np.float32))
    found = folded_in(sp.csr_array(rows @ matrix.T), np.asarray(matrix @ vectors))
    np.testing.assert_allclose(found, rows @ vectors, atol=1e-4)


def test_vectors_turn_by_components_that_are_not_kept() -> None:
    rng = np.random.default_rng(0)
    before = rng.standard_normal((30, 6)).astype(np.float32)
    components = np.linalg.eigh(before.T @ before)[1][:, ::-1][:, :4]
    vectors = rng.standard_normal((3, 6)).astype(np.float32)
    np.testing.assert_allclose(rotated(vectors, before, before @ components), vectors @ components, atol=1e-4)
