"""Holdout queries with their candidates."""

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Histories
from embeddings.ranking.features import CandidateFeatures
from embeddings.training.holdout import HoldoutQueries
from embeddings.training.scored_queries import ScoredQueries


def test_relevant_candidates_and_none_in_an_empty_place() -> None:
    items = np.array([[2, 0, -1], [1, 4, -1]])
    relevant = sp.csr_array(np.array([[1, 1, 0, 0, 0], [0, 0, 0, 1, 1]]))
    queries = HoldoutQueries(Histories.of([[], []], 5), relevant)
    scored = ScoredQueries(queries, CandidateFeatures(items, np.zeros((2, 3, 1)), np.zeros((2, 5)), 3))
    assert scored.relevant.tolist() == [[False, True, False], [False, True, False]]
