"""Finished answers, kept as bytes for as long as they would be given again."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from service.contract import Recommendation

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of requests and answers that are kept; beyond that, the one that was given longest ago goes."""

_OVERHEAD = 500
"""Bytes that keeping an answer takes beside its own."""


@dataclass(frozen=True)
class KeptAnswer:
    """An answer but for its request id."""

    user_id: str | None
    """The user that it is for."""
    last_event: int
    """The number of the user's last event that it knows."""
    before: bytes
    after: bytes
    """The JSON around the request id."""

    @classmethod
    def of(cls, answer: Recommendation, user_id: str | None, last_event: int) -> "KeptAnswer":
        """The answer, without its own request id."""
        mark = f'"request_id":"{answer.meta.request_id}"'
        before, _, after = answer.model_dump_json().rpartition(mark)
        return cls(user_id, last_event, before.encode() + b'"request_id":"', b'"' + after.encode())

    def for_request(self, request_id: str) -> bytes:
        """The whole answer, as JSON; `request_id` has no characters that JSON escapes."""
        return b"".join((self.before, request_id.encode(), self.after))


class KeptAnswers:
    """Answers by state of the recommender and request body; safe to share between threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, bytes], KeptAnswer] = OrderedDict()
        self._bytes = 0
        self._state = ""

    def find(self, state: str, body: bytes) -> KeptAnswer | None:
        """The answer that was kept last; the caller looks whether the user's last event is the same."""
        with self._lock:
            found = self._answers.get((state, body))
            if found:
                self._answers.move_to_end((state, body))
            return found

    def keep(self, state: str, body: bytes, answer: KeptAnswer) -> None:
        """Keep an answer in place of an earlier one; those of another state go."""
        key = state, body
        with self._lock:
            if state != self._state:
                self._state, self._bytes = state, 0
                self._answers.clear()
            earlier = self._answers.pop(key, None)
            self._bytes += _size(body, answer) - (_size(body, earlier) if earlier else 0)
            self._answers[key] = answer
            while self._bytes > self._max_bytes and self._answers:
                (_, other), gone = self._answers.popitem(last=False)
                self._bytes -= _size(other, gone)


def _size(body: bytes, answer: KeptAnswer) -> int:
    return len(body) + len(answer.before) + len(answer.after) + _OVERHEAD
