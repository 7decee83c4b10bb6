"""Baselines of liked entities on the board: entity 5 has the items 0, 1 and 4, entity 6 has 1 and 2."""

import numpy as np
import pytest

from embeddings.baselines.likes import LikedEase, LikedFacts, LikedText, LikesConfig
from embeddings.data.dataset import Histories
from embeddings.data.liked_entities import entity_weights, items_of_likes
from embeddings.model.stated_preferences import one_user_likes
from embeddings.scorers.ease import Ease, EaseConfig


@pytest.fixture
def both():
    return one_user_likes(np.array([5, 6]), 7)


def test_facts_rank_by_share_then_by_popularity(board, both) -> None:
    """Items 0 to 2 have 3, 2 and 1 likes; popularity adds .001 times the share of the most liked."""
    scores = LikedFacts.fit(board, LikesConfig()).score_likes(both)[0]
    np.testing.assert_allclose(scores, [0.501, 1 + 0.002 / 3, 0.5 + 0.001 / 3, 0, 0.5], atol=1e-6)
    # item 1 has entities 5 and 6, item 4 has 5: of 3 facts 5 has 2
    history = LikedFacts.fit(board, LikesConfig()).score(Histories.of([[1, 4]], 5))[0]
    np.testing.assert_allclose(
        history, [2 / 3 + 0.001, 1 + 0.002 / 3, 1 / 3 + 0.001 / 3, 0, 2 / 3], atol=1e-6
    )


def test_the_text_of_an_entity_is_the_mean_of_its_items(board, both) -> None:
    text = board.content.text
    means = text[[0, 1, 4]].sum(axis=0) / 3 + text[[1, 2]].sum(axis=0) / 2
    expected = text @ (means / np.linalg.norm(means))
    np.testing.assert_allclose(LikedText.fit(board, LikesConfig()).score_likes(both)[0], expected, atol=1e-6)


def test_ease_over_the_items_of_the_entities(board, both) -> None:
    ease = Ease.fit(board, EaseConfig(1.0))
    x = board.liked.toarray().astype(np.float64)
    p = np.linalg.inv(x.T @ x + np.eye(5))
    b = np.eye(5) - p / np.diag(p)
    weights = items_of_likes(both, board.links, entity_weights(board.links))
    np.testing.assert_allclose(ease.score_weighted(weights)[0], weights.toarray()[0] @ b, atol=1e-5)
    liked = LikedEase.fit(board, EaseConfig(1.0))
    np.testing.assert_array_equal(liked.score_likes(both), ease.score_weighted(weights))
