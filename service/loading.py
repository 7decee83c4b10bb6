"""Loading of the recommender from disk."""

from pathlib import Path

from embeddings.model.artifact import latest_model, load_model, read_manifest
from embeddings.text.encoder import CachedEncoder, same_encoder
from embeddings.text.exported import QueryEncoder
from kg.explanation.base import PathConfig
from kg.settings import Settings
from kg.snapshot import SnapshotCache
from service.config import RecommenderConfig
from service.events.histories import LiveHistories
from service.events.live import LiveEvents
from service.events.outbox import Outbox
from service.paging import Cursors, signing_key
from service.recommender import Recommender
from service.rules.store import RuleBook


def load_recommender(
    settings: Settings, live: LiveEvents | None = None, path: Path | None = None, *, warm_up: bool = True
) -> Recommender:
    """A model and its snapshot, from disk alone: the database may be down.

    `path` is the model's folder (None: the active one's). `live` are the events that count beside the
    snapshot (None: those of the home's outbox).

    `warm_up` loads the text encoder too; without it the first text does.

    Raises:
        ArtifactError: there is no model, its snapshot is gone, one of them is damaged, or the text encoder
            is not the model's.
        SettingsError: `event_types` names what the graph does not have.
    """
    folder = path or latest_model(settings.models_folder)
    snapshots, fingerprint = SnapshotCache(settings.snapshots_folder), read_manifest(folder).snapshot
    snapshot = snapshots.by_fingerprint(fingerprint)
    model = load_model(folder, snapshot)
    encoder = QueryEncoder(settings.text_model, settings.text_cache_folder)
    if warm_up:
        same_encoder(encoder.name, model.manifest.encoder)
    config = RecommenderConfig(paths=PathConfig(through_users=settings.paths_through_users))
    histories = LiveHistories(
        live or LiveEvents(Outbox(settings.outbox_folder)),
        snapshot.schema,
        settings.event_types,
        snapshots.read_at(fingerprint),
    )
    models = settings.models_folder
    cursors = Cursors(
        lambda: signing_key(settings.home / "cursor.key"), lambda version: (models / version).is_dir()
    )
    recommender = Recommender(snapshot, model, encoder, config, histories, cursors=cursors)
    recommender.apply_rules(RuleBook(settings.rules_folder))
    if warm_up:
        recommender.warm_up(CachedEncoder(encoder, settings.text_cache_folder))
    return recommender
