"""A graph of eight films, small enough to work out by hand, and a model and an encoder to go with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.model.manifest import Manifest
from embeddings.model.model import Query, Scores
from kg.graph import NO_TIME, FloatArray, GraphSnapshot, Interactions, Triples, Vocabulary
from kg.progress import Report, silent
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema
from service.recommender import Recommender

FILMS = {
    "m1": "Alien",
    "m2": "Blade Runner",
    "m3": "Gladiator",
    "m4": "Aliens",
    "m5": "The Terminator",
    "m6": "The Godfather",
    "m7": "Witness",
    "m8": "Solaris",
}
PEOPLE = {
    "p1": "Ridley Scott",
    "p2": "Sigourney Weaver",
    "p3": "James Cameron",
    "p4": "Harrison Ford",
    "p5": "Love",
    "5": "Cher",
}
GENRES = {"g1": "Sci-Fi", "g2": "Drama", "g3": "Comedy", "5": "Horror"}
LANGUAGES = {"en": "English", "ru": "Russian"}
USERS = {"u1": "Ann Secret", "u2": "Bob Secret", "u3": "Cleo Secret", "u4": "Dan Secret", "u5": "Eve Secret"}

FACTS = {
    "DIRECTED_BY": ["m1 p1", "m2 p1", "m3 p1", "m4 p3", "m5 p3"],
    "STARS": ["m1 p2", "m4 p2", "m2 p4", "m7 p4"],
    "HAS_GENRE": ["m1 g1", "m2 g1", "m4 g1", "m5 g1", "m8 g1", "m3 g2", "m6 g2", "m7 g2", "m1 5"],
    "IN_LANGUAGE": ["m1 en", "m2 en", "m3 en", "m4 en", "m5 en", "m6 en", "m7 en", "m8 ru"],
}
RATINGS = """
u1 m1 5 100
u1 m4 4 200
u1 m6 2 300
u2 m1 5 100
u2 m6 5 200
u3 m1 4 100
u3 m6 4 200
u4 m1 5 10
u4 m2 5 20
u4 m4 5 30
u4 m5 5 40
u4 m3 5 50
u5 m8 1 10
"""


def _relation(name: str, tail: str, out: str, back: str) -> RelationSchema:
    return RelationSchema(type=name, head="Movie", tail=tail, phrase=Phrase(out=out, back=back))


SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="User", role="user"),
        LabelSchema(label="Movie", role="item", name_property="title"),
        LabelSchema(label="Person", role="entity"),
        LabelSchema(label="Genre", role="entity"),
        LabelSchema(label="Language", role="entity"),
    ),
    relations=(
        _relation("DIRECTED_BY", "Person", "directed by", "who also directed"),
        _relation("STARS", "Person", "starring", "who is also in"),
        _relation("HAS_GENRE", "Genre", "a film of the genre", "which is also the genre of"),
        _relation("IN_LANGUAGE", "Language", "in", "also the language of"),
    ),
    interactions=(InteractionSchema(type="RATED", liked_at_least=4, verb="liked"),),
)

ENTITY_LABELS = {"Person": PEOPLE, "Genre": GENRES, "Language": LANGUAGES}


def films_snapshot() -> GraphSnapshot:
    columns = {"Movie": FILMS, **ENTITY_LABELS, "User": USERS}
    vocabularies = tuple(Vocabulary(label, ids) for label, ids in columns.items())
    start, number = 0, {}
    for vocabulary in vocabularies:
        number[vocabulary.label] = {x: start + n for n, x in enumerate(vocabulary.ids)}
        start += len(vocabulary)
    facts = [
        (number["Movie"][head], n, number[relation.tail][tail])
        for n, relation in enumerate(SCHEMA.relations)
        for head, tail in map(str.split, FACTS[relation.type])
    ]
    head, relations, tail = (np.array(x, np.int32) for x in zip(*facts, strict=True))
    rows = [line.split() for line in RATINGS.strip().splitlines()]
    value = np.array([float(r[2]) for r in rows], np.float32)
    return GraphSnapshot(
        schema=SCHEMA,
        vocabularies=vocabularies,
        names=tuple(name for names in columns.values() for name in names.values()),
        texts=("",) * len(FILMS),
        triples=Triples(head, relations, tail),
        interactions=Interactions(
            user=np.array([vocabularies[-1].index(r[0]) for r in rows], np.int32),
            item=np.array([vocabularies[0].index(r[1]) for r in rows], np.int32),
            value=value,
            time=np.array([int(r[3]) if r[3] else NO_TIME for r in rows], np.int64),
            kind=np.zeros(len(rows), np.int8),
            liked=value >= 4,
        ),
    )


@dataclass
class FakeModel:
    """Scores as given; remembers what it was asked."""

    scores: FloatArray
    item_vectors: FloatArray
    asked: list[Query] = field(default_factory=list)
    near_text: FloatArray | None = None
    text_vectors: FloatArray | None = None
    entity_vectors: FloatArray | None = None
    manifest: Manifest = Manifest(  # noqa: RUF009  # frozen
        seed=0, snapshot="", nodes="", encoder="fake", config={}, inputs="", versions={}, metrics={},
        model_version="v1",
    )  # fmt: skip

    @property
    def node_vectors(self) -> FloatArray:
        n_entities = sum(map(len, ENTITY_LABELS.values()))
        entities = self.entity_vectors
        if entities is None:
            entities = np.zeros((n_entities, self.item_vectors.shape[1]), np.float32)
        return np.concatenate([self.item_vectors, entities])

    def score(self, query: Query) -> Scores:
        self.asked.append(query)
        return Scores(
            self.scores,
            lambda items: {"fixed": self.scores[items]},
            lambda scores: np.exp2(scores.astype(np.float64) - 8),
            calibrated=query.text is None and not len(query.likes),
        )

    def score_text(self, text: FloatArray) -> FloatArray | None:
        return self.near_text

    content_vectors = (np.zeros((8, 1), np.float32), np.zeros((8, 1), np.float32))
    contribution_names = ("fixed", "likes")


class FakeEncoder:
    """Vectors by the words that a text has: one dimension for each of a few meanings."""

    name = "fake"
    dim = 4
    scripts = frozenset({"LATIN"})
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
    return Recommender(replace(films, texts=("a film",) * films.n_items), model, encoder)


@pytest.fixture
def bookshop():
    """A folder with another domain's files and mapping."""
    return Path(__file__).parents[1] / "data" / "bookshop"
