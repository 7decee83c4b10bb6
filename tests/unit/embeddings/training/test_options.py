"""`--kge` and `--expert`: which parts the model is made of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.candidates.ensemble import DEFAULT_SCORERS, SCORER_SPECS
from embeddings.data.dataset import Histories
from embeddings.evaluation.trials import METHODS, OURS
from embeddings.graph.configs import KgeConfig
from embeddings.ranking.ranker import RankerConfig
from embeddings.training.fit import TrainingConfig, fit
from kg.errors import UsageError
from kg.progress import silent
from scripts.evaluate import methods
from scripts.options import training_config


def test_nothing_asked_is_the_defaults() -> None:
    assert training_config(None, None) == TrainingConfig()
    assert training_config("complex", ["default"]) == TrainingConfig()


def test_experts_stand_in_the_order_of_the_panel() -> None:
    assert training_config(None, ["kge", "popularity", "kge"]).experts == ("popularity", "kge")
    assert training_config(None, ["gnn", "default"]).experts == (*DEFAULT_SCORERS, "gnn")
    assert training_config(None, ["all"]).experts == tuple(SCORER_SPECS)


def test_an_unknown_expert_is_named() -> None:
    with pytest.raises(UsageError, match="no scorer is called 'oracle'; there are default, all, popularity"):
        training_config(None, ["ease", "oracle"])


def test_the_embedding_is_that_of_the_model_and_of_scorers() -> None:
    config = training_config("rotate", None)
    assert config == TrainingConfig(kge=KgeConfig("rotate"))
    ours, kge, gnn, ease = methods([OURS, "kge", "gnn", "ease"], config, "rotate", 0, silent)
    assert [c.kge.model for c in (*ours.grid, *gnn.grid)] == ["rotate", "rotate"]
    assert [c.model for c in kge.grid] == ["rotate"]
    assert ease.grid == methods(["ease"], config, None, 0, silent)[0].grid


def test_every_method_is_documented() -> None:
    text = (Path(__file__).parents[4] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("experts", [("kge",), ("text", "gnn"), ("popularity", "ease")])
def test_a_model_of_few_experts(dataset, config, experts) -> None:
    """Whoever likes two of a colour gets it, also if nobody speaks who usually chooses candidates."""
    small = replace(config, experts=experts, ranker=RankerConfig(rounds=5, smallest_leaf=5))
    fitted = fit(dataset, small, seed=1)
    scores = fitted.score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert np.isfinite(scores).all()
    assert scores[0, [4, 6, 8]].mean() > scores[0, [5, 7, 9]].mean()
    assert scores[1, [5, 7, 9]].mean() > scores[1, [4, 6, 8]].mean()
