"""Curves of lists that are put together by one criterion at several strengths, against the ranking itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from embeddings.evaluation.beyond_accuracy import (
    Catalogue,
    Doubles,
    diversity,
    list_matrix,
    list_means,
    miscalibration,
)
from embeddings.evaluation.bootstrap import Comparison, Interval, compare, mean_interval
from embeddings.evaluation.metrics import Ranking, ndcg_of_lists
from embeddings.evaluation.trials import Task
from embeddings.model.stated_preferences import StatedPreferences
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.reranking.criteria import Criteria, Diversity, FacetMix, RerankingConfig
from embeddings.reranking.exploration import draw_exploration
from embeddings.reranking.novelty import self_information
from embeddings.reranking.selection import select
from kg.graph import Float64Array, FloatArray, IntArray

LENGTHS = (10, 20)
"""How many first items of each list are measured."""

RANKING, RANDOM = "ranking", "random"
"""The ranking itself, and lists of items drawn at random: how far a measure goes at all."""


@dataclass(frozen=True)
class CurveConfig:
    """Which strengths of each criterion are measured."""

    diversity: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.62, 0.7, 0.8, 1.0)
    calibrated: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
    novelty: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
    explore: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 1.0)
    reranking: RerankingConfig = field(default_factory=RerankingConfig)

    def points(self) -> Iterator[tuple[str, float]]:
        """Each criterion with each of its strengths."""
        for name in ("diversity", "calibrated", "novelty", "explore"):
            yield from ((name, strength) for strength in getattr(self, name))


@dataclass(frozen=True)
class Point:
    """One criterion at one strength, measured on the first items of each list."""

    criterion: str
    strength: float
    k: int
    values: Mapping[str, Interval]
    """The mean of each measure over the users."""
    ratios: Mapping[str, Comparison]
    """The same compared with the ranking; empty for the ranking."""
    coverage: float
    """Share of the candidates that are in any list."""


@dataclass(frozen=True)
class Curves:
    """All points of one trial."""

    trial: str
    users: int
    facet: str
    points: tuple[Point, ...]


def reranking_curves(
    trial: str,
    task: Task,
    model: StatedPreferences,
    facet: str | None = None,
    seed: int = 0,
    config: CurveConfig | None = None,
) -> Curves:
    """Rank once, put the lists together by each criterion at each strength, and measure them.

    `facet` is as for `Catalogue.of`; `seed` is that of the intervals and of what is drawn.
    """
    config = config or CurveConfig()
    ranking = task.measure(model.score, max(LENGTHS), config.reranking.pool)
    lists = ListMeasures.of(task, ranking, model.two_stage, facet, config.reranking)
    points = []
    for k in LENGTHS:
        base = lists.measure(ranking.top[:, :k])
        points.append(_point(RANKING, 0.0, lists, ranking.top[:, :k], base, seed))
        points.append(_point(RANDOM, 0.0, lists, _random(ranking, task, k, seed), base, seed))
        for name, strength in config.points():
            top = lists.put_together(name, strength, k, seed)
            points.append(_point(name, strength, lists, top, base, seed))
    return Curves(trial, len(ranking.users), lists.catalogue.facet_name, tuple(points))


def _point(
    name: str, strength: float, lists: "ListMeasures", top: IntArray, base: Mapping[str, Doubles], seed: int
) -> Point:
    values = lists.measure(top)
    known = {key: ~np.isnan(own) for key, own in base.items()}
    return Point(
        name,
        strength,
        top.shape[1],
        {key: mean_interval(own[known[key]], seed) for key, own in values.items()},
        {
            key: compare(own[known[key]], base[key][known[key]], RANKING, seed)
            for key, own in values.items()
            if name != RANKING
        },
        len(np.unique(top[top >= 0])) / max(1, lists.n_candidates),
    )


@dataclass(frozen=True, eq=False)
class ListMeasures:
    """The lists of a trial's users, and what is measured of them."""

    ranking: Ranking
    task: Task
    catalogue: Catalogue
    vectors: tuple[FloatArray, ...]
    """Unit vectors of texts, of facts and of the graph, float32 [n_items, d] each."""
    fused: FloatArray
    information: Float64Array
    config: RerankingConfig

    @classmethod
    def of(
        cls,
        task: Task,
        ranking: Ranking,
        two_stage: TwoStageRecommender,
        facet: str | None,
        config: RerankingConfig,
    ) -> "ListMeasures":
        """For a ranking as deep as the pool."""
        catalogue, items = Catalogue.of(task.dataset, facet), two_stage.items
        graph = two_stage.ensemble.node_vectors(task.dataset.n_nodes)[: task.dataset.n_items]
        vectors = (items.text_vectors, items.fact_vectors, graph)
        fused = Diversity.of(1.0, vectors, config.vector_weights).vectors
        information = self_information(catalogue.degrees, catalogue.n_users)
        return cls(ranking, task, catalogue, vectors, fused, information, config)

    @property
    def n_candidates(self) -> int:
        """How many items are ranked."""
        candidates = self.task.candidates
        return self.task.dataset.n_items if candidates is None else len(candidates)

    def put_together(self, criterion: str, strength: float, k: int, seed: int) -> IntArray:
        """The list of each user by one criterion, int64 [users, k]; padded with -1."""
        found = np.full((len(self.ranking.users), k), -1, np.int64)
        make = _CRITERIA[criterion]
        for row, (top, scores) in enumerate(zip(self.ranking.top, self.ranking.scores, strict=True)):
            pool, own = top[top >= 0], scores[top >= 0]
            query = _UserPool(row, pool, own, k, f"{seed}/{row}")
            chosen = select(own, k, make(self, strength, query)).places
            found[row, : len(chosen)] = pool[chosen]
        return found

    def measure(self, top: IntArray) -> dict[str, Doubles]:
        """Each measure of the lists [users, k], float64 [users]; NaN where it is not defined."""
        k, users = top.shape[1], self.ranking.users
        lists = list_matrix(top, self.task.dataset.n_items)
        found = {f"ndcg@{k}": ndcg_of_lists(top, users, self.task.relevant, self.task.excluded)}
        for name, vectors in zip(("text", "facts", "graph"), self.vectors, strict=True):
            if vectors.any():
                found[f"diversity_{name}"] = diversity(lists, vectors)
        found["diversity"] = diversity(lists, self.fused)
        if self.catalogue.facet_name:
            found["diversity_facet"] = diversity(lists, self.catalogue.facet_vectors)
            liked = self.task.histories.select(users).matrix
            found["miscalibration"] = miscalibration(lists, liked, self.catalogue.facet)
        found["novelty"] = list_means(lists, self.information)
        return found

    def wanted(self, row: int) -> Float64Array:
        """How many items of each facet value a user's history has; an item divides among its values."""
        history = self.task.histories[int(self.ranking.users[row])]
        return np.asarray(self.catalogue.facet[history].sum(axis=0), np.float64)


