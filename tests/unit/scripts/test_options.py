"""`--kge` and `--model-scorer`: which parts the model is made of."""

import pytest

from embeddings.candidates.specs import SCORER_SPECS, select_specs
from embeddings.graph.configs import KgeConfig
from embeddings.training.config import TrainingConfig
from kg.errors import UsageError
from scripts.options import training_config


def test_nothing_asked_is_the_defaults() -> None:
    assert training_config(None, None) == TrainingConfig()
    assert training_config("complex", ["default"]) == TrainingConfig()


def test_scorers_stand_in_the_order_of_the_ensemble() -> None:
    assert training_config(None, ["kge", "popularity", "kge"]).scorers == select_specs(["popularity", "kge"])
    assert tuple(training_config(None, ["gnn", "kge"]).scorers) == ("kge", "gnn")
    assert tuple(training_config(None, ["all"]).scorers) == tuple(SCORER_SPECS)


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(UsageError, match="no scorer is called 'oracle'; there are default, all, popularity"):
        training_config(None, ["ease", "oracle"])


def test_the_embedding_is_that_of_the_model() -> None:
    config = training_config("rotate", ["all"])
    assert config.scorers["kge"].config == KgeConfig("rotate")
    assert config.scorers["gnn"].config.kge == KgeConfig("rotate")
