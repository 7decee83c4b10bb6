"""What is loaded when a module is imported: neither serving nor measuring imports torch."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "torch_geometric", "transformers", "lightgbm"}
NETWORKS = {
    *(f"embeddings.graph.{name}" for name in ("gnn", "kge", "network", "propagation")),
    *(f"embeddings.baselines.{name}" for name in ("lightgcn", "ncf", "network", "sasrec")),
    "embeddings.evaluation.link_prediction",
    "embeddings.text.int8",
}
"""The modules that import torch; others import them inside functions."""

PROGRAM = """
import json, sys
from importlib import import_module
from pkgutil import walk_packages

import service.recommender
loaded = [sorted(sys.modules)]
for package in ("service", "kg", "embeddings"):
    for module in walk_packages(import_module(package).__path__, f"{package}."):
        if module.name not in sys.argv:
            import_module(module.name)
    loaded.append(sorted(sys.modules))
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded() -> list[set[str]]:
    """The loaded modules after importing the recommender, service, kg, and embeddings without NETWORKS."""
    command = [sys.executable, "-c", PROGRAM, *NETWORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [set(modules) for modules in json.loads(done.stdout)]


def test_the_recommender_knows_no_flask(loaded) -> None:
    recommender, service, *_ = loaded
    assert "flask" not in recommender
    assert {"flask", "service.app"} <= service


def test_only_networks_load_torch(loaded) -> None:
    everything = loaded[-1]
    assert {"embeddings.evaluation.experiment", "embeddings.training.train"} <= everything
    assert not (HEAVY | NETWORKS) & everything
