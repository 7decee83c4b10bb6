"""From a snapshot to the model that serves, measured on the way beside baselines on held-out events."""

import hashlib
import json
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from embeddings.candidates.ensemble import default_config
from embeddings.data.dataset import Dataset
from embeddings.data.splits import random_split
from embeddings.evaluation.trials import (
    BASELINES,
    OURS,
    Result,
    Task,
    measure_scorer,
    metrics_table,
    split_tasks,
)
from embeddings.graph.kge import with_knowledge
from embeddings.model.model import FORMAT_VERSION, Manifest, Model, nodes_fingerprint
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import Fitted
from embeddings.text.encoder import TextEncoder, same_encoder
from embeddings.training.fit import TrainingConfig, fit, refit
from kg.graph import GraphSnapshot
from kg.progress import Report, silent


def train(
    snapshot: GraphSnapshot,
    encoder: TextEncoder,
    config: TrainingConfig,
    seed: int = 0,
    report: Report = silent,
    k: int = 20,
) -> Model:
    """Measure on a random split, then fit the scorers again on every event, under the same ranker."""
    text = encoder.encode(snapshot.texts, report)
    whole = with_knowledge(Dataset.from_snapshot(snapshot, text), config.kge, seed, report)
    valid, test = split_tasks(snapshot, text, random_split(snapshot.interactions, seed))
    measured = fit(replace(valid.dataset, knowledge=whole.knowledge), config, seed, report)
    results = [measure_fitted(measured, config, test, k)]
    results += [measure_scorer(name, valid, test, k, seed, report) for name in BASELINES]
    fitted = refit(measured.ranker, whole, config, seed, report)
    manifest = describe(snapshot, encoder.name, config, seed, metrics_table(results))
    return Model(manifest, fitted, whole.links)


def train_unmeasured(
    snapshot: GraphSnapshot,
    encoder: TextEncoder,
    config: TrainingConfig,
    seed: int = 0,
    report: Report = silent,
) -> Model:
    """Learn all, the ranking too, from every event: what `trailmix evaluate` fits on these events."""
    text = encoder.encode(snapshot.texts, report)
    whole = with_knowledge(Dataset.from_snapshot(snapshot, text), config.kge, seed, report)
    manifest = describe(snapshot, encoder.name, config, seed, measured=False)
    return Model(manifest, fit(whole, config, seed, report), whole.links)


def refreshed(
    ranker: Ranker, of: Manifest, snapshot: GraphSnapshot, encoder: TextEncoder, report: Report = silent
) -> Model:
    """The scorers fitted to a graph as it is now, under a ranking learnt before, with its settings.

    So new items, users, events and facts count without the ranking learnt anew; nothing is measured.

    Raises:
        ArtifactError: the ranking was learnt with another text encoder.
    """
    same_encoder(encoder.name, of.encoder)
    config = config_of(of)
    text = encoder.encode(snapshot.texts, report)
    whole = Dataset.from_snapshot(snapshot, text)
    fitted = refit(ranker, whole, config, of.seed, report)
    return Model(describe_refreshed(of, snapshot, encoder.name), fitted, whole.links)


def describe_refreshed(of: Manifest, snapshot: GraphSnapshot, encoder: str) -> Manifest:
    """The manifest of a refreshing with these inputs."""
    return describe(
        snapshot,
        encoder,
        config_of(of),
        of.seed,
        measured=of.measured,
        tuned=of.tuned,
        ranked_on=of.ranked_on or of.snapshot,
    )


def config_of(manifest: Manifest) -> TrainingConfig:
    """The configuration as it was before it became JSON."""
    config = TypeAdapter(TrainingConfig).validate_python(manifest.config)
    configs = {
        name: TypeAdapter(type(default_config(name))).validate_python(own)
        for name, own in config.configs.items()
    }
    return replace(config, configs=configs)


def measure_fitted(fitted: Fitted, config: TrainingConfig, test: Task, k: int) -> Result:
    """The fused model on the test."""
    return Result(OURS, config, test.measure(fitted.score, k))


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
    """The manifest of a training with these inputs.

    It held out events to measure by or did not; `tuned` is how the configuration was found, if by a search;
    `ranked_on` as in the manifest.
    """
    inputs: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "seed": seed,
        "snapshot": snapshot.fingerprint,
        "nodes": nodes_fingerprint(snapshot),
        "encoder": encoder,
        "config": asdict(config),
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
