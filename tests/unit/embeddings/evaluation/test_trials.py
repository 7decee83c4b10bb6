from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import random_split
from embeddings.evaluation.trials import (
    Method,
    ModelScore,
    Task,
    Trial,
    measure_method,
    measure_scorer,
    metrics_table,
    split_tasks,
)
from kg.errors import UsageError


@pytest.fixture(scope="module")
def tasks(snapshot, text):
    return split_tasks(Dataset.from_snapshot(snapshot, text), random_split(snapshot.interactions, seed=2))


def test_a_scorer_reads_the_board(tasks) -> None:
    """Unseen own-colour items are at most 3, so the top 3 hold every relevant one."""
    found = measure_scorer("ease", *tasks, k=3).ranking.means()
    assert found["recall@3"] == 1.0


def test_the_configuration_comes_from_the_grid_by_validation(tasks) -> None:
    from embeddings.scorers.neighbours import ItemKnn

    assert measure_scorer("item_knn", *tasks, k=3).config in ItemKnn.grid


def test_methods_side_by_side(tasks) -> None:
    table = metrics_table([measure_scorer(name, *tasks, k=3) for name in ("ease", "popularity")])
    assert table["ease"]["recall@3"] > table["popularity"]["recall@3"]
    assert table["ease"]["users"] == table["popularity"]["users"]


def test_an_unknown_scorer_is_named(tasks) -> None:
    with pytest.raises(UsageError, match="'eas'"):
        measure_scorer("eas", *tasks)


def test_candidates_narrow_the_ranking(tasks) -> None:
    narrow = replace(tasks[1], candidates=np.array([0, 1]))
    ranking = narrow.measure(lambda histories: np.zeros((len(histories), 12), np.float32), k=3)
    assert set(ranking.top.ravel()) <= {0, 1, -1}


def test_a_task_is_measurable_where_a_relevant_item_is_ranked() -> None:
    """User 0 has item 1 already, so only item 2 is left to find; user 1 has nothing relevant."""
    had, relevant = sp.csr_array(np.array([[1.0, 1, 0], [0, 1, 0]])), np.array([[0, 1.0, 1], [0, 0, 0]])
    none = np.zeros((2, 3))

    def measurable(wanted, candidates=None):
        return Task(None, None, had, sp.csr_array(wanted), candidates).measurable

    assert measurable(relevant)
    assert measurable(relevant, np.array([0, 2]))
    assert not measurable(relevant, np.array([0, 1]))
    assert not measurable(relevant * [1, 1, 0])
    assert not measurable(none)


class Coins:
    """A model of given scores; the probability is a tenth of the score, less for a longer history."""

    def calibrated(self, histories):
        return not histories.ask_next

    def score(self, histories):
        return np.tile(np.array([1.0, 2.0, 3.0, 4.0], np.float32), (len(histories), 1))

    def probabilities(self, histories, scores):
        return scores / 10 - histories.lengths[:, None] / 100


def test_the_calibration_error_of_the_first_places_by_hand(board) -> None:
    """Users 0 and 1 have one like each, and user 1 has item 3 already; user 2 has nothing relevant.

    One like is asked about. Of user 0 two are held out, items 3 and 0, so each counts half; of user 1 one.
    """
    excluded = sp.csr_array(np.array([[0, 0, 0, 0], [0, 0, 0, 1.0], [0, 0, 0, 0]]))
    relevant = sp.csr_array(np.array([[1.0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]]))
    histories = replace(Histories.of([[1], [0], [2]], 4), ask_next=False)
    task = Task(SimpleNamespace(n_items=4), histories, excluded, relevant)
    ranking = task.measure(ModelScore(Coins()), k=2)
    found = ranking.reliability[2]
    predicted, observed = [0.19, 0.29, 0.29, 0.39], [0, 0, 1, 0.5]
    by_bin = {0.19: [0.0], 0.29: [0.0, 1.0], 0.39: [0.5]}
    assert sorted(by_bin) == sorted(set(np.round(found.predicted, 6)))
    assert sum(found.counts) == 4
    np.testing.assert_allclose(sorted(found.observed), sorted(observed))
    np.testing.assert_allclose(found.ece, np.mean(np.abs(np.subtract(predicted, observed))))
    assert ranking.means()["ece@2"] == found.ece
    assert set(ranking.reliability) == {2}
    method = Method("m", (None,), lambda *_: ModelScore(Coins()))
    (result,) = measure_method(method, [Trial("t", task, task, {"a part": task})], k=2)
    assert result.ranking.reliability == ranking.reliability
    assert not result.parts["a part"].reliability
    deep = task.measure(ModelScore(Coins()), k=2, depth=4).reliability
    assert {places: sum(x.counts) for places, x in deep.items()} == {2: 4, 4: 7}, "user 1 has one item less"


