"""What an app serves in tests: one recommender, and an outbox."""

from dataclasses import dataclass
from typing import Any

from service.events.outbox import Outbox


@dataclass
class FakeServing:
    """Serves one recommender."""

    recommender: Any
    outbox: Outbox
