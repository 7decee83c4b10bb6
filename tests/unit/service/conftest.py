"""The app over a recommender that answers as told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_serving import FakeServing
from flask import Flask
from flask.testing import FlaskClient
from small_library import library
from store_contract import SCHEMA

from kg.graph import GraphSnapshot
from kg.settings import Settings
from service.app import create_app
from service.contract import Meta, Recommendation, RecommendedItem, RecommendRequest
from service.events.outbox import Outbox
from service.events.types import EventType, event_types


@dataclass
class FakeRecommender:
    """Answers with one film; remembers the requests; fails as told."""

    asked: list[RecommendRequest] = field(default_factory=list)
    failure: Exception | None = None
    model_version: str = "v1"
    event_types: Mapping[str, EventType] = field(default_factory=lambda: event_types(SCHEMA, {}))

    events: int = 0
    snapshot: GraphSnapshot = field(default_factory=library)

    @property
    def state(self) -> str:
        return self.model_version

    @property
    def answers_version(self) -> str:
        return self.model_version

    def last_event(self, user_id: str | None) -> int:
        return self.events if user_id else 0

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        self.asked.append(request)
        if self.failure:
            raise self.failure
        return Recommendation(
            items=[
                RecommendedItem(
                    item_id="m1",
                    rank=1,
                    score=0.5,
                    ranking_score=2.5,
                    title="Alien",
                    display_title="Alien",
                    paths=[],
                )
            ],
            recommendation="I recommend Alien.",
            user_state="cold",
            warnings=[],
            meta=Meta(request_id=request_id, model_version=self.model_version, calibrated=True),
        )


@pytest.fixture
def fake() -> FakeRecommender:
    return FakeRecommender()


@pytest.fixture
def serving(tmp_path: Path, fake: FakeRecommender) -> FakeServing:
    return FakeServing(fake, Outbox(tmp_path / "outbox"))


@pytest.fixture
def app(tmp_path: Path, serving: FakeServing) -> Flask:
    app = create_app(Settings(home=tmp_path), serving)
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
