"""The graph of eight films, and a model and an encoder to go with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from films import FILMS, films_snapshot

from embeddings.model import Manifest, Query, Scores
from kg.graph import FloatArray, GraphSnapshot
from kg.progress import Report, silent
from service.recommender import Recommender


@dataclass
class FakeModel:
    """Scores as given; remembers what it was asked."""

    scores: FloatArray
    item_vectors: FloatArray
    asked: list[Query] = field(default_factory=list)
    manifest: Manifest = Manifest(  # noqa: RUF009  # frozen
        seed=0, snapshot="", nodes="", encoder="fake", config={}, inputs="", versions={}, metrics={},
        model_version="v1",
    )  # fmt: skip

    def score(self, query: Query) -> Scores:
        self.asked.append(query)
        return Scores(self.scores, lambda items: {"fixed": self.scores[items]})


class FakeEncoder:
    """Vectors by the words that a text has: one dimension for each of a few meanings."""

    name = "fake"
    dim = 4
    meanings = ("sci-fi science fiction", "comedy funny", "horror scary", "drama")

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for n, words in enumerate(self.meanings):
                row[n] = any(word in text.casefold().split() for word in words.split())
            row /= max(float(np.linalg.norm(row)), 1.0)
        return vectors


@pytest.fixture(scope="session")
def films() -> GraphSnapshot:
    return films_snapshot()


@pytest.fixture
def model() -> FakeModel:
    scores = np.array([8, 7, 6, 5, 4, 3, 2, 1], np.float32)
    return FakeModel(scores, np.eye(len(FILMS), dtype=np.float32))


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def recommender(films: GraphSnapshot, model: FakeModel, encoder: FakeEncoder) -> Recommender:
    return Recommender(films, model, encoder)
