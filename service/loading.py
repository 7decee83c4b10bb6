"""The recommender from disk."""

from embeddings.artifact import latest_model, load_model, read_manifest
from embeddings.text import TextEncoder, TransformerEncoder
from kg.errors import ArtifactError
from kg.settings import Settings
from kg.snapshot import SnapshotCache
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
        _check_encoder(encoder, model.manifest.encoder)
    recommender = Recommender(snapshot, model, encoder, paths_through_users=settings.paths_through_users)
    if warm_up:
        recommender.warm_up()
    return recommender


def _check_encoder(encoder: TextEncoder, trained_with: str) -> None:
    """Model and weights must be those of training; another precision hardly matters."""
    if encoder.name.split(":")[:2] != trained_with.split(":")[:2]:
        raise ArtifactError(
            f"the model was trained with the text encoder {trained_with}, this is {encoder.name}; "
            "set TRAILMIX_TEXT_MODEL to the former, or run `trailmix train`"
        )
