"""Pairs that held-out users like together, and which similarity finds them."""

import numpy as np
import pytest
import scipy.sparse as sp
from random_likes import random_dataset
from scipy.stats import poisson

from embeddings.candidates.specs import select_specs
from embeddings.data.vectors import unit_rows
from embeddings.evaluation.similar_items import (
    KNOWN,
    NEW,
    SimilarItemsConfig,
    SimilarItemsTask,
    Similarities,
    liked_together,
    similar_items_tables,
    similar_items_task,
)
from kg.errors import MissingDataError, UsageError


def pairs(matrix):
    return set(zip(*(x.tolist() for x in matrix.nonzero()), strict=True))


def test_pairs_beyond_popularity_and_activity_by_hand() -> None:
    """Users like {0, 1}, {0, 1}, {0, 1}, {0, 2}, {2, 3}, {4, 5}: m = 12, all d_u = 2, items 4, 3, 2, 1, 1, 1.

    By chance 4 * 3 * 12 / 144 = 1 user likes 0 and 1: 3 or more have the probability .080. The other pairs
    have one user each.
    """
    liked = np.zeros((6, 6), np.float32)
    for user, items in enumerate(([0, 1], [0, 1], [0, 1], [0, 2], [2, 3], [4, 5])):
        liked[user, items] = 1
    liked = sp.csr_array(liked)
    assert round(1 - np.exp(-1) * (1 + 1 + 1 / 2), 3) == 0.080
    assert pairs(liked_together(liked, SimilarItemsConfig(significance=0.081))) == {(0, 1), (1, 0)}
    assert not liked_together(liked, SimilarItemsConfig(significance=0.080)).nnz
    assert not liked_together(liked, SimilarItemsConfig(significance=0.081, min_users=4)).nnz


def test_pairs_against_loops() -> None:
    liked = random_dataset(40, 15).liked
    x, config = liked.toarray(), SimilarItemsConfig()
    users, items, total = x.sum(axis=1), x.sum(axis=0), x.sum()
    slow = set()
    for i in range(15):
        for j in range(15):
            chance = items[i] * items[j] * (users * (users - 1)).sum() / total**2
            count = int((x[:, i] * x[:, j]).sum())
            if i != j and count >= 2 and poisson.sf(count - 1, chance) < config.significance:
                slow.add((i, j))
    assert pairs(liked_together(liked, config)) == slow


def test_the_best_similarity_is_that_of_the_pairs_themselves(board) -> None:
    """Of the known items 0 to 3, item 0 goes with 1; item 4 is new and goes with 2. Ranks are by hand."""
    partners = np.zeros((5, 5), np.float32)
    partners[0, 1] = partners[1, 0] = partners[4, 2] = partners[2, 4] = 1
    task = SimilarItemsTask(board, sp.csr_array(partners))
    ascending = np.tile(np.arange(5, dtype=np.float32), (5, 1))
    tables = similar_items_tables(
        task, {"pairs": lambda items: partners[items], "ascending": lambda items: ascending[items]}, k=2
    )
    assert [(x.items, x.n_items, x.n_partners) for x in tables] == [(KNOWN, 3, 1.0), (NEW, 1, 1.0)]
    # ascending lists 4, 3 for items 0, 1 and 2: item 2 finds its partner first; for item 4: 3, then 2
    known, new = ({row.similarity: row for row in table.rows} for table in tables)
    assert (known["pairs"].ndcg.value, known["ascending"].ndcg.value) == pytest.approx((1.0, 1 / 3))
    assert (new["pairs"].ndcg.value, new["ascending"].ndcg.value) == pytest.approx((1.0, 1 / np.log2(3)))
    assert new["ascending"].recall.value == 1.0
    assert known["pairs"].versus is None
    assert known["ascending"].versus.ratio.value == pytest.approx(3.0)


def test_nothing_of_the_held_out_users_and_new_items_is_learnt_from(dataset) -> None:
    task = similar_items_task(dataset, 1, SimilarItemsConfig(significance=1.0, hidden_items=0.5))
    lengths, paired = task.dataset.histories.lengths, np.flatnonzero(np.diff(task.partners.indptr))
    assert np.count_nonzero(lengths == 0) == round(0.2 * 24)
    new = paired[~task.dataset.has_interactions[paired]]
    assert len(new) == round(0.5 * len(paired))
    # even readers like even items
    assert all((i - j) % 2 == 0 for i, j in pairs(task.partners))


def test_users_who_like_nothing_together_cannot_be_asked(dataset) -> None:
    with pytest.raises(MissingDataError, match="no two items together"):
        similar_items_task(dataset, 0, SimilarItemsConfig(min_users=99))


def test_similarities_by_name(board, dataset, small_configs) -> None:
    """Item 0 is liked by users 0, 1, 2, item 1 by 0 and 1, item 2 by 0: cosines 2 / sqrt(6), 1 / sqrt(3)."""
    fitted = Similarities(board, {})
    of_0 = fitted.named("item_knn")(np.array([0]))[0]
    np.testing.assert_allclose(of_0, [1, 2 / np.sqrt(6), 1 / np.sqrt(3), 0, 0], atol=1e-6)
    assert fitted.named("popularity")(np.array([3])).tolist() == [[3, 2, 1, 0, 0]]
    assert fitted.named("facts")(np.array([3])).tolist() == [[0] * 5]
    text = unit_rows(board.content.text)
    np.testing.assert_allclose(fitted.named("text")(np.array([1, 4])), text[[1, 4]] @ text.T, atol=1e-6)
    both = fitted.named("text")(np.array([0])) + fitted.named("facts")(np.array([0]))
    np.testing.assert_allclose(fitted.named("text_and_facts")(np.array([0])), both, atol=1e-6)
    with pytest.raises(UsageError, match="no scorer with vectors"):
        fitted.named("model")


def test_the_model_has_the_vectors_of_its_last_scorer_that_has_any(dataset, small_configs) -> None:
    own = {name: small_configs[name] for name in ("kge", "gnn")}
    items = np.arange(3)
    both = Similarities(dataset, select_specs(["kge", "gnn", "text"], own), seed=3)
    np.testing.assert_array_equal(both.named("model")(items), both.named("gnn")(items))
    assert np.abs(both.named("kge")(items) - both.named("gnn")(items)).max() > 1e-3
    alone = Similarities(dataset, select_specs(["kge", "text"], {"kge": own["kge"]}), seed=3)
    np.testing.assert_allclose(alone.named("model")(items), both.named("kge")(items), atol=1e-6)
