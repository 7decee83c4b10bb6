"""The baselines by name: the scorer contract, and what looking one up imports."""

import subprocess
import sys

import pytest
from scorer_contract import ScorerCase, ScorerContract

from embeddings.baselines.ease_with_content import EaseWithContentConfig
from embeddings.baselines.lightgcn import LightGcnConfig
from embeddings.baselines.ncf import NcfConfig
from embeddings.baselines.nmf import NmfConfig
from embeddings.baselines.registry import BASELINES, LazyScorers
from embeddings.baselines.sasrec import SasRecConfig
from embeddings.candidates.specs import SCORERS
from embeddings.evaluation.trials import COMPARED, METHODS, TRAINING_BASELINES, named_method
from embeddings.scorers.als import AlsConfig
from embeddings.scorers.ease import EaseConfig
from embeddings.scorers.popularity import Popularity
from kg.errors import UsageError

SMALL = {
    "biased_als": AlsConfig(factors=2, regularisation=0.1, iterations=15),
    "ease_with_content": EaseWithContentConfig(neighbours=3, regularisation=1.0),
    "liked_ease": EaseConfig(1.0),
    "lightgcn": LightGcnConfig(embedding_dim=8, epochs=30, learning_rate=0.05),
    "ncf": NcfConfig(embedding_dim=8, hidden_dim=4, epochs=60, learning_rate=0.03, negatives=12, dropout=0.1),
    "nmf": NmfConfig(factors=2, regularisation=0.1),
    "sasrec": SasRecConfig(
        embedding_dim=8, max_length=6, epochs=60, learning_rate=0.01, batch_size=8, dropout=0.1
    ),
}
"""Configurations at the size of the checkerboard."""


@pytest.fixture(scope="module", params=sorted(BASELINES))
def case(request, dataset):
    kind = METHODS[request.param]
    return ScorerCase.of(kind, SMALL.get(request.param) or kind.grid[0], dataset)


class TestBaselines(ScorerContract):
    """Every baseline."""


def test_every_baseline_has_the_name_it_is_found_by() -> None:
    assert {name: METHODS[name].name for name in METHODS} == {name: name for name in METHODS}


def test_no_baseline_hides_a_scorer_of_the_model() -> None:
    assert not set(BASELINES) & set(SCORERS)
    assert len(METHODS) == len(BASELINES) + len(SCORERS)
    assert {*COMPARED, *TRAINING_BASELINES} <= set(METHODS)


def test_iterating_imports_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys\n"
        "from embeddings.evaluation.trials import METHODS\n"
        "assert {'sasrec', 'nmf'} < set(METHODS) and len(METHODS)\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)\n"
        "METHODS['nmf']\n"
        "assert 'sklearn' in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_class_is_found_as_it_is_and_a_path_is_imported() -> None:
    scorers = LazyScorers({"here": Popularity, "there": "embeddings.scorers.popularity:Popularity"})
    assert list(scorers) == ["here", "there"]
    assert scorers["here"] is scorers["there"] is Popularity


def test_unknown_names() -> None:
    assert "nowhere" not in METHODS
    with pytest.raises(KeyError):
        METHODS["nowhere"]
    with pytest.raises(UsageError, match=r"'sasrek'; there are trailmix, .*sasrec"):
        named_method("sasrek")
