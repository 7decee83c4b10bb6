"""The rules of a home folder and their last results, on disk; the processes of a machine share them."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import DataError, UnknownIdError
from service.events.storage import Storage
from service.rules.contract import MAX_RULES, RuleDefinition

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rules (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    ids TEXT NOT NULL,
    weights TEXT NOT NULL,
    unknown INTEGER NOT NULL,
    evaluated_at REAL NOT NULL,
    seconds REAL NOT NULL,
    tried_at REAL NOT NULL,
    stale_since REAL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS changes (number INTEGER NOT NULL);
INSERT INTO changes SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM changes);
"""
_COLUMNS = "name, definition, ids, weights, unknown, evaluated_at, seconds, tried_at, stale_since, reason"
_CHANGED = "UPDATE changes SET number = number + 1"


@dataclass(frozen=True)
class RuleResult:
    """What a rule's query returned."""

    ids: tuple[str, ...]
    """Item ids in the order of the query, each once."""
    weights: tuple[float, ...]
    """One for each id; empty: all 1."""
    unknown: int = 0
    """How many ids were left out, since the graph has no item of them."""
    seconds: float = 0.0


@dataclass(frozen=True)
class StoredRule:
    """A rule with its last good result."""

    name: str
    definition: RuleDefinition
    result: RuleResult
    evaluated_at: float
    """When the query returned the result, epoch seconds."""
    tried_at: float
    """When it ran last."""
    stale_since: float | None = None
    """When it first failed since."""
    reason: str = ""
    """Why it failed last."""


class RuleBook:
    """Safe to share between threads, not across a fork.

    Every method raises OutboxFullError if the disk is full, and OutboxError if the file cannot be read or
    written.
    """

    def __init__(self, folder: Path) -> None:
        """Opened at first use; `folder` is made when the first rule is stored."""
        self.folder = folder
        self._storage = Storage(folder / "rules.sqlite3", _SCHEMA)

    @property
    def exists(self) -> bool:
        """Whether any rule was ever stored here."""
        return self._storage.exists

    def version(self) -> int:
        """A number that changes with every rule, result and staleness; 0 before the first rule."""
        if not self.exists:
            return 0
        with self._storage.read() as connection:
            return int(connection.execute("SELECT number FROM changes").fetchone()[0])

    def rules(self) -> list[StoredRule]:
        """All rules, by name."""
        return self._select("ORDER BY name")

    def rule(self, name: str) -> StoredRule:
        """One rule.

        Raises:
            UnknownIdError: there is none of that name.
        """
        found = self._select("WHERE name = ?", name)
        if not found:
            raise UnknownIdError("rule", name)
        return found[0]

    def put(self, name: str, definition: RuleDefinition, result: RuleResult) -> StoredRule:
        """Store a rule and its first result, in place of an earlier one of that name.

        Raises:
            DataError: there are `MAX_RULES` others.
        """
        now = time.time()
        rule = StoredRule(name, definition, result, now, now)
        known = (name, definition.model_dump_json(), *_dumped(result))
        values = (*known, now, result.seconds, now, None, "")

        def write(connection: Any) -> bool:
            others = connection.execute("SELECT count(*) FROM rules WHERE name <> ?", (name,)).fetchone()[0]
            if others >= MAX_RULES:
                return False  # to raise would undo what others write in the same transaction
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT OR REPLACE INTO rules ({_COLUMNS}) VALUES ({marks})", values)  # noqa: S608
            connection.execute(_CHANGED)
            return True

        if not self._storage.commit(write):
            raise DataError(f"there are {MAX_RULES} rules, the most; remove one")
        return rule

    def remove(self, name: str) -> None:
        """Remove a rule.

        Raises:
            UnknownIdError: there is none of that name.
        """

        def write(connection: Any) -> int:
            connection.execute(_CHANGED)
            return int(connection.execute("DELETE FROM rules WHERE name = ?", (name,)).rowcount)

        if not self.exists or not self._storage.commit(write):
            raise UnknownIdError("rule", name)

    def refreshed(self, rule: StoredRule, result: RuleResult) -> None:
        """Keep the new result of a rule, unless the rule was changed meanwhile."""
        now = time.time()
        same = rule.stale_since is None and (rule.result.ids, rule.result.weights) == (
            result.ids, result.weights,
        )  # fmt: skip
        update = (
            "UPDATE rules SET ids = ?, weights = ?, unknown = ?, evaluated_at = ?, seconds = ?, tried_at = ?,"
            " stale_since = NULL, reason = '' WHERE name = ? AND definition = ?"
        )
        values = (*_dumped(result), now, result.seconds, now, rule.name, rule.definition.model_dump_json())
        self._update(update, values, changes=not same)

    def failed(self, rule: StoredRule, reason: str) -> None:
        """Keep why a rule could not be evaluated; its last result stays."""
        now = time.time()
        update = (
            "UPDATE rules SET tried_at = ?, stale_since = coalesce(stale_since, ?), reason = ?"
            " WHERE name = ? AND definition = ?"
        )
        values = (now, now, reason, rule.name, rule.definition.model_dump_json())
        self._update(update, values, changes=rule.stale_since is None)

    def _update(self, update: str, values: Sequence[str | float], *, changes: bool) -> None:
        def write(connection: Any) -> None:
            if connection.execute(update, values).rowcount and changes:
                connection.execute(_CHANGED)

        self._storage.commit(write)

    def _select(self, clause: str, *values: str) -> list[StoredRule]:
        if not self.exists:
            return []
        with self._storage.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM rules {clause}", values).fetchall()  # noqa: S608
        return [_rule(*row) for row in rows]


def _dumped(result: RuleResult) -> tuple[str, str, int]:
    return json.dumps(result.ids, ensure_ascii=False), json.dumps(result.weights), result.unknown


def _rule(
    name: str,
    definition: str,
    ids: str,
    weights: str,
    unknown: int,
    evaluated_at: float,
    seconds: float,
    tried_at: float,
    stale_since: float | None,
    reason: str,
) -> StoredRule:
    result = RuleResult(tuple(json.loads(ids)), tuple(json.loads(weights)), unknown, seconds)
    known = RuleDefinition.model_validate_json(definition)
    return StoredRule(name, known, result, evaluated_at, tried_at, stale_since, reason)
