"""A checkerboard: even users like even items, odd users odd ones; genre Even and genre Odd say so too."""

from typing import Any

import numpy as np
import pytest

from embeddings.candidates.specs import DEFAULT_SCORERS, select_specs
from embeddings.data.dataset import Dataset
from embeddings.data.spectral import SpectralConfig
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.ranking.boosters import BoosterConfig
from embeddings.ranking.ranker import RankerConfig
from embeddings.scorers.als import AlsConfig
from embeddings.training.config import TrainingConfig
from embeddings.training.holdout import HoldoutConfig
from kg.graph import GraphSnapshot, Interactions, Triples, Vocabulary
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

N_USERS, N_ITEMS, DIM = 24, 12, 4

SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Book", role="item"),
        LabelSchema(label="Genre", role="entity"),
        LabelSchema(label="Reader", role="user"),
    ),
    relations=(
        RelationSchema(type="HAS_GENRE", head="Book", tail="Genre", phrase=Phrase(out="of", back="also of")),
    ),
    interactions=(InteractionSchema(type="READ", liked_at_least=4),),
)


def interactions(rows):
    """Events of (user, item, value, time); a value of 4 or more is a like."""
    user, item, value, time = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        value.astype(np.float32),
        time.astype(np.int64),
        np.zeros(len(user), np.int8),
        value >= 4,
    )


def checkerboard_events(*, skip_own: bool = True) -> Interactions:
    """Everybody has read all 6 of their own colour but the one at (user // 2) % 6, and disliked one other."""
    rows = []
    for user in range(N_USERS):
        own = [item for item in range(N_ITEMS) if item % 2 == user % 2]
        if skip_own:
            own.pop((user // 2) % 6)
        rows += [(user, item, 5.0, 1000 * user + item) for item in own]
        rows.append((user, (user + 1) % N_ITEMS, 1.0, 1000 * user + 999))
    return interactions(rows)


def checkerboard_text() -> np.ndarray:
    """Two opposite directions with a little of their own; the last two items have no text."""
    text = np.zeros((N_ITEMS, DIM), np.float32)
    for item in range(N_ITEMS - 2):
        text[item] = [1.0, 0.0, 0.01 * item, 0.0] if item % 2 == 0 else [0.0, 1.0, 0.0, 0.01 * item]
    lengths = np.linalg.norm(text, axis=1, keepdims=True)
    return np.divide(text, lengths, out=text, where=lengths > 0)


@pytest.fixture(scope="session")
def snapshot() -> GraphSnapshot:
    vocabularies = (
        Vocabulary("Book", [f"b{n:02}" for n in range(N_ITEMS)]),
        Vocabulary("Genre", ["even", "odd"]),
        Vocabulary("Reader", [f"r{n:02}" for n in range(N_USERS)]),
    )
    items = np.arange(N_ITEMS, dtype=np.int32)
    triples = Triples(items, np.zeros(N_ITEMS, np.int32), (N_ITEMS + items % 2).astype(np.int32))
    names = tuple(x for v in vocabularies for x in v.ids)
    texts = tuple(f"book {n}" if n < N_ITEMS - 2 else "" for n in range(N_ITEMS))
    return GraphSnapshot(SCHEMA, vocabularies, names, texts, triples, checkerboard_events())


@pytest.fixture(scope="session")
def text() -> np.ndarray:
    return checkerboard_text()


@pytest.fixture(scope="session")
def dataset(snapshot: GraphSnapshot, text: np.ndarray) -> Dataset:
    return Dataset.from_snapshot(snapshot, text)


@pytest.fixture(scope="session")
def small_configs() -> dict[str, Any]:
    """Configurations of scorers at the size of the checkerboard, by name."""
    kge = KgeConfig(embedding_dim=8, epochs=30, negatives=4)
    return {
        "als": AlsConfig(factors=2, regularisation=0.1, iterations=15),
        "svd": SpectralConfig(2),
        "graph_filter": SpectralConfig(2, 0.5, 0.0),
        "kge": kge,
        "gnn": GnnConfig(SpectralConfig(8), min_items=2, kge=kge),
    }


@pytest.fixture(scope="session")
def config(small_configs: dict[str, Any]) -> TrainingConfig:
    """As the defaults, at the size of the checkerboard."""
    ranker = RankerConfig(min_queries=1, boosters=BoosterConfig(rounds=20, min_leaf_size=5))
    own = {name: config for name, config in small_configs.items() if name in DEFAULT_SCORERS}
    scorers = select_specs(DEFAULT_SCORERS, own)
    return TrainingConfig(
        scorers, holdout=HoldoutConfig(cold_holdouts=2, random_holdouts=1, last_shares=(0.2,)), ranker=ranker
    )


class FakeEncoder:
    """The checkerboard's vectors by text; counts what it is asked."""

    name = "fake"
    dim = DIM

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts, report=None):
        self.asked += texts
        table = {f"book {n}": row for n, row in enumerate(checkerboard_text())}
        return np.stack([table.get(t, np.zeros(DIM, np.float32)) for t in texts])


@pytest.fixture(scope="session")
def trained_encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


def board_events() -> Interactions:
    """User 0 likes items 0, 1, 2; user 1 likes 0 and 1 and dislikes 3; user 2 likes 0; 4 has no event."""
    rows = [
        (0, 0, 5.0, 0),
        (1, 0, 4.0, 100),
        (0, 1, 5.0, 200),
        (1, 1, 5.0, 300),
        (2, 0, 4.0, 400),
        (0, 2, 5.0, 500),
        (1, 3, 1.0, 1000),
    ]
    return interactions(rows)


@pytest.fixture
def board() -> Dataset:
    """3 users, 5 items, 2 entities: small enough for every number to be worked out by hand.

    Times of likes are 0, 100, ... 500, so the share of likes before a time is time / 500. Item 1 has two
    facts, item 3 none, all others one; item 4 has no text.
    """
    head, tail = np.array([0, 1, 1, 2, 4], np.int32), np.array([5, 5, 6, 6, 5], np.int32)
    triples = Triples(head, np.zeros(5, np.int32), tail)
    text = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [0, 0]], np.float32)
    return Dataset(3, 5, 7, board_events(), triples, ("HAS_GENRE",), text)