def test_what_is_not_calibrated_has_no_calibration_error(board) -> None:
    relevant = sp.csr_array(np.array([[1.0, 0, 0, 1]]))
    task = Task(SimpleNamespace(n_items=4), Histories.of([[1]], 4), sp.csr_array((1, 4)), relevant)
    for score in (ModelScore(Coins()), Coins().score):
        ranking = task.measure(score, k=2)
        assert not ranking.reliability
        assert "ece@2" not in ranking.means()


def test_a_configuration_is_chosen_on_validation_and_fitted_on_what_the_test_learns_from(tasks) -> None:
    """Only the second configuration of three is right; it is fitted once more, on the test's dataset."""
    valid, test = tasks
    test = replace(test, dataset=replace(test.dataset))
    fitted = []

    def fit(dataset, config):
        fitted.append((dataset, config))
        relevant = (valid if dataset is valid.dataset else test).relevant
        right = relevant[np.flatnonzero(np.diff(relevant.indptr))].toarray()
        return lambda _histories: right if config == "right" else -right

    trial = Trial("t", valid, test, {"part": test})
    found = measure_method(Method("m", ("wrong", "right", "bad"), fit), [trial], k=3, depth=5)[0]
    assert found.config == "right"
    assert [config for dataset, config in fitted if dataset is valid.dataset] == ["wrong", "right", "bad"]
    assert [config for dataset, config in fitted if dataset is test.dataset] == ["right"]
    assert found.ranking.top.shape == (len(found.ranking.users), 5)
    assert found.ranking.means()["recall@3"] == found.parts["part"].means()["recall@3"] == 1.0


def test_trials_on_one_dataset_share_what_is_fitted(tasks) -> None:
    fitted = []

    def fit(dataset, config):
        fitted.append(dataset)
        return lambda histories: np.zeros((len(histories), 12), np.float32)

    trials = [Trial(name, *tasks) for name in ("a", "b")]
    found = measure_method(Method("m", (None,), fit), trials, k=3)
    assert len(found) == 2
    assert fitted == [tasks[1].dataset]


def test_histories_keep_their_order() -> None:
    histories = Histories.of([[4, 1, 3], []], 5)
    assert histories[0].tolist() == [4, 1, 3]
    assert histories.lengths.tolist() == [3, 0]
    assert histories.matrix.toarray().tolist() == [[0, 1, 0, 1, 1], [0, 0, 0, 0, 0]]
    assert histories.select(np.array([1, 0]))[1].tolist() == [4, 1, 3]


def test_a_training_split_sees_only_its_own_events(snapshot, text) -> None:
    mask = np.arange(len(snapshot.interactions)) % 2 == 0
    part = Dataset.from_snapshot(snapshot, text, mask)
    assert len(part.events) == mask.sum()
    assert part.liked.nnz == snapshot.interactions.liked[mask].sum()
    assert len(part.triples) == len(snapshot.triples)
    assert part.n_nodes == snapshot.n_items + 2


def test_histories_are_the_liked_items_oldest_first(dataset) -> None:
    """User 0 read 2 4 6 8 10 in that order (all of its own but item 0) and disliked item 1."""
    assert dataset.histories[0].tolist() == [2, 4, 6, 8, 10]
    assert dataset.has_text.tolist() == [True] * 10 + [False] * 2
