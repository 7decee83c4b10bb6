"""Loading of the recommender from disk."""

from embeddings.model.artifact import latest_model, load_model, read_manifest
from embeddings.text.encoder import TransformerEncoder, same_encoder
from kg.explanation.base import PathConfig
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from service.config import RecommenderConfig
from service.recommender import Recommender


def load_recommender(settings: Settings, *, warm_up: bool = True) -> Recommender:
    """The latest model and its snapshot, from disk alone: the database may be down.

    `warm_up` loads the text encoder too; without it the first text does.

    Raises:
        ArtifactError: there is no model, its snapshot is gone, one of them is damaged, or the text encoder
            is not the model's.
    """
    folder = latest_model(settings.models_folder)
    snapshot = SnapshotCache(settings.snapshots_folder).by_fingerprint(read_manifest(folder).snapshot)
    model = load_model(folder, snapshot)
    encoder = TransformerEncoder(settings.text_model)
    if warm_up:
        same_encoder(encoder.name, model.manifest.encoder)
    config = RecommenderConfig(paths=PathConfig(through_users=settings.paths_through_users))
    recommender = Recommender(snapshot, model, encoder, config)
    if warm_up:
        recommender.warm_up()
    return recommender
