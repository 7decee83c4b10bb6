"""Runs only where PyKEEN is installed, which Trailmix does not ask for."""

import numpy as np
import pytest

pytest.importorskip("pykeen")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["transe", "distmult", "complex", "rotate"])
def test_our_scores_and_metrics_of_its_arrays_are_its_own(model) -> None:
    import torch
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.triples import CoreTriplesFactory

    from embeddings.evaluation.link_prediction import joined, link_metrics, split_facts
    from embeddings.graph.configs import KgeConfig
    from kg.graph import Triples
    from scripts.bench.pykeen_reference import _model, embedding_of

    rng = np.random.default_rng(0)
    head, relation, tail = (rng.integers(0, n, 400).astype(np.int32) for n in (30, 3, 30))
    split = split_facts(Triples(head, relation, tail))
    train, valid, test = (
        torch.from_numpy(np.stack([x.head, x.relation, x.tail], 1).astype(np.int64))
        for x in (split.train, split.valid, split.test)
    )
    factory = CoreTriplesFactory(train, 30, 3, create_inverse_triples=True)
    theirs = _model(factory, KgeConfig(model=model, embedding_dim=8), 0, "own")
    theirs.post_parameter_update()
    ours = embedding_of(theirs, model)
    asked = test[:5, :2].clone()
    with torch.no_grad():
        expected = theirs.predict_t(torch.stack([asked[:, 0], asked[:, 1]], 1)).numpy()
    found = ours.tails(asked[:, 0].numpy(), asked[:, 1].numpy())
    np.testing.assert_allclose(found, expected, atol=1e-4)
    measured = RankBasedEvaluator().evaluate(
        theirs, test, additional_filter_triples=[train, valid], use_tqdm=False, batch_size=8
    )
    metrics = link_metrics(ours, split.test, joined(split.train, split.valid))
    assert metrics["mrr"] == pytest.approx(
        measured.get_metric("both.realistic.inverse_harmonic_mean_rank"), abs=2e-3
    )
    assert metrics["hits@10"] == pytest.approx(measured.get_metric("both.realistic.hits_at_10"), abs=1e-6)
