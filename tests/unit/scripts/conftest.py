"""Logs are left as they were; and a comparison worked out by hand: three users, one relevant film each."""

import numpy as np
import pytest
import scipy.sparse as sp
import structlog

from embeddings.data.dataset import Dataset
from embeddings.evaluation.comparison import Table
from embeddings.evaluation.experiment import Experiment, ExperimentResults, result_tables
from embeddings.evaluation.trials import OURS, Result, Task, Trial
from embeddings.scorers.ease import EaseConfig


@pytest.fixture(autouse=True)
def logs_as_before():
    """A command that runs in this process makes logs write to a stderr that pytest closes after the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def results(films) -> ExperimentResults:
    """`trailmix` ranks the relevant film first, second and third; `random` second, third and never.

    NDCG@3 of `trailmix`: 1, 1 / log2(3), 1 / log2(4) = 1, .6309, .5; of `random`: .6309, .5, 0.
    """
    dataset = Dataset.from_snapshot(films, np.eye(8, 4, dtype=np.float32))
    relevant = sp.csr_array((np.ones(3), ([0, 1, 2], [7, 6, 5])), shape=(5, 8))
    task = Task(dataset, dataset.histories, sp.csr_array((5, 8)), relevant)
    ranks = {OURS: (1, 2, 3), "random": (2, 3, 8)}

    def scores(places):
        """The relevant film at its place, the other films in their own order: [users, n_items]."""
        board = np.tile(-np.arange(8.0, dtype=np.float32), (3, 1))
        for user, (film, place) in enumerate(zip((7, 6, 5), places, strict=True)):
            board[user, film] = 1.5 - place if place < 8 else -100.0
        return board

    def result(name, places):
        board = scores(places)
        ranking = task.measure(lambda asked: board, 3, 5)
        return Result(name, EaseConfig(), ranking, {"old <items>": ranking})

    trial = Trial("random", task, task, {"old <items>": task})
    experiment = Experiment([trial], films.users.ids, films.items.ids)
    return ExperimentResults(experiment, [[result(name, places)] for name, places in ranks.items()])


@pytest.fixture(scope="session")
def table(results) -> Table:
    return result_tables(results)[0]
