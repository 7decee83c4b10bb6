"""What a process serves: the recommender of the active model, and the events since its snapshot."""

import ctypes
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from embeddings.model.artifact import check_replaces, latest_model
from embeddings.model.versions import (
    Activation,
    active_version,
    roll_back,
    use_version,
    version_before,
    version_folder,
)
from kg.errors import ArtifactError, OutboxError, TrailmixError
from kg.item_changes import Operation
from kg.settings import Settings
from service.catalogue.change_log import ChangeLog, Kind, StoredChange
from service.catalogue.live import LiveCatalogue, MissingChanges
from service.events.delivery import Delivery
from service.events.live import LiveEvents
from service.events.outbox import Outbox
from service.recommender import Recommender
from service.rules.evaluate import RuleLimits
from service.rules.refresh import RuleRefresher
from service.rules.store import RuleBook

QUIET = 1.0
"""Seconds without a change of items before what texts need is made anew."""
WATCH_INTERVAL = 0.5
"""Seconds between two looks at which model is active."""


class Loader(Protocol):
    """Loads the recommender of a model; `service.loading.load_recommender` is one."""

    def __call__(self, settings: Settings, live: LiveEvents, path: Path, /) -> Recommender:
        """That of the model in a folder."""


_log = structlog.get_logger()


