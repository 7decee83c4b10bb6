"""Pages of one list: a cursor says where the next page goes on.

A cursor holds the model's version, the number of the user's last event that the first page knew, a hash of
the request, and a hash of each item shown so far. The next page is answered as of that event and without
these items. So with one model the pages together are the list of the first page; and after a change of models
no item comes twice and none is lost. Nothing is kept on the server, so any process of the service answers any
page.
"""

import base64
import json
import os
import secrets
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path

import numpy as np
import structlog
from itsdangerous import BadSignature, Signer

from kg.errors import CursorError, CursorExpiredError
from kg.graph import HashArray
from service.contract import MAX_SHOWN, RecommendRequest

_VERSION = 1
_KEY_BYTES = 32
_ID_HASH = np.dtype("<u8")
_FREE = {"k", "explain", "score_contributions", "cursor"}
"""The fields of a request that may differ from page to page."""

_log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class Page:
    """Where a page begins."""

    model_version: str
    """The model that ranked the page before."""
    last_event: int
    """The number of the user's last event that counts; 0: none."""
    shown: HashArray
    """The hashes of the items of the pages before."""


FIRST_PAGE = Page("", 0, np.zeros(0, _ID_HASH))


class Cursors:
    """Writes and reads cursors; whoever has the key can make them."""

    def __init__(
        self,
        key: Callable[[], bytes] | None = None,
        has_model: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`key` is called at first use; None: a random one, for cursors of this process alone.

        `has_model` says of a version whether the model is still kept.
        """
        self._key = key or (lambda: secrets.token_bytes(_KEY_BYTES))
        self._has_model = has_model
        self._signer: Signer | None = None

    def write(self, page: Page, request: RecommendRequest) -> str | None:
        """The cursor of the page that follows; None where no more pages are given."""
        if len(page.shown) >= MAX_SHOWN:
            return None
        head = {"v": _VERSION, "model": page.model_version, "event": page.last_event, "of": _digest(request)}
        value = base64.urlsafe_b64encode(json.dumps(head).encode() + b"\n" + page.shown.tobytes())
        return self._sign().sign(value).decode()

    def read(self, cursor: str, request: RecommendRequest) -> Page:
        """The page that a cursor stands for; `request` is the one that it came with.

        Raises:
            CursorError: it is not one of this service, was changed, or is of another request.
            CursorExpiredError: the model that ranked the page before is gone.
        """
        try:
            value = base64.urlsafe_b64decode(self._sign().unsign(cursor.encode()))
            head, _, shown = value.partition(b"\n")
            found = json.loads(head)
            version = found["v"]
        except (BadSignature, ValueError, KeyError, TypeError):
            raise CursorError(
                "this is no cursor of this service, or it was changed; ask for the first page again,"
                " without it"
            ) from None
        if version != _VERSION or not self._has_model(found["model"]):
            raise CursorExpiredError(
                "the cursor has expired: the model that it belongs to is gone; ask for the first page again,"
                " without it"
            )
        if found["of"] != _digest(request):
            raise CursorError(
                "the cursor belongs to another request: send it with all fields of that one; only k, explain"
                " and score_contributions may differ"
            )
        return Page(found["model"], found["event"], np.frombuffer(shown, _ID_HASH))

    def _sign(self) -> Signer:
        if self._signer is None:
            self._signer = Signer(self._key(), salt="trailmix.cursor", digest_method=sha256)
        return self._signer


def id_hashes(ids: Iterable[str]) -> HashArray:
    """A hash of each id, uint64; equal in every process and for every model."""
    digests = [
        blake2b(x.encode("utf-8", "surrogatepass"), digest_size=_ID_HASH.itemsize).digest() for x in ids
    ]
    return np.frombuffer(b"".join(digests), _ID_HASH)


def signing_key(path: Path) -> bytes:
    """The key in a file, which is made where there is none; all processes get the same."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
        problem = f"it has {len(key)} bytes instead of {_KEY_BYTES}; delete it"
    except OSError as error:
        problem = str(error)
    _log.warning("cursor_key_unusable", path=str(path), problem=problem)
    return secrets.token_bytes(_KEY_BYTES)


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    with suppress(FileExistsError):  # another process was first
        os.link(part, path)
    part.unlink()


def _digest(request: RecommendRequest) -> str:
    """Equal for requests that ask for pages of one list."""
    fields = request.model_dump_json(exclude=_FREE, exclude_defaults=True)
    return blake2b(fields.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
