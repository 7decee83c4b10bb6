"""Fixtures of the unit tests."""

from pathlib import Path

import pytest


@pytest.fixture
def bookshop():
    """A folder with another domain's files and mapping."""
    return Path(__file__).parents[1] / "data" / "bookshop"
