"""From a snapshot to the model that serves, measured on the way beside baselines on held-out events."""

import hashlib
import json
from importlib.metadata import version
from typing import Any

from embeddings.data.dataset import Dataset
from embeddings.data.splits import forward_split, random_split
from embeddings.data.threads import single_blas_thread
from embeddings.evaluation.trials import (
    OURS,
    TRAINING_BASELINES,
    ModelScore,
    Result,
    Task,
    measure_scorer,
    metrics_table,
    split_tasks,
)
from embeddings.model.manifest import FORMAT_VERSION, Manifest, nodes_fingerprint
from embeddings.model.model import Model
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.text.encoder import TextEncoder, same_encoder
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit, refit
from embeddings.training.ranked_by import check_items, ranked_by
from kg.graph import GraphSnapshot
from kg.progress import Report, silent

_MEASURE = "measure"
"""The stage in which the model and the baselines rank for the held-out users."""


def train(
    snapshot: GraphSnapshot,
    encoder: TextEncoder,
    config: TrainingConfig,
    seed: int = 0,
    report: Report = silent,
    k: int = 20,
) -> Model:
    """Measure on held-out events, then fit the scorers again on every event, under the same ranker.

    The split is `forward_split`; a random one where no liked event comes last. Where a random one holds no
    liked event out either, nothing is measured.

    Raises:
        DataError: the graph has no item.
    """
    check_items(snapshot)
    whole = Dataset.from_snapshot(snapshot, encoder.encode(snapshot.texts, report))
    valid, test = split_tasks(whole, forward_split(whole.events, seed))
    if not test.measurable:
        valid, test = split_tasks(whole, random_split(whole.events, seed))
    measured = fit(valid.dataset, config, seed, report)
    results = _measured(measured, config, valid, test, k, seed, report) if test.measurable else []
    two_stage = refit(measured.ranker, whole, config, seed, report)
    manifest = describe(snapshot, encoder.name, config, seed, metrics_table(results))
    return _model(manifest, two_stage, whole, config)


def train_unmeasured(
    snapshot: GraphSnapshot,
    encoder: TextEncoder,
    config: TrainingConfig,
    seed: int = 0,
    report: Report = silent,
) -> Model:
    """Fit scorers and ranker on every event: what `trailmix evaluate` fits on these events.

    Raises:
        DataError: the graph has no item.
    """
    check_items(snapshot)
    whole = Dataset.from_snapshot(snapshot, encoder.encode(snapshot.texts, report))
    manifest = describe(snapshot, encoder.name, config, seed, measured=False)
    return _model(manifest, fit(whole, config, seed, report), whole, config)


def refresh(
    ranker: Ranker, of: Manifest, snapshot: GraphSnapshot, encoder: TextEncoder, report: Report = silent
) -> Model:
    """Fit the scorers on the graph as it is now, under the ranker and the settings of a model.

    So new items, users, events and facts count without a new ranker; nothing is measured.

    Raises:
        ArtifactError: the model was trained with another text encoder.
        DataError: the graph has no item.
    """
    check_items(snapshot)
    same_encoder(encoder.name, of.encoder)
    config = TrainingConfig.from_dict(of.config)
    whole = Dataset.from_snapshot(snapshot, encoder.encode(snapshot.texts, report))
    two_stage = refit(ranker, whole, config, of.seed, report)
    manifest = describe_refreshed(of, snapshot, encoder.name)
    return _model(manifest, two_stage, whole, config)


def _model(
    manifest: Manifest, two_stage: TwoStageRecommender, whole: Dataset, config: TrainingConfig
) -> Model:
    note = ranked_by(two_stage.ranker, whole)
    manifest = manifest.model_copy(update={"ranked_by": note})
    return Model(manifest, two_stage, whole.links, config.stated_preferences)


@single_blas_thread()
def _measured(
    two_stage: TwoStageRecommender,
    config: TrainingConfig,
    valid: Task,
    test: Task,
    k: int,
    seed: int,
    report: Report,
) -> list[Result]:
    """The model, then the baselines, on the test events."""
    total, results = 1 + len(TRAINING_BASELINES), []
    report(_MEASURE, 0, total)
    results.append(measure_two_stage(two_stage, config, test, k))
    for name in TRAINING_BASELINES:
        report(_MEASURE, len(results), total)
        results.append(measure_scorer(name, valid, test, k, seed, report))
    report(_MEASURE, total, total)
    return results


def describe_refreshed(of: Manifest, snapshot: GraphSnapshot, encoder: str) -> Manifest:
    """The manifest of a refresh with these inputs."""
    return describe(
        snapshot,
        encoder,
        TrainingConfig.from_dict(of.config),
        of.seed,
        measured=of.measured,
        tuned=of.tuned,
        ranked_on=of.ranked_on or of.snapshot,
    )


def measure_two_stage(two_stage: TwoStageRecommender, config: TrainingConfig, test: Task, k: int) -> Result:
    """The model on the test events."""
    return Result(OURS, config, test.measure(ModelScore(two_stage), k))


def describe(
    snapshot: GraphSnapshot,
    encoder: str,
    config: TrainingConfig,
    seed: int,
    metrics: dict[str, dict[str, float]] | None = None,
    *,
    measured: bool = True,
    tuned: dict[str, Any] | None = None,
    ranked_on: str = "",
) -> Manifest:
    """The manifest of a training with these inputs; the last three as in the manifest."""
    inputs: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "seed": seed,
        "snapshot": snapshot.fingerprint,
        "nodes": nodes_fingerprint(snapshot),
        "encoder": encoder,
        "config": config.as_dict(),
    }
    if not measured:
        inputs["measured"] = False
    if tuned:
        inputs["tuned"] = tuned
    if ranked_on:
        inputs["ranked_on"] = ranked_on
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    packages = {
        name: version(name) for name in ("trailmix", "numpy", "scipy", "lightgbm", "torch", "torch-geometric")
    }
    return Manifest(**inputs, inputs=digest, versions=packages, metrics=metrics or {})
