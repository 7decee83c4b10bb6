"""Train on a small synthetic data set, in a process of its own, and print the model version.

`python trained_version.py THREADS FOLDER`: torch uses so many threads and another thread keeps a CPU busy
where there are several; OMP_NUM_THREADS and OPENBLAS_NUM_THREADS have to be in the environment.
"""

import sys
from pathlib import Path
from threading import Thread

import numpy as np
import torch

from embeddings.candidates.specs import DEFAULT_SCORERS, select_specs
from embeddings.data.threads import single_blas_thread
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.model.artifact import save_model
from embeddings.model.manifest import Manifest
from embeddings.model.model import Model
from embeddings.ranking.boosters import BoosterConfig
from embeddings.ranking.ranker import RankerConfig
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from embeddings.training.holdout import HoldoutConfig
from scripts.bench.synthetic_dataset import synthetic_dataset

EDGES = 20_000
KGE = KgeConfig(epochs=1, negatives=64)


def small_config() -> TrainingConfig:
    """Every part of a training, each small."""
    scorers = select_specs(DEFAULT_SCORERS, {"kge": KGE, "gnn": GnnConfig(kge=KGE)})
    ranker = RankerConfig(boosters=BoosterConfig(rounds=5))
    holdout = HoldoutConfig(cold_holdouts=1, random_holdouts=1, last_shares=(0.2,))
    return TrainingConfig(scorers, ranker=ranker, holdout=holdout)


def _burn() -> None:
    """Keep a CPU busy: products of matrices release the interpreter lock."""
    matrix = np.random.default_rng(0).random((300, 300))
    while True:
        matrix = np.tanh(matrix @ matrix)


def main() -> None:
    """Train and print."""
    threads, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(threads)
    if threads > 1:
        Thread(target=_burn, daemon=True).start()
    with single_blas_thread():
        dataset, config = synthetic_dataset(EDGES), small_config()
    two_stage = fit(dataset, config)
    if not two_stage.ranker.learnt:
        raise SystemExit("no ranker was learnt")
    manifest = Manifest(
        seed=0, snapshot="", nodes="", encoder="", config={}, inputs="", versions={}, metrics={}
    )
    model = Model(manifest, two_stage, dataset.links, config.stated_preferences)
    print(save_model(model, folder).name)


if __name__ == "__main__":
    main()
