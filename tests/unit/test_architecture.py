"""What docs/architecture.md says of adding a scorer, a protocol and a path type, done with toys.

Another toy path type, of three edges, is in kg/explanation/test_search.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log1p
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from typing_extensions import override

from embeddings.candidates.specs import SCORER_SPECS, SCORERS, ScorerSpec
from embeddings.data.dataset import Dataset, Histories
from embeddings.evaluation.experiment import benchmark_experiment
from embeddings.evaluation.protocols import PROTOCOLS, BenchmarkTrials
from embeddings.evaluation.trials import Trial
from embeddings.model.artifact import load_model, save_model
from embeddings.model.model import Query
from embeddings.scorers.base import Scorer
from embeddings.training.config import TrainingConfig
from embeddings.training.holdout import HoldoutConfig
from embeddings.training.train import train_unmeasured
from kg.adapters.benchmark import REVEALED
from kg.explanation.base import Candidate, Candidates, PathQuery, PathType
from kg.explanation.path_types import PATH_TYPES
from kg.explanation.paths import Edge, ExplanationPath, Sources
from kg.explanation.search import PathFinder
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent
from scripts.options import training_config


@dataclass(frozen=True)
class FactCountConfig:
    """How much a fact counts."""

    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class FactCount(Scorer[FactCountConfig]):
    """A toy scorer: items with many facts first, whatever the history."""

    name: ClassVar[str] = "fact_count"
    grid: ClassVar[tuple[Any, ...]] = (FactCountConfig(),)
    content_only: ClassVar[bool] = True

    counts: FloatArray

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: FactCountConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls((config.scale * dataset.content.fact_counts).astype(np.float32))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.tile(self.counts, (len(histories), 1))


@pytest.fixture
def toy_scorer(monkeypatch) -> ScorerSpec:
    """One entry in `SCORER_SPECS`; `SCORERS` follows from that table when the module is imported."""
    spec = ScorerSpec(FactCount, FactCountConfig(scale=2.0), known_item_weight=1.0, new_item_weight=1.0)
    monkeypatch.setitem(SCORER_SPECS, "fact_count", spec)
    monkeypatch.setitem(SCORERS, FactCount.name, FactCount)
    return spec


def test_a_scorer_is_a_class_and_a_spec(toy_scorer, films: GraphSnapshot, encoder, tmp_path) -> None:
    """m1 (Alien) has 5 facts, of which `scale` makes 10; m8 (Solaris) has 2."""
    config = TrainingConfig(
        scorers={"fact_count": toy_scorer},
        holdout=HoldoutConfig(cold_holdouts=1, random_holdouts=1, last_shares=()),
    )
    model = train_unmeasured(films, encoder, config)
    loaded = load_model(save_model(model, tmp_path), films)
    scorer = loaded.two_stage.ensemble.scorers["fact_count"]
    assert isinstance(scorer, FactCount)
    assert scorer.counts.tolist() == [10, 8, 6, 8, 6, 4, 6, 4]
    assert loaded.two_stage.ensemble.score_columns == ("fact_count",)
    assert TrainingConfig.from_dict(loaded.manifest.config) == config
    history = Query(history=np.array([0]))
    found = loaded.score(history).scores
    assert found.tolist() == model.score(history).scores.tolist()
    blended = loaded.two_stage.candidate_features(Histories.of([[0]], films.n_items)).blended_score[0]
    assert np.argsort(-blended[[1, 2, 5]]).tolist() == [0, 1, 2], "8 before 6 before 4"


def test_a_scorer_is_an_option_of_the_command_line(toy_scorer) -> None:
    config = training_config(None, ["ease", "fact_count"])
    assert list(config.scorers) == ["ease", "fact_count"]
    assert config.scorers["fact_count"] == toy_scorer


def late_items(folder: BenchmarkTrials) -> Trial:
    """A toy protocol: `warm`, measured on the second half of the items alone."""
    trial = folder.warm()
    items = np.arange(trial.test.dataset.n_items)
    return replace(trial, name="late_items", test=replace(trial.test, candidates=items[len(items) // 2 :]))


@pytest.fixture
def benchmark_folder(tmp_path):
    """Four users and four items; each user has all items but one."""
    pairs = [(user, item) for user in range(4) for item in range(4) if user != item]
    files = {"warm/train": pairs[:8], "warm/valid": pairs[8:10], "warm/test": pairs[10:]}
    for split in ("user_cold", "item_cold"):
        files |= {f"{split}/train": pairs[:8], f"{split}/valid": pairs[8:10], f"{split}/test": pairs[10:]}
    files |= {f"user_cold/reveal_{k}": pairs[8:9] for k in REVEALED}
    for name, rows in {"interactions": pairs, **files}.items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("user\titem\n" + "".join(f"{user}\t{item}\n" for user, item in rows))
    (tmp_path / "item_cold" / "cold_items.tsv").write_text("item\n3\n")
    return tmp_path


def test_a_protocol_is_a_function_and_a_row(monkeypatch, benchmark_folder, encoder) -> None:
    monkeypatch.setitem(PROTOCOLS, "late_items", late_items)
    (trial,) = benchmark_experiment(benchmark_folder, encoder, "late_items", seed=0).trials
    assert trial.name == "late_items"
    assert trial.test.candidates.tolist() == [2, 3]


class NamesakePath(PathType):
    """A toy path type: an item leads to each item whose name begins with its name."""

    through_users = False

    @override
    def candidates(self, query: PathQuery) -> Candidates:
        item, source = np.array(list(self._pairs(query)), np.int64).reshape(-1, 2).T
        return Candidates(item, source, query.relevance[item, source] * np.float32(0.5))

    def _pairs(self, query: PathQuery) -> Iterator[tuple[int, int]]:
        names = self._snapshot.names
        for item, node in enumerate(query.items):
            for source, start in enumerate(query.sources.nodes):
                if names[node].startswith(names[start]):
                    yield item, source

    @override
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        start, end = (self._snapshot.names[node] for node in candidate.nodes)
        text = f"because *{end}* is named like *{start}*"
        return ExplanationPath(candidate.score, candidate.nodes, (Edge("NAMED_LIKE", "out"),), text)


def test_a_path_type_is_a_class_and_an_entry(films: GraphSnapshot) -> None:
    """Alien and Aliens share Sigourney Weaver, of 2 films: ln(1 + 8 / 2) / ln(1 + 8).

    The toy's 0.5 is halved, since its path is the second one from the same source. No third path reaches a
    quarter of the best one's score.
    """
    finder = PathFinder(films, path_types=(*PATH_TYPES, NamesakePath))
    alien, aliens = (films.items.index(x) for x in ("m1", "m4"))
    liked = Sources(np.array([alien]), np.ones(1, np.float32), (0,))
    ((first, second),) = finder.find(liked, [aliens], 9)
    assert first.score == pytest.approx(log1p(8 / 2) / log1p(8))
    assert second.text == "because *Aliens* is named like *Alien*"
    assert second.nodes == (alien, aliens)
    assert second.score == pytest.approx(0.5 * 0.5)
