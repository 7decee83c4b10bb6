"""The manifest of a model: what it was made from, and how well it did."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from kg.graph import GraphSnapshot

FORMAT_VERSION = 8
"""Raised whenever the arrays or the code that reads them change their meaning."""


class Manifest(BaseModel):
    """What a model was made from, and how well it did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    seed: int
    snapshot: str
    """Fingerprint of the snapshot that the model was trained on."""
    nodes: str
    """Fingerprint of the numbering of items and entities; serving needs the same."""
    encoder: str
    """The text encoder's name; the texts of requests must be encoded by the same."""
    config: dict[str, Any]
    """Every setting of the training, as `TrainingConfig.as_dict`."""
    measured: bool = True
    """Whether the ranker was learnt without the events that the model was measured by, or from all events."""
    ranked_on: str = ""
    """Fingerprint of the snapshot that the ranker was learnt from, where that is an earlier one."""
    inputs: str
    """A hash of all of the above; equal inputs need no second training."""
    versions: dict[str, str]
    metrics: dict[str, dict[str, float]]
    """By method, then by metric: this model beside baselines, on held-out events."""
    ranked_by: str = ""
    """What ranks where there was too little to learn a ranker from, and why, in one line; empty: a learnt
    ranker."""
    tuned: dict[str, Any] | None = None
    """Of a search for the configuration: the number of trials, NDCG before and after, what was changed."""
    model_version: str = ""
    """Hash of the content, set when the model is saved."""
    created: str = ""
    """ISO time, UTC, set when the model is saved."""

    @property
    def trained_on(self) -> set[str]:
        """Fingerprints of all snapshots that have a part in the model."""
        return {self.snapshot, self.ranked_on} - {""}


def nodes_fingerprint(snapshot: GraphSnapshot) -> str:
    """A hash of the numbering of items and entities; events and users may change beneath a model."""
    return "-".join(v.fingerprint[:8] for v in snapshot.vocabularies[:-1])
