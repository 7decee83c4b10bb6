"""The API answers as its OpenAPI description says, whatever it is asked: Schemathesis with all its checks.

`schemathesis.toml` has its settings; docs/http-api.md says how to run many more cases against a service.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fake_rules import FakeRuleGraph
from fake_serving import FakeServing
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import SecretStr
from schemathesis import GenerationMode

from kg.errors import ArtifactError, UnknownIdError
from kg.settings import Settings
from service.app import create_app
from service.events.outbox import Outbox
from service.openapi import openapi_json
from service.recommender import Recommender
from service.rules.store import RuleBook

TOKEN = "t"


def operations() -> Iterator[tuple[str, str, GenerationMode]]:
    """Every operation with valid data, and with invalid data where it takes any."""
    for path, methods in json.loads(openapi_json())["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method, path, GenerationMode.POSITIVE
                if "parameters" in methods or operation.keys() & {"parameters", "requestBody"}:
                    yield method, path, GenerationMode.NEGATIVE


FEW = settings(
    max_examples=8,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Served(FakeServing):
    """Serves one recommender, without other models."""

    def activate(self, version: str, *, force: bool = False) -> None:
        raise UnknownIdError("model", version)

    def roll_back(self) -> None:
        raise ArtifactError("no model was active before")


@pytest.fixture
def described(recommender: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("kg.store.connect.open_store", FakeRuleGraph(rows=["m1"]))
    config = schemathesis.Config.from_path(Path(__file__).parents[3] / "schemathesis.toml")
    own = Settings(home=tmp_path, admin_token=SecretStr(TOKEN))
    app = create_app(own, Served(recommender, Outbox(tmp_path), rules=RuleBook(tmp_path / "rules")))
    return schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)


@pytest.mark.parametrize(("method", "path", "mode"), list(operations()))
def test_every_operation_answers_as_described(
    described: Any, method: str, path: str, mode: GenerationMode
) -> None:
    @FEW
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})

    check()
