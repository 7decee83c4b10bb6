"""Holdout queries with their candidates."""

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.data.dataset import Histories
from embeddings.ranking.features import CandidateFeatures
from embeddings.training.holdout import Holdout, HoldoutQueries
from embeddings.training.scored_queries import ScoredQueries, score_queries


def test_relevant_candidates_and_none_in_an_empty_place() -> None:
    items = np.array([[2, 0, -1], [1, 4, -1]])
    relevant = sp.csr_array(np.array([[1, 1, 0, 0, 0], [0, 0, 0, 1, 1]]))
    queries = HoldoutQueries(Histories.of([[], []], 5), relevant)
    scored = ScoredQueries(queries, CandidateFeatures(items, np.zeros((2, 3, 1)), np.zeros((2, 5)), 3))
    assert scored.relevant.tolist() == [[False, True, False], [False, True, False]]


def test_where_nothing_is_relevant_no_scorer_is_fitted(board, config, monkeypatch) -> None:
    nothing = HoldoutQueries(Histories.of([[0], [1]], 5), sp.csr_array((2, 5)))
    holdout = Holdout(board, np.zeros(5, np.bool_), (nothing, nothing))
    monkeypatch.setattr(ScorerEnsemble, "fit", lambda *_: pytest.fail("fitted for nothing"))
    assert list(score_queries(holdout, None, config, 0)) == []
