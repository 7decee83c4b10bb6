"""The models as the API shows them, and who may change which is active."""

import hmac
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from embeddings.model.artifact import saved_models
from embeddings.model.manifest import Manifest
from embeddings.model.versions import active_version
from kg.settings import Settings

_LOOPBACK = ("127.0.0.1", "::1")


class _Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelVersion(_Contract):
    """A trained model."""

    version: str
    created: str
    """ISO time, UTC."""
    seed: int
    snapshot: str
    """The fingerprint of the graph that it was trained on."""
    active: bool
    metrics: dict[str, dict[str, float]]
    """By method, then by metric: the model beside baselines, on events held out of its own graph."""


class ModelList(_Contract):
    """All trained models, oldest first."""

    models: list[ModelVersion]


class ActivateRequest(_Contract):
    """How to activate a model."""

    force: bool = Field(
        False, description="Also where it is worse than the active one by more than the margin."
    )


class ActivationAnswer(_Contract):
    """Which model is active now, and which was before."""

    active: ModelVersion
    before: ModelVersion | None


def model_list(settings: Settings) -> ModelList:
    """All trained models."""
    active = active_version(settings.models_folder)
    found = sorted((x for _, x in saved_models(settings.models_folder)), key=lambda x: x.created)
    return ModelList(models=[_model(x, active) for x in found])


def activation_answer(settings: Settings, before: str) -> ActivationAnswer:
    """The active model beside the one before."""
    found = {x.version: x for x in model_list(settings).models}
    return ActivationAnswer(active=found[active_version(settings.models_folder)], before=found.get(before))


def may_administer(settings: Settings, address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request may change which model is active.

    It bears the token if there is one; else it comes from this machine, and not through a proxy.
    """
    if settings.admin_token is None:
        return address in _LOOPBACK and not any(x in headers for x in ("X-Forwarded-For", "Forwarded"))
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    given = settings.admin_token.get_secret_value().encode()
    return scheme == "Bearer" and hmac.compare_digest(token.encode(), given)


def _model(manifest: Manifest, active: str) -> ModelVersion:
    return ModelVersion(
        version=manifest.model_version,
        created=manifest.created,
        seed=manifest.seed,
        snapshot=manifest.snapshot,
        active=manifest.model_version == active,
        metrics=manifest.metrics,
    )
