"""Models of few scorers."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.data.dataset import Histories
from embeddings.ranking.ranker import RankerConfig
from embeddings.training.fit import fit


@pytest.mark.parametrize("experts", [("kge",), ("text", "gnn"), ("popularity", "ease")])
def test_a_model_of_few_experts(dataset, config, experts) -> None:
    """Whoever likes two of a colour gets it, also if nobody speaks who usually chooses candidates."""
    small = replace(config, experts=experts, ranker=RankerConfig(rounds=5, smallest_leaf=5))
    fitted = fit(dataset, small, seed=1)
    scores = fitted.score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert np.isfinite(scores).all()
    assert scores[0, [4, 6, 8]].mean() > scores[0, [5, 7, 9]].mean()
    assert scores[1, [5, 7, 9]].mean() > scores[1, [4, 6, 8]].mean()
