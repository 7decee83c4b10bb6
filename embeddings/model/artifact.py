"""Models on disk: one immutable folder each, named by its content, and a file `latest` that names one.

models/
    latest                       the name of the folder in use
    3f0c91d2a7b4e85c/            model_version
        manifest.json            config, seed, data fingerprint, versions, metrics
        model.safetensors        every array
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.data.cold_items import ColdItemExtrapolator
from embeddings.data.files import Array, write_tensors
from embeddings.model.config import ModelConfig
from embeddings.model.manifest import FORMAT_VERSION, Manifest, nodes_fingerprint
from embeddings.model.model import Model
from embeddings.model.versions import activations, active_version, check_not_worse, guarded_metric
from embeddings.ranking.features import ItemFeatures
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import TwoStageRecommender
from kg.errors import ArtifactError
from kg.graph import GraphSnapshot

_AGAIN = "run `trailmix train`"


def save_model(model: Model, folder: Path) -> Path:
    """Write the model below `folder` and say where; the same content is written once."""
    arrays = _pack(model)
    version = _content_hash(arrays, model.manifest)
    target = folder / version
    if not intact(target):
        folder.mkdir(parents=True, exist_ok=True)
        manifest = model.manifest.model_copy(
            update={"model_version": version, "created": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
        try:
            write_tensors(temporary / "model.safetensors", arrays)
            (temporary / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n")
            shutil.rmtree(target, ignore_errors=True)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


def load_model(path: Path, snapshot: GraphSnapshot) -> Model:
    """Read a model for a snapshot.

    Raises:
        ArtifactError: it is missing, damaged, of another format, or for a graph of other items or entities.
    """
    manifest = _readable(path)
    if manifest.nodes != nodes_fingerprint(snapshot):
        raise ArtifactError(f"{path}: trained on other items or entities than the graph has now; {_AGAIN}")
    with _damage_named(path):
        return _unpack(manifest, _arrays(path, manifest))


def load_ranker(path: Path) -> tuple[Manifest, Ranker]:
    """The ranking of a saved model, whatever the graph has become, and the manifest.

    Raises:
        ArtifactError: it is missing, damaged or of another format.
    """
    manifest = _readable(path)
    with _damage_named(path):
        return manifest, Ranker.restore(_below(_arrays(path, manifest), "ranker."))


def _readable(path: Path) -> Manifest:
    manifest = read_manifest(path)
    if manifest.format_version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path}: format {manifest.format_version}, this program reads {FORMAT_VERSION}; {_AGAIN}"
        )
    return manifest


def _arrays(path: Path, manifest: Manifest) -> dict[str, Array]:
    arrays: dict[str, Array] = load_file(path / "model.safetensors")
    if _content_hash(arrays, manifest) != manifest.model_version:
        raise ArtifactError(f"{path}: the arrays are not those that were saved; {_AGAIN}")
    return arrays


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged: {error}; {_AGAIN}") from error


def read_manifest(path: Path) -> Manifest:
    """The manifest alone.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    try:
        return Manifest.model_validate_json((path / "manifest.json").read_text())
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no model there; {_AGAIN}") from None
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path}: damaged manifest: {error}; {_AGAIN}") from error


def latest_model(folder: Path) -> Path:
    """The folder of the model in use.

    Raises:
        ArtifactError: there is none.
    """
    path = folder / active_version(folder)
    if path == folder:
        raise ArtifactError(f"{folder}: no trained model yet; {_AGAIN}")
    if not path.is_dir():
        raise ArtifactError(f"{folder}: the latest model, {path.name}, is gone; {_AGAIN}")
    return path


def check_replaces(folder: Path, version: str, margin: float) -> None:
    """Refuse a model that is worse than the one in use by more than a share `margin` of its metric.

    Where the one in use was not measured, or cannot be read, the last one before it that was takes its place.

    Raises:
        ModelWorseError: it is worse.
        ArtifactError: its manifest is missing or damaged.
    """
    new, used = read_manifest(folder / version), activations(folder)
    if used[-1:] == [version]:
        return
    for number, earlier in enumerate(reversed(used)):
        with suppress(ArtifactError):
            other = read_manifest(folder / earlier)
            if guarded_metric(other.metrics) is not None:
                check_not_worse(new, other, margin, "the active" if number == 0 else "the earlier")
                return


def find_model(folder: Path, inputs: str) -> Path | None:
    """A saved model that was trained from equal inputs."""
    found = (path for path, manifest in saved_models(folder) if manifest.inputs == inputs and intact(path))
    return next(found, None)


def saved_models(folder: Path) -> Iterator[tuple[Path, Manifest]]:
    """Every saved model whose manifest can be read."""
    for path in sorted(folder.glob("*/manifest.json")):
        with suppress(ArtifactError):
            yield path.parent, read_manifest(path.parent)


def intact(path: Path) -> bool:
    """Whether a saved model is whole."""
    try:
        manifest = read_manifest(path)
        return _content_hash(load_file(path / "model.safetensors"), manifest) == manifest.model_version
    except (ArtifactError, OSError, SafetensorError):
        return False


def _content_hash(arrays: dict[str, Array], manifest: Manifest) -> str:
    """Of what a model answers with: its arrays and inputs, not its metrics or its age."""
    digest = hashlib.sha256(json.dumps([manifest.format_version, manifest.inputs]).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def _pack(model: Model) -> dict[str, Array]:
    two_stage = model.two_stage
    sources: dict[str, dict[str, Array]] = {
        **{f"scorer.{name}": scorer.arrays() for name, scorer in two_stage.ensemble.scorers.items()},
        "extrapolator": two_stage.ensemble.extrapolator.arrays(),
        "items": two_stage.items.arrays(),
        "ranker": two_stage.ranker.arrays(),
        "links": {
            **{x: getattr(model.links, x) for x in ("data", "indices", "indptr")},
            "shape": np.array(model.links.shape, np.int64),
        },
    }
    return {f"{source}.{key}": array for source, part in sources.items() for key, array in part.items()}


def _below(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _unpack(manifest: Manifest, arrays: dict[str, Array]) -> Model:
    config = ModelConfig.from_dict(manifest.config)
    scorers = {
        name: spec.scorer.restore(_below(arrays, f"scorer.{name}.")) for name, spec in config.scorers.items()
    }
    items = ItemFeatures.restore(_below(arrays, "items."))
    extrapolator = ColdItemExtrapolator.restore(_below(arrays, "extrapolator."))
    ensemble = ScorerEnsemble.of(config.scorers, scorers, extrapolator, items.known)
    ranker = Ranker.restore(_below(arrays, "ranker."))
    links = _below(arrays, "links.")
    matrix = sp.csr_array((links["data"], links["indices"], links["indptr"]), shape=tuple(links["shape"]))
    two_stage = TwoStageRecommender(ensemble, items, ranker, config.two_stage)
    return Model(manifest, two_stage, matrix, config.stated_preferences)
