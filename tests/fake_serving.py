"""What an app serves in tests: one recommender, and an outbox."""

from dataclasses import dataclass
from typing import Any

from service.events.outbox import Outbox


@dataclass
class FakeServing:
    """Serves one recommender."""

    recommender: Any
    outbox: Outbox
    rules: Any = None

    def apply_rules(self) -> None:
        """Obey the rules as they are now."""
        if self.rules is not None and hasattr(self.recommender, "apply_rules"):
            self.recommender.apply_rules(self.rules)
