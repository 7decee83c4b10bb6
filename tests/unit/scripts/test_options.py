"""`--kge` and `--model-scorer`: which parts the model is made of."""

import pytest

from embeddings.candidates.ensemble import DEFAULT_SCORERS, SCORER_SPECS
from embeddings.graph.configs import KgeConfig
from embeddings.training.fit import TrainingConfig
from kg.errors import UsageError
from scripts.options import training_config


def test_nothing_asked_is_the_defaults() -> None:
    assert training_config(None, None) == TrainingConfig()
    assert training_config("complex", ["default"]) == TrainingConfig()


def test_scorers_stand_in_the_order_of_the_ensemble() -> None:
    assert training_config(None, ["kge", "popularity", "kge"]).experts == ("popularity", "kge")
    assert training_config(None, ["gnn", "default"]).experts == (*DEFAULT_SCORERS, "gnn")
    assert training_config(None, ["all"]).experts == tuple(SCORER_SPECS)


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(UsageError, match="no scorer is called 'oracle'; there are default, all, popularity"):
        training_config(None, ["ease", "oracle"])


def test_the_embedding_is_that_of_the_model() -> None:
    assert training_config("rotate", None) == TrainingConfig(kge=KgeConfig("rotate"))
