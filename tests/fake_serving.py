"""What an app serves in tests: one recommender, an outbox, and the changes that it was told."""

from dataclasses import dataclass, field, replace
from typing import Any

from service.events.outbox import Outbox


@dataclass
class FakeServing:
    """Serves one recommender."""

    recommender: Any
    outbox: Outbox
    changes: list[Any] = field(default_factory=list)
    waited: list[bool] = field(default_factory=list)
    rules: Any = None

    def change(self, changes, *, wait=True):
        """Number the changes from 1."""
        first = len(self.changes)
        self.changes += [replace(x, number=first + n) for n, x in enumerate(changes, start=1)]
        self.waited.append(wait)
        return self.changes[first:]

    def last_operation(self, kind, external_id):
        """Of the changes that were made here."""
        own = [x.operation for x in self.changes if (x.kind, x.id) == (kind, external_id)]
        return own[-1] if own else None

    def apply_rules(self) -> None:
        """Obey the rules as they are now."""
        if self.rules is not None and hasattr(self.recommender, "apply_rules"):
            self.recommender.apply_rules(self.rules)