@dataclass(frozen=True, eq=False)
class _UserPool:
    """The pool of one user."""

    row: int
    pool: IntArray
    scores: FloatArray
    k: int
    seed: str


def _by_diversity(lists: ListMeasures, strength: float, own: _UserPool) -> Criteria:
    return Criteria(diversity=Diversity(strength, lists.fused[own.pool]), config=lists.config)


def _by_mix(lists: ListMeasures, strength: float, own: _UserPool) -> Criteria:
    wanted = lists.wanted(own.row)
    mix = FacetMix.of(strength, lists.catalogue.facet[own.pool], wanted) if wanted.any() else None
    return Criteria(facet_mix=mix, config=lists.config)


def _by_novelty(lists: ListMeasures, strength: float, own: _UserPool) -> Criteria:
    return Criteria(novelty=strength, information=lists.information[own.pool], config=lists.config)


def _by_exploration(lists: ListMeasures, strength: float, own: _UserPool) -> Criteria:
    drawn = draw_exploration(strength, own.k, own.scores, lists.config.temperature, own.seed)
    return Criteria(exploration=drawn, config=lists.config)


_CRITERIA: Mapping[str, Callable[[ListMeasures, float, _UserPool], Criteria]] = {
    "diversity": _by_diversity,
    "calibrated": _by_mix,
    "novelty": _by_novelty,
    "explore": _by_exploration,
}


def _random(ranking: Ranking, task: Task, k: int, seed: int) -> IntArray:
    """A list of random candidates for each user, without those that are excluded."""
    rng = np.random.default_rng(seed)
    among = np.arange(task.dataset.n_items) if task.candidates is None else task.candidates
    found = np.full((len(ranking.users), k), -1, np.int64)
    for row, user in enumerate(ranking.users):
        excluded = task.excluded.indices[task.excluded.indptr[user] : task.excluded.indptr[user + 1]]
        drawn = rng.permutation(np.setdiff1d(among, excluded))[: found.shape[1]]
        found[row, : len(drawn)] = drawn
    return found
