"""What a process serves: the recommender of the active model, and the events since its snapshot."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from embeddings.model.artifact import read_manifest
from embeddings.model.versions import (
    Activation,
    active_version,
    check_not_worse,
    roll_back,
    use_version,
    version_before,
    version_folder,
)
from kg.errors import ArtifactError, TrailmixError
from kg.settings import Settings
from service.events.delivery import Delivery
from service.events.live import LiveEvents
from service.events.outbox import Outbox
from service.recommender import Recommender

WATCH_INTERVAL = 0.5
"""Seconds between two looks at which model is active."""


class Loader(Protocol):
    """Loads the recommender of a model; `service.loading.load_recommender` is one."""

    def __call__(self, settings: Settings, live: LiveEvents, path: Path | None = None, /) -> Recommender:
        """That of the model in a folder; None: of the active one."""


_log = structlog.get_logger()


@dataclass(eq=False)
class Serving:
    """Safe to share between threads; a request takes `recommender` once, and keeps it until its answer."""

    settings: Settings
    load: Loader
    outbox: Outbox = field(init=False)
    live: LiveEvents = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.settings.outbox_folder)
        self.live = LiveEvents(self.outbox)
        self._recommender: Recommender | None = None
        self._failure = ""
        self._tried: str | None = None
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._delivery: Delivery | None = None

    @property
    def recommender(self) -> Recommender:
        """The recommender of the active model.

        Raises:
            ArtifactError: none could be loaded.
        """
        if self._recommender is None:
            raise ArtifactError(f"no model is loaded: {self._failure}")
        return self._recommender

    def refresh(self) -> None:
        """Load the active model if it is another one than before; requests are answered meanwhile.

        One that cannot be loaded is logged, and the earlier one goes on.
        """
        with self._loading:
            version = active_version(self.settings.models_folder)
            if version == self._tried:
                return
            self._tried = version
            try:
                self._swap(self.load(self.settings, self.live))
            except TrailmixError as error:
                self._failure = str(error)
                _log.error("model_not_loaded", reason=str(error))

    def activate(self, version: str, *, force: bool = False) -> Activation:
        """Load a saved version, make it the active one, and answer by it from now on.

        Nothing changes if it raises.

        Raises:
            UnknownIdError: no saved model has this version.
            ModelWorseError: it is worse than the active one by more than the margin; not with `force`.
            ArtifactError: it is damaged, or for a graph that is not cached any more.
        """
        folder = self.settings.models_folder
        path = version_folder(folder, version)
        active = active_version(folder)
        if not force and active not in ("", version) and (folder / active).is_dir():
            check_not_worse(read_manifest(path), read_manifest(folder / active), self.settings.model_margin)
        with self._loading:
            recommender = self.load(self.settings, self.live, path)
            done = use_version(folder, version)
            self._tried = version
            self._swap(recommender)
        return done

    def roll_back(self) -> Activation:
        """Answer by the model again that was active before.

        Raises:
            ArtifactError: there is none, or it cannot be loaded, and nothing changes.
        """
        with self._loading:
            folder = self.settings.models_folder
            recommender = self.load(self.settings, self.live, folder / version_before(folder))
            done = roll_back(folder)
            self._tried = done.version
            self._swap(recommender)
        return done

    def _swap(self, recommender: Recommender) -> None:
        self.live.read_anew()
        self._recommender = recommender
        _log.info("model_loaded", model_version=recommender.model_version)

    def start(self) -> None:
        """Watch for another active model and deliver events, in threads, until `stop`."""
        from kg.store.connect import open_store  # the driver takes long to import

        threading.Thread(target=self._watch, name="models", daemon=True).start()
        self._delivery = Delivery(self.outbox, lambda: open_store(self.settings))
        self._delivery.start()

    def stop(self) -> None:
        """End these threads."""
        self._stop.set()
        if self._delivery:
            self._delivery.stop()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_INTERVAL):
            self.refresh()
