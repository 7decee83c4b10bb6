"""The evaluation of stored rules: on demand, or at intervals by one process of a machine."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import IO

import structlog

from kg.errors import GraphError, OutboxError, StatementRefusedError
from kg.store.store import RuleStore
from service.file_lock import exclusive_lock
from service.rules.contract import RuleDefinition
from service.rules.evaluate import RuleLimits, evaluate
from service.rules.store import RuleBook, RuleResult, StoredRule

OpenStore = Callable[[], AbstractContextManager[RuleStore]]

LOOK_INTERVAL = 1.0
"""Seconds between two looks at which rules are due."""
RETRY_INTERVAL = 5.0
"""The most seconds until a rule that could not be evaluated is tried again."""

_log = structlog.get_logger()


def check_rule(open_store: OpenStore, definition: RuleDefinition, limits: RuleLimits) -> RuleResult:
    """What a rule would return, without storing it.

    Raises:
        StatementRefusedError: it is refused.
        GraphError: the graph does not answer.
    """
    with open_store() as store:
        return evaluate(store, definition, limits)


def refresh_rules(
    book: RuleBook, open_store: OpenStore, rules: Sequence[StoredRule], limits: RuleLimits
) -> None:
    """Evaluate rules now; of one that fails, the book keeps the reason and the last result.

    Raises:
        OutboxError: the book cannot be written.
    """
    waiting = list(rules)
    try:
        with open_store() as store:
            while waiting:
                _refresh(book, store, waiting[0], limits)
                waiting.pop(0)
    except GraphError as error:
        for rule in waiting:
            book.failed(rule, str(error))
        if any(rule.stale_since is None for rule in waiting):  # once, and not with every try
            _log.warning("rules_wait_for_graph", rules=len(waiting), reason=type(error).__name__)


def _refresh(book: RuleBook, store: RuleStore, rule: StoredRule, limits: RuleLimits) -> None:
    try:
        book.refreshed(rule, evaluate(store, rule.definition, limits))
    except StatementRefusedError as error:
        # an engine's message may hold values of parameters, which no log shall have
        if rule.stale_since is None:
            _log.warning("rule_failed", rule=rule.name)
        book.failed(rule, str(error))


class RuleRefresher:
    """Evaluates the rules of a book at intervals; only one at a time does, whichever process it is in."""

    def __init__(self, book: RuleBook, open_store: OpenStore, limits: RuleLimits, interval: float) -> None:
        """`interval` in seconds. `open_store` is called when a rule is due."""
        self._book, self._open_store, self._limits, self._interval = book, open_store, limits, interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Evaluate in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the rule that it evaluates."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def refresh(self) -> int:
        """Evaluate the rules that are due; returns how many."""
        now = time.time()
        due = [rule for rule in self._book.rules() if now >= self._next(rule)]
        if due:
            refresh_rules(self._book, self._open_store, due, self._limits)
        return len(due)

    def _next(self, rule: StoredRule) -> float:
        wait = self._interval if rule.stale_since is None else min(self._interval, RETRY_INTERVAL)
        return rule.tried_at + wait

    def _run(self) -> None:
        lock: IO[str] | None = None
        while not self._stop.wait(LOOK_INTERVAL):
            try:
                if not self._book.exists:
                    continue
                lock = lock or exclusive_lock(self._book.folder / "refresh.lock")
                if lock:
                    self.refresh()
            except (OutboxError, OSError) as error:
                _log.warning("rules_not_refreshed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - the thread has to go on
                _log.error("rules_not_refreshed", exc_info=error)
        if lock:
            lock.close()
