"""Listening, and what is said when that cannot be."""

import pytest

from kg.errors import UsageError
from scripts.serve import listen


def test_a_free_port_and_then_a_taken_one() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: .*choose another --port"):
            listen("127.0.0.1", port)


def test_no_such_host() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 203\.0\.113\.7:8000"):
        listen("203.0.113.7", 8000)
