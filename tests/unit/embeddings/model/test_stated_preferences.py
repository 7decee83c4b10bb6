"""What liked entities and a text add to the scores; entity 5 has items 0, 1 and 4, entity 6 has 1 and 2."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import scipy.sparse as sp
from fake_scorers import FixedScores, blended_ranker, ensemble_of, first_and_previous

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.liked_entities import entity_weights, items_of_likes, share_of_likes
from embeddings.model.stated_preferences import (
    StatedPreferenceConfig,
    StatedPreferences,
    deviation_of_best,
    one_user_likes,
)
from embeddings.ranking.features import FeatureConfig, ItemFeatures, feature_names
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import TwoStageConfig, TwoStageRecommender

RANKED = np.float32([2.0, 0.0, 2.0, 0.0, 1.0])
"""Two-stage scores of deviation sqrt(4 / 5)."""
DEVIATION = np.sqrt(0.8)
CONFIG = StatedPreferenceConfig(
    weight=3.0,
    likes_alone_weight=12.0,
    fixed_deviation=0.5,
    link_weight=0.2,
    strong_link_weight=1.0,
    vector_weight=0.1,
    weak_vector_weight=0.02,
)


class Weighted(FixedScores):
    """An item has the weight that the user gives to it."""

    def score_weighted(self, items):
        return items.toarray()


class Near(FixedScores):
    """The fixed scores, for liked entities."""

    def score_likes(self, likes):
        return self.score(range(likes.shape[0]))


class Texts(FixedScores):
    """The fixed scores, for a text."""

    def score_text(self, text):
        return self.scores


def normalized(values):
    values = np.asarray(values, np.float64)
    return np.arcsinh((values - values.mean()) / values.std())


def stated(board: Dataset, learnt=True, **scorers) -> StatedPreferences:
    items = ItemFeatures.of(board, FeatureConfig())
    scorers = {"ease": FixedScores([3.0, 2.0, 1.0, 0.0, 9.0]), **scorers}
    ensemble = ensemble_of(scorers, first_and_previous([1.0] * 5), items.known)
    names = feature_names(ensemble.score_columns)
    ranker = blended_ranker(names) if learnt else Ranker.unfitted(tuple(names), {"ease": 1.0})
    two_stage = TwoStageRecommender(ensemble, items, ranker, TwoStageConfig())
    return StatedPreferences(two_stage, board.links, CONFIG)


def known(likes, history=()):
    return Histories.of([history], 5, likes=one_user_likes(np.array(likes, np.int64), 7))


def test_the_items_of_an_entity_weigh_less_the_more_there_are(board) -> None:
    by_hand = [np.log(5 / 3) / np.sqrt(3), np.log(5 / 2) / np.sqrt(2)]
    weights = entity_weights(board.links)
    np.testing.assert_allclose(weights[5:], by_hand, rtol=1e-6)
    likes = known([5, 6]).likes
    few, many = by_hand
    expected = [few, few + many, many, 0, few]
    np.testing.assert_allclose(items_of_likes(likes, board.links, weights).toarray()[0], expected, rtol=1e-6)
    assert share_of_likes(likes, board.links).tolist() == [[0.5, 1.0, 0.5, 0.0, 0.5]]


def test_facts_alone_where_no_scorer_has_more_to_tell(board) -> None:
    """Shares 1/2, 1, 1/2, 0, 1/2 have mean 1/2 and deviation sqrt(1 / 10)."""
    added = stated(board).added(RANKED, known([5, 6]))
    high = np.arcsinh(0.5 / np.sqrt(0.1))
    assert list(added) == ["likes"]
    # normalized twice: as one of the sums' terms, and as what is added
    spread = high / np.sqrt(2 * high**2 / 5)
    expected = 12 * DEVIATION * np.arcsinh(spread) * np.array([0, 1, 0, -1, 0])
    np.testing.assert_allclose(added["likes"], expected, rtol=1e-5, atol=1e-5)


def test_what_people_like_who_like_the_items_counts_most(board) -> None:
    """Items 0, 1, 4 weigh w; item 4 is new: by ridge it scores as item 0, w, by its neighbour 3, 0: w / 2."""
    added = stated(board, ease_strong=Weighted(np.zeros(5))).added(RANKED, known([5]))
    sums = 0.2 * normalized([1, 1, 0, 0, 1]) + normalized([2, 2, 0, 0, 1])
    np.testing.assert_allclose(added["likes"], 12 * DEVIATION * normalized(sums), rtol=1e-5)


def test_vectors_count_a_tenth_by_the_last_scorer_that_has_any(board) -> None:
    near = {"kge": Near([9, 0, 0, 0, 0]), "gnn": Near([0, 0, 0, 1, 0])}
    added = stated(board, **near).added(RANKED, known([5]))
    sums = 0.2 * normalized([1, 1, 0, 0, 1]) + 0.1 * normalized([0, 0, 0, 1, 0])
    np.testing.assert_allclose(added["likes"], 12 * DEVIATION * normalized(sums), rtol=1e-5)


def test_facts_count_more_beside_a_text(board) -> None:
    own = stated(board, ease_strong=Weighted(np.zeros(5)), text=Texts([1, 0, 0, 0, 0]))
    added = own.added(RANKED, known([5]), np.float32([1.0, 0.0]))
    sums = 1.0 * normalized([1, 1, 0, 0, 1]) + normalized([2, 2, 0, 0, 1])
    np.testing.assert_allclose(added["likes"], 3 * DEVIATION * normalized(sums), rtol=1e-5)


def test_facts_alone_where_no_ranker_was_learnt(board) -> None:
    added = stated(board, learnt=False, ease_strong=Weighted(np.zeros(5))).added(RANKED, known([5]))
    np.testing.assert_allclose(added["likes"], 12 * 0.5 * normalized(normalized([1, 1, 0, 0, 1])), rtol=1e-5)


def test_facts_count_more_than_vectors_where_no_ranker_was_learnt(board) -> None:
    """Weights 1 and .02; with a ranker they are .2 and .1."""
    own = stated(board, learnt=False, gnn=Near([0, 0, 1, 0, 0]))
    sums = 1.0 * normalized([1, 1, 0, 0, 1]) + 0.02 * normalized([0, 0, 1, 0, 0])
    np.testing.assert_allclose(own.added(RANKED, known([5]))["likes"], 12 * 0.5 * normalized(sums), rtol=1e-5)


def test_likes_count_less_beside_a_history_or_a_text(board) -> None:
    own = stated(board, text=Texts([1, 0, 0, 0, 0]))
    text = np.float32([1.0, 0.0])
    alone = own.added(RANKED, known([5]))["likes"]
    beside = own.added(RANKED, known([5], [0]))
    both = own.added(RANKED, known([5]), text)
    np.testing.assert_allclose(alone, 4 * beside["likes"], rtol=1e-5)
    assert (list(beside), list(both)) == (["likes"], ["likes", "text_query"])
    np.testing.assert_allclose(both["likes"], beside["likes"], rtol=1e-5)
    np.testing.assert_allclose(both["text_query"], 3 * DEVIATION * normalized([1, 0, 0, 0, 0]), rtol=1e-5)
    assert own.added(RANKED, known([])) == {}
    assert list(own.added(RANKED, replace(known([]), likes=None), text)) == ["text_query"]


def test_a_batch_is_scored_as_its_users_are(board) -> None:
    own = stated(board)
    likes = sp.csr_array(np.eye(3, 7, 5, dtype=np.float32))  # entities 5 and 6, then nothing
    histories = Histories.of([[], [0], [1]], 5, likes=likes)
    scores = own.score(histories)
    for row, entity in enumerate((5, 6)):
        ranked = own.two_stage.score_one(histories.select(np.array([row])))[0]
        history = [] if not row else [0]
        np.testing.assert_allclose(scores[row], ranked + own.added(ranked, known([entity], history))["likes"])
    np.testing.assert_array_equal(scores[2], own.two_stage.score(Histories.of([[1]], 5))[0])


def test_the_deviation_of_the_best_scores_by_hand() -> None:
    """Of 9, 7, 1, -50 the best two deviate by 1; equal scores by the least that is told."""
    scores = np.float32([1.0, 9.0, -50.0, 7.0])
    assert deviation_of_best(scores, 2) == 1.0
    assert deviation_of_best(scores[[1, 3]], 100) == 1.0
    assert deviation_of_best(np.ones(3, np.float32), 2) == 1e-6
    assert deviation_of_best(np.float32([-np.inf, 9.0, -np.inf, 7.0]), 3) == 1.0, (
        "what is excluded does not count"
    )
    assert deviation_of_best(np.float32([-np.inf] * 3), 2) == 1e-6


def test_scores_of_stated_entities_are_not_calibrated() -> None:
    two_stage = SimpleNamespace(calibrated=lambda _: True)
    preferences = StatedPreferences(two_stage, sp.csr_array((7, 5)), CONFIG)
    known = Histories.of([[0]], 5)
    assert preferences.calibrated(known)
    assert not preferences.calibrated(replace(known, likes=one_user_likes(np.array([5]), 7)))


class OfLast(FixedScores):
    """The last item of a history has 2, the others of it 1."""

    def score(self, histories):
        found = np.zeros((len(histories), 5), np.float32)
        found[0, histories[0]] = 1
        found[0, histories[0][-1:]] = 2
        return found


def test_a_visit_is_scored_alone(board) -> None:
    """Items 3 and 1, the newest last: 2 for item 1 and 1 for item 3, whatever the history is."""
    visit = np.array([3, 1])
    model = stated(board, cooccurrence=OfLast(np.zeros(5)))
    added = model.added(RANKED, Histories.of([[0, 3, 1]], 5), session=visit)
    assert list(added) == ["session"]
    np.testing.assert_allclose(added["session"], DEVIATION * normalized([0, 2, 0, 1, 0]), rtol=1e-5)
    assert not model.added(RANKED, Histories.of([[0]], 5), session=np.zeros(0, np.int64))
    assert not stated(board).added(RANKED, Histories.of([[3, 1]], 5), session=visit), "no such scorer"
