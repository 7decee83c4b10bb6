"""Services as processes of their own."""

import os

import pytest

from kg.errors import DataError
from scripts.bench.processes import running


def test_a_service_that_ends_is_an_error_with_its_last_line(tmp_path) -> None:
    started = running(["json.tool", str(tmp_path / "none")], dict(os.environ), tmp_path / "log")
    with pytest.raises(DataError, match=r"json.tool.*did not get ready.*error: argument infile"), started:
        pass
