"""`--kge` and `--model-scorer`: which parts the model is made of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.candidates.specs import DEFAULT_SCORERS, SCORER_SPECS, select_specs
from embeddings.data.dataset import Histories
from embeddings.evaluation.trials import METHODS, OURS
from embeddings.ranking.ranker import RankerConfig
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.errors import UsageError
from kg.progress import silent
from scripts.evaluate import methods
from scripts.options import training_config


def test_without_options_the_defaults_hold() -> None:
    assert training_config(None, None) == TrainingConfig()
    assert training_config("complex", ["default"]) == TrainingConfig()


def test_scorers_stand_in_the_order_of_the_table() -> None:
    assert tuple(training_config(None, ["kge", "popularity", "kge"]).scorers) == ("popularity", "kge")
    assert tuple(training_config(None, ["gnn", "default"]).scorers) == (*DEFAULT_SCORERS, "gnn")
    assert tuple(training_config(None, ["all"]).scorers) == tuple(SCORER_SPECS)


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(UsageError, match="no scorer is called 'oracle'; there are default, all, popularity"):
        training_config(None, ["ease", "oracle"])


def test_the_embedding_is_that_of_the_model_and_of_scorers() -> None:
    config = training_config("rotate", None)
    assert config == TrainingConfig().with_kge("rotate")
    assert config.scorers["kge"].config.model == "rotate"
    ours, kge, gnn, ease = methods([OURS, "kge", "gnn", "ease"], config, "rotate", 0, silent)
    assert [ours.grid[0].scorers["kge"].config.model, gnn.grid[0].kge.model] == ["rotate", "rotate"]
    assert [c.model for c in kge.grid] == ["rotate"]
    assert ease.grid == methods(["ease"], config, None, 0, silent)[0].grid


def test_every_method_is_documented() -> None:
    text = (Path(__file__).parents[4] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("names", [("kge",), ("text", "gnn"), ("popularity", "ease")])
def test_a_model_of_few_scorers(dataset, config, small_configs, names) -> None:
    """Whoever likes two of a colour gets it, also without the scorers that usually select candidates."""
    scorers = select_specs(names, {name: x for name, x in small_configs.items() if name in names})
    small = replace(config, scorers=scorers, ranker=RankerConfig(rounds=5, min_leaf_size=5))
    fitted = fit(dataset, small, seed=1)
    scores = fitted.score(Histories.of([[0, 2], [1, 3]], dataset.n_items))
    assert np.isfinite(scores).all()
    assert scores[0, [4, 6, 8]].mean() > scores[0, [5, 7, 9]].mean()
    assert scores[1, [5, 7, 9]].mean() > scores[1, [4, 6, 8]].mean()
