"""The search of settings: what it may see, what it returns, and that it leaves the rest alone."""

from dataclasses import replace

import numpy as np
import pytest
from small_library import ThemeEncoder, library

from embeddings.data.dataset import Dataset
from embeddings.data.splits import forward_split, random_split
from embeddings.evaluation.trials import split_tasks
from embeddings.training.config import GroupConfig, TrainingConfig
from embeddings.training.tuning import SPACE, Setting, changed, search, there_are, tune, value_at
from kg.errors import DataError, UsageError

optuna = pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def valid(snapshot, text):
    return split_tasks(Dataset.from_snapshot(snapshot, text), random_split(snapshot.interactions, seed=2))[0]


def trials(n):
    """Allows so many."""
    left = iter(range(n - 1))
    return lambda: next(left, None) is not None


def best_near(optimum, valid, seen):
    """The more noise in what is relevant most often, the farther `groups.keep` is from an optimum."""
    liked = np.asarray(valid.relevant.sum(axis=0)).ravel().astype(np.float32)
    noise = np.random.default_rng(0).random(len(liked)).astype(np.float32) * liked.max()

    def learn(dataset, config):
        seen.append((dataset, config))
        off = abs(config.groups.keep - optimum)
        return lambda histories: np.tile((1 - off) * liked + off * noise, (len(histories), 1))

    return learn


def test_the_best_of_the_trials_is_found_and_the_first_is_the_configuration_as_it_is(valid) -> None:
    seen = []
    start = TrainingConfig(groups=GroupConfig(keep=1.0))
    found = search(valid, start, trials(12), best_near(0.3, valid, seen), seed=1, k=3)
    assert len(found.trials) == len(seen) == 12
    assert seen[0][1] == start
    assert not found.trials[0].values
    assert found.best.score == max(x.score for x in found.trials) > found.trials[0].score
    assert abs(found.config.groups.keep - 0.3) < 0.3
    assert found.config == changed(start, found.best.values)
    assert all(dataset is valid.dataset for dataset, _ in seen)


def test_without_time_for_more_all_stays_as_it_is(valid) -> None:
    start = TrainingConfig()
    found = search(valid, start, trials(1), best_near(0.3, valid, []), k=3)
    assert found.config == start
    assert found.summary()["changed"] == {}
    assert found.summary()["trials"] == 1


def test_the_same_seed_asks_the_same(valid) -> None:
    def values(seed):
        found = search(valid, TrainingConfig(), trials(4), best_near(0.3, valid, []), seed, k=3)
        return [trial.values for trial in found.trials]

    assert values(1) == values(1) != values(2)


def test_a_space_is_narrowed_to_what_there_is_and_widened_to_what_it_is() -> None:
    config = replace(TrainingConfig(), groups=GroupConfig(keep=0.05))
    space = (Setting("groups.keep", 0.2, 1.0), Setting("ranker.nothing", 0, 1), Setting("nothing.at", 0, 1))
    assert there_are(config, space) == [Setting("groups.keep", 0.05, 1.0)]
    assert [x.path for x in there_are(config, SPACE)] == [x.path for x in SPACE]


def test_changed_values_lie_at_their_paths() -> None:
    config = changed(TrainingConfig(), {"ranker.boosters.leaves": 9, "groups.keep": 0.7})
    assert (value_at(config, "ranker.boosters.leaves"), config.groups.keep) == (9, 0.7)
    default = TrainingConfig()
    assert (
        changed(
            config,
            {"ranker.boosters.leaves": default.ranker.boosters.leaves, "groups.keep": default.groups.keep},
        )
        == default
    )


def test_models_are_tried_without_the_events_that_they_are_measured_by(
    snapshot, config, encoder, monkeypatch
) -> None:
    from embeddings.training import tuning

    class Fake:
        def score(self, histories):
            return np.zeros((len(histories), snapshot.n_items), np.float32)

    tried, split = [], forward_split(snapshot.interactions, 1)
    monkeypatch.setattr(tuning, "fit", lambda data, config, seed: tried.append((data, config)) or Fake())
    found = tune(snapshot, encoder, config, trials(2), seed=1)
    assert len(found.trials) == len(tried) == 2
    train = snapshot.interactions.select(split.train)
    for data, _ in tried:
        np.testing.assert_array_equal(data.events.item, train.item)
    assert tried[0][1] == config != tried[1][1]


def test_without_optuna_it_says_what_to_install(valid, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(UsageError, match=r"trailmix\[tune\]"):
        search(valid, TrainingConfig(), trials(2), best_near(0.3, valid, []))


def test_where_nothing_is_held_out_there_is_one_trial() -> None:
    """Time is left for more, but no settings could be better than others."""
    found = tune(library([(0, 0)]), ThemeEncoder(), TrainingConfig(), lambda: True)
    assert len(found.trials) == 1
    assert found.config == TrainingConfig()
    with pytest.raises(DataError, match="no Book"):
        tune(library(books=0), ThemeEncoder(), TrainingConfig(), lambda: True)
