"""The saved models as versions: which one is in use, which were before, and a guard against a worse one.

`models/latest` has the versions in the order in which they came into use, one a line; the last is active.
"""

import shutil
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from embeddings.model.manifest import Manifest
from kg.errors import ArtifactError, ModelWorseError, UnknownIdError

GUARDED_METRIC = "ndcg@20"
OURS = "trailmix"
"""The name of the model among the methods of a manifest's metrics."""

_KEPT_LINES = 50


@dataclass(frozen=True)
class Activation:
    """A change of the model in use."""

    version: str
    before: str
    """The version that was in use; "" if none was."""


def active_version(folder: Path) -> str:
    """The version of the model in use; "" where there is none."""
    return next(reversed(activations(folder)), "")


def activations(folder: Path) -> list[str]:
    """The versions that came into use and were not rolled back, in order; the last is active.

    Raises:
        ArtifactError: the list is there, and cannot be read.
    """
    path = folder / "latest"
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{path}: cannot be read: {error}; delete it, then run `trailmix models activate`"
        ) from None


def use_version(folder: Path, version: str) -> Activation:
    """Make a saved model the one in use."""
    before = activations(folder)
    if before[-1:] != [version]:
        _write(folder, [*before, version])
    return Activation(version, next(reversed(before), ""))


def roll_back(folder: Path) -> Activation:
    """Use the model again that was in use before.

    Raises:
        ArtifactError: none that is still there was in use before.
    """
    versions, before = activations(folder), version_before(folder)
    _write(folder, versions[: _last(versions[:-1], before) + 1])
    return Activation(before, versions[-1])


def version_before(folder: Path) -> str:
    """The version that was in use before the active one, of those that are still there.

    Raises:
        ArtifactError: there is none.
    """
    versions = activations(folder)
    earlier = [x for x in versions[:-1] if x != versions[-1] and (folder / x).is_dir()]
    if not earlier:
        raise ArtifactError(f"{folder}: no other model was in use before; see trailmix models list")
    return earlier[-1]


def _last(versions: list[str], version: str) -> int:
    return len(versions) - 1 - versions[::-1].index(version)


def remove_versions(folder: Path, paths: Collection[Path]) -> None:
    """Delete models; where the one in use is among them, none is in use afterwards."""
    names = {path.name for path in paths}
    versions = activations(folder)
    if names & set(versions):
        gone = versions[-1] in names
        _write(folder, [] if gone else [x for x in versions if x not in names])
    for path in paths:
        shutil.rmtree(path)


def version_folder(folder: Path, version: str) -> Path:
    """The folder of a saved version.

    Raises:
        UnknownIdError: no saved model has this version.
    """
    if version not in {path.parent.name for path in folder.glob("[!.]*/manifest.json")}:
        raise UnknownIdError("model", version)
    return folder / version


def check_not_worse(new: Manifest, active: Manifest, margin: float, described: str = "the active") -> None:
    """Refuse a model whose metric is worse than another's by more than a share `margin` of that.

    Each was measured on events held out of its own graph. Where one was not measured nothing is refused.
    `described` says in the message which model the other is.

    Raises:
        ModelWorseError: it is.
    """
    ours, theirs = guarded_metric(new.metrics), guarded_metric(active.metrics)
    if ours is None or theirs is None or ours >= theirs * (1 - margin):
        return
    raise ModelWorseError(
        f"model {new.model_version} has {GUARDED_METRIC} {ours:.4f}, {described} {active.model_version} has "
        f"{theirs:.4f}: more than {margin:.0%} less. "
        f"`trailmix models activate {new.model_version} --force` uses it all the same"
    )


def guarded_metric(metrics: Mapping[str, Mapping[str, float]]) -> float | None:
    """The metric by which models are compared; None where the model was not measured."""
    return metrics.get(OURS, {}).get(GUARDED_METRIC)


def _write(folder: Path, versions: list[str]) -> None:
    if not versions:
        (folder / "latest").unlink(missing_ok=True)
        return
    part = folder / f".latest-{uuid.uuid4().hex}"
    try:
        part.write_text("".join(f"{x}\n" for x in versions[-_KEPT_LINES:]))
        part.replace(folder / "latest")
    finally:
        part.unlink(missing_ok=True)
