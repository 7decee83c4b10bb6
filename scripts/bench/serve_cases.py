"""The requests that `trailmix bench serve` sends, drawn by seed from the snapshot that is served."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from embeddings.data.dataset import liked_histories
from kg.graph import GraphSnapshot
from scripts.bench.load_tool import LoadRequest

DRAWN = 20_000
"""The number of groups of requests of a case in which no request comes twice."""
BATCH = 100
"""The number of events of a batch."""
LONGEST_HISTORY = 20
_WORDS = 6
"""The number of words of a text."""

Group = Sequence[LoadRequest]


@dataclass(frozen=True)
class Case:
    """Requests of one kind."""

    name: str
    draw: Callable[["RequestSource"], list[Group]]
    counts: int = 1
    """What one request counts as: the events of a batch."""
    needs_events: bool = False
    """Whether the service must have `POST /events`."""


class RequestSource:
    """What requests are drawn from: the users, items, events and texts of a snapshot."""

    def __init__(self, snapshot: GraphSnapshot, k: int, seed: int = 0) -> None:
        self.k = k
        self.rng = np.random.default_rng(seed)
        self.items = snapshot.items.ids
        self.users = [snapshot.users.ids[int(n)] for n in self.rng.permutation(snapshot.n_users)]
        self._snapshot = snapshot
        interaction = snapshot.schema.interactions[0]
        self.event = {"type": interaction.type, "value": max(interaction.liked_at_least or 1.0, 0.0)}

    def recommend(self, fields: Mapping[str, Any]) -> LoadRequest:
        """`POST /recommend`."""
        return LoadRequest("/recommend", {"k": self.k, **fields})

    def new_event(self, user: str) -> dict[str, Any]:
        """A like of a drawn item, which no other request sends again."""
        item = self.items[int(self.rng.integers(len(self.items)))]
        return {"event_id": "@RUN@-@N@", "user_id": user, "item_id": item, **self.event}

    def user_fields(self) -> Iterator[dict[str, Any]]:
        """Each user once, then again and again with another item in `history`, so that none comes twice."""
        for n in range(DRAWN):
            turn, place = divmod(n, len(self.users))
            fields: dict[str, Any] = {"user_id": self.users[place]}
            if turn:
                fields["history"] = [self.items[(turn * len(self.users) + place) % len(self.items)]]
            yield fields

    def histories(self) -> Iterator[list[str]]:
        """Up to 20 items that one user liked, each with the chance of one half; none empty."""
        events = self._snapshot.interactions
        liked, _ = liked_histories(events, self._snapshot.n_users, self._snapshot.n_items)
        having = np.flatnonzero(np.diff(liked.starts))
        for user in self.rng.choice(having, DRAWN):
            own = liked.items[liked.starts[user] : liked.starts[user + 1]]
            kept = own[self.rng.random(len(own)) < 0.5][-LONGEST_HISTORY:]
            yield [self.items[n] for n in (kept if len(kept) else own[-1:]).tolist()]

    def texts(self) -> Iterator[str]:
        """Some words in a row out of a drawn item's text, or two drawn names where there are no texts."""
        having = [text.split() for text in self._snapshot.texts if len(text.split()) >= _WORDS]
        for _ in range(DRAWN):
            if having:
                words = having[int(self.rng.integers(len(having)))]
                start = int(self.rng.integers(len(words) - _WORDS + 1))
                yield "something about " + " ".join(words[start : start + _WORDS])
            else:
                a, b = self.rng.integers(self._snapshot.first_user, size=2)
                yield f"something like {self._snapshot.names[a]} or {self._snapshot.names[b]}"


def _same_user(source: RequestSource) -> list[Group]:
    return [[source.recommend({"user_id": source.users[0]})]]


def _other_users(source: RequestSource) -> list[Group]:
    return [[source.recommend(fields)] for fields in source.user_fields()]


def _without_paths(source: RequestSource) -> list[Group]:
    return [[source.recommend({**fields, "explain": False})] for fields in source.user_fields()]


def _history(source: RequestSource) -> list[Group]:
    return [[source.recommend({"history": own})] for own in source.histories()]


def _text(source: RequestSource) -> list[Group]:
    return [[source.recommend({"text": text})] for text in source.texts()]


def _after_event(source: RequestSource) -> list[Group]:
    """An event, then the request of its user, whose latency alone counts."""
    return [
        [
            LoadRequest("/events", source.new_event(user), measured=False),
            source.recommend({"user_id": user}),
        ]
        for user in source.users
    ]


def _single_events(source: RequestSource) -> list[Group]:
    return [[LoadRequest("/events", source.new_event(user))] for user in source.users]


def _batches(source: RequestSource) -> list[Group]:
    users = source.rng.choice(source.users, (BATCH, BATCH))
    return [[LoadRequest("/events", [source.new_event(str(user)) for user in row])] for row in users]


OTHER_USERS = "another user"

CASES = {
    case.name: case
    for case in (
        Case("the same user", _same_user),
        Case(OTHER_USERS, _other_users),
        Case("after an event", _after_event, needs_events=True),
        Case("history only", _history),
        Case("text", _text),
        Case("without paths", _without_paths),
        Case("one event", _single_events, needs_events=True),
        Case("100 events", _batches, counts=BATCH, needs_events=True),
    )
}
