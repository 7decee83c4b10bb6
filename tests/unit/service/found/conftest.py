"""The app over the recommender of the eight films."""

from pathlib import Path

import pytest
from fake_serving import FakeServing
from flask.testing import FlaskClient

from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.recommender import Recommender


@pytest.fixture
def real(recommender: Recommender, tmp_path: Path) -> FlaskClient:
    return create_app(Settings(home=tmp_path), FakeServing(recommender, Outbox(tmp_path))).test_client()
