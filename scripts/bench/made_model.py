"""A home folder with a large made graph, and a model of it under the ranker of the latest model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embeddings.data.dataset import Dataset
from embeddings.model.artifact import latest_model, load_ranker, save_model
from embeddings.model.versions import active_version, use_version
from embeddings.training.train import refresh
from kg.graph import FloatArray, GraphSnapshot, Vocabulary
from kg.item_properties import ItemProperties, NumberColumn
from kg.progress import Report, silent
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from scripts.bench.synthetic_dataset import GROUPS, RELATIONS, dataset_of, entity_counts

ITEMS, EVENTS = 100_000, 1_000_000
PER_USER, PER_ITEM = 50, 5
"""Mean number of events of a user and of facts of an item."""
_ENTITIES = ("Genre", "Maker", "Star")


@dataclass(frozen=True)
class MadeTexts:
    """Encodes the texts of the items by vectors that were made with the graph."""

    name: str
    vectors: FloatArray
    scripts = None

    @property
    def dim(self) -> int:
        """The width of a vector."""
        return int(self.vectors.shape[1])

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """The vectors of all items, whatever the texts say."""
        report("text vectors", len(texts), len(texts))
        return self.vectors


def made_home(settings: Settings, items: int, events: int, report: Report = silent) -> Settings:
    """Settings of a home with a model of made data, which is fitted once for each latest model.

    The ranker is that of the latest model; its scorers are fitted to the made graph. So a request costs what
    it would cost on such a graph, and what is recommended means nothing.

    Raises:
        ArtifactError: there is no model whose ranker could be taken.
    """
    latest = latest_model(settings.models_folder)
    home = settings.home.absolute() / "bench" / f"{latest.name}-{items}-{events}"
    made = settings.model_copy(update={"home": home})
    if not active_version(made.models_folder):
        _fit(latest, made, items, events, report)
    return made


def _fit(latest: Path, made: Settings, items: int, events: int, report: Report) -> None:
    dataset = dataset_of(max(1, events // PER_USER), items, events, PER_ITEM)
    snapshot = made_snapshot(dataset)
    manifest, ranker = load_ranker(latest)
    SnapshotCache(made.snapshots_folder).save(snapshot)
    texts = MadeTexts(manifest.encoder, dataset.text)
    saved = save_model(refresh(ranker, manifest, snapshot, texts, report), made.models_folder)
    use_version(made.models_folder, saved.name)


def made_snapshot(dataset: Dataset) -> GraphSnapshot:
    """The graph of a synthetic dataset, with ids, names, texts and years."""
    counts = entity_counts(dataset.n_items)
    relations = tuple(
        RelationSchema(type=name, head="Item", tail=tail, phrase=Phrase(out="of", back="as is"))
        for name, tail in zip(RELATIONS, _ENTITIES, strict=True)
    )
    labels = [("Item", dataset.n_items), *zip(_ENTITIES, counts, strict=True), ("User", dataset.n_users)]
    roles = {"Item": "item", "User": "user"}
    return GraphSnapshot(
        GraphSchema(
            labels=tuple(LabelSchema(label=label, role=roles.get(label, "entity")) for label, _ in labels),
            relations=relations,
            interactions=(InteractionSchema(type="LIKED"),),
        ),
        tuple(Vocabulary(label, (f"{label[0].lower()}{n}" for n in range(count))) for label, count in labels),
        tuple(f"{label} {n}" for label, count in labels for n in range(count)),
        tuple(f"A made text of item {n} and group {n % GROUPS}" for n in range(dataset.n_items)),
        dataset.triples,
        dataset.events,
        source="made",
        item_properties=ItemProperties(
            {"year": NumberColumn(np.arange(dataset.n_items) % 100 + np.float64(1920))}
        ),
    )
