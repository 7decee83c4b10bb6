"""The models as the API shows them, and who may change which is active."""

import hmac
import ipaddress
from collections.abc import Mapping

from pydantic import Field

from embeddings.model.artifact import saved_models
from embeddings.model.manifest import Manifest
from embeddings.model.versions import Activation, active_version
from kg.settings import Settings
from service.contract import Contract

_OF_OTHERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin")
"""Headers of a request that a proxy passes on or that a page in a browser makes."""


class ModelVersion(Contract):
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


class ModelList(Contract):
    """All trained models, oldest first."""

    models: list[ModelVersion]


class ActivateRequest(Contract):
    """How to activate a model."""

    force: bool = Field(
        False, description="Also where it is worse than the active one by more than the margin."
    )


class ActivationAnswer(Contract):
    """Which model is active now, and which was before."""

    active: ModelVersion
    before: ModelVersion | None


def model_list(settings: Settings) -> ModelList:
    """All trained models."""
    active = active_version(settings.models_folder)
    found = sorted((x for _, x in saved_models(settings.models_folder)), key=lambda x: x.created)
    return ModelList(models=[_model(x, active) for x in found])


def activation_answer(settings: Settings, done: Activation) -> ActivationAnswer:
    """A model that was just activated beside the one before, None if that is gone."""
    found = {
        path.name: _model(manifest, done.version) for path, manifest in saved_models(settings.models_folder)
    }
    return ActivationAnswer(active=found[done.version], before=found.get(done.before))


def may_administer(settings: Settings, address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request may change which model is active.

    It bears the token if there is one; else it comes from this machine, not through a proxy that says so and
    not from a page in a browser. An empty token is none.
    """
    wanted = settings.admin_token.get_secret_value() if settings.admin_token else ""
    if not wanted:
        return _is_loopback(address) and not any(name in headers for name in _OF_OTHERS)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    given = token.strip().encode("latin-1", "replace")  # WSGI has the bytes of a header as Latin-1
    return scheme.lower() == "bearer" and hmac.compare_digest(given, wanted.encode())


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _model(manifest: Manifest, active: str) -> ModelVersion:
    return ModelVersion(
        version=manifest.model_version,
        created=manifest.created,
        seed=manifest.seed,
        snapshot=manifest.snapshot,
        active=manifest.model_version == active,
        metrics=manifest.metrics,
    )