@dataclass(eq=False)
class Serving:
    """Safe to share between threads; a request takes `recommender` once, and keeps it until its answer."""

    settings: Settings
    load: Loader
    outbox: Outbox = field(init=False)
    live: LiveEvents = field(init=False)
    changes: ChangeLog = field(init=False)
    rules: RuleBook = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.settings.outbox_folder)
        self.live = LiveEvents(self.outbox)
        self.rules = RuleBook(self.settings.rules_folder)
        self.changes = ChangeLog(self.settings.outbox_folder)
        self._catalogue = LiveCatalogue(self.changes)
        self._catalogue_version = 0
        self._taken_up = MissingChanges()
        self._base: Recommender | None = None
        self._recommender: Recommender | None = None
        self._loaded = ""
        self._replaced: weakref.ref[Recommender] | None = None
        self._failure = ""
        self._failed: object = None
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._delivery: Delivery | None = None
        self._refresher: RuleRefresher | None = None

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

        One that cannot be loaded is logged, and the earlier one goes on; it is tried again when its files, or
        the list of models in use, change.
        """
        with self._loading:
            state = _state(self.settings)
            if state == self._failed:
                return
            try:
                path = latest_model(self.settings.models_folder)
                if path.name != self._loaded:
                    self._swap(path.name, self.load(self.settings, self.live, path))
                self._failed = None
            except Exception as error:  # noqa: BLE001 - the service and its watch for later models go on
                self._failed, self._failure = state, str(error) or type(error).__name__
                unforeseen = None if isinstance(error, TrailmixError | OSError) else error
                _log.error("model_not_loaded", reason=self._failure, exc_info=unforeseen)

    def activate(self, version: str, *, force: bool = False) -> Activation:
        """Load a saved version, make it the active one, and answer by it from now on.

        Nothing changes if it raises.

        Raises:
            UnknownIdError: no saved model has this version.
            ModelWorseError: it is worse than the active one by more than the margin; not with `force`.
            ArtifactError: it is damaged, or for a graph that is not cached any more.
        """
        folder = self.settings.models_folder
        with self._loading:
            path = version_folder(folder, version)
            if not force:
                check_replaces(folder, version, self.settings.model_margin)
            recommender = self.load(self.settings, self.live, path)
            done = use_version(folder, version)
            self._swap(version, recommender)
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
            self._swap(done.version, recommender)
        return done

    def apply_rules(self) -> None:
        """Let the recommender obey the rules as they are now.

        Raises:
            OutboxError: they cannot be read.
        """
        if self._recommender is not None and self.rules.exists:
            self._recommender.apply_rules(self.rules)

    def _swap(self, version: str, recommender: Recommender) -> None:
        changes = self._catalogue.version()
        self._use(self._with_changes(recommender))
        self._base, self._loaded, self._catalogue_version = recommender, version, changes
        _log.info("model_loaded", model_version=recommender.model_version)

    def _with_changes(self, base: Recommender, current: Recommender | None = None) -> Recommender:
        """The recommender with the changes of items and users that its snapshot does not have.

        Where `current` has all of them but changes of properties, it is taken instead.
        """
        missing = self._catalogue.missing_since(base.snapshot_read_at)
        later = missing.after(self._taken_up)
        found = None
        if current and later:
            found = current.with_properties(later) if later.changes else current
        if found is None:
            found = base.with_changes(missing) if missing.changes else base
        self._taken_up = missing
        return found

    def _use(self, recommender: Recommender) -> None:
        self.live.read_anew()
        if self.rules.exists:
            recommender.apply_rules(self.rules)
        if self._recommender is not None:
            self._replaced = weakref.ref(self._recommender)
        self._recommender = recommender

    def take_up_changes(self) -> None:
        """Answer with all accepted changes of items and users from now on.

        Raises:
            OutboxError: they cannot be read.
        """
        with self._loading:
            version = self._catalogue.version()
            if self._base is None or version == self._catalogue_version:
                return
            began = time.monotonic()
            found = self._with_changes(self._base, self._recommender)
            self._catalogue_version = version
            if found is self._recommender:
                return
            self._use(found)
        threading.Thread(target=self._warm_up, args=(found,), name="warm-up", daemon=True).start()
        _log.info("changes_taken_up", ms=round(1000 * (time.monotonic() - began), 1))

    def _warm_up(self, recommender: Recommender) -> None:
        """Warm up what texts need, unless another change comes soon, which would have to wait for it."""
        self._stop.wait(QUIET)
        if self._recommender is recommender:
            recommender.warm_up_texts()

    def change(self, changes: Sequence[StoredChange], *, wait: bool = True) -> list[StoredChange]:
        """Keep changes of items and users, and, with `wait`, answer with them before this returns.

        Raises:
            OutboxError: they cannot be kept.
        """
        for x in changes:  # events first: once the change is known, other processes read the outbox anew
            if x.kind == "user" and x.operation == "delete" and self.outbox.exists:
                self.outbox.forget_user(x.id)
        kept = self.changes.add(changes)
        if wait:
            self.take_up_changes()
        return kept

    def last_operation(self, kind: Kind, external_id: str) -> Operation | None:
        """What was last accepted of an item or a user since the snapshot was read; None: nothing.

        Raises:
            OutboxError: the changes cannot be read.
        """
        if not self.changes.exists:
            return None
        return self.changes.last_operation(kind, external_id, self.recommender.snapshot_read_at)

    def start(self) -> None:
        """Watch for another active model and deliver events, in threads, until `stop`."""
        from kg.store.connect import open_running_store, open_store  # the driver takes long to import

        threading.Thread(target=self._watch, name="models", daemon=True).start()
        self._delivery = Delivery(self.outbox, lambda: open_store(self.settings), changes=self.changes)
        self._delivery.start()
        limits = RuleLimits(self.settings.rule_timeout, procedures=self.settings.rule_procedures)
        opened = partial(open_running_store, self.settings)
        self._refresher = RuleRefresher(self.rules, opened, limits, self.settings.rule_interval)
        self._refresher.start()

    def stop(self) -> None:
        """End these threads."""
        self._stop.set()
        for thread in (self._delivery, self._refresher):
            if thread:
                thread.stop()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_INTERVAL):
            self.refresh()
            self._watch_rules()
            try:
                self.take_up_changes()
            except Exception as error:  # noqa: BLE001 - the watch goes on
                _log.error("changes_not_taken_up", exc_info=error)
            self._return_memory()

    def _watch_rules(self) -> None:
        try:
            self.apply_rules()
        except OutboxError as error:
            _log.error("rules_not_applied", reason=str(error))

    def _return_memory(self) -> None:
        """Give the memory of a replaced model back once the last request has left it.

        The C library would keep it for the threads that had loaded it: with each change of models some 300 MB
        more were resident on the sample.
        """
        if self._replaced is None or self._replaced() is not None:
            return
        self._replaced = None
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def _state(settings: Settings) -> tuple[tuple[int, int] | None, ...]:
    """Changes when another model comes into use, or the files of the one in use change."""
    models = settings.models_folder
    try:
        active = models / active_version(models)
    except ArtifactError:
        active = models
    paths = (models / "latest", active, active / "manifest.json", settings.snapshots_folder)
    return tuple(_changed(path) for path in paths)


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
