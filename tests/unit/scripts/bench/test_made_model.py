"""A made graph is whole: each fact joins the labels that its relation joins."""

import numpy as np

from scripts.bench.made_model import MadeTexts, made_snapshot
from scripts.bench.synthetic_dataset import RELATIONS, dataset_of, entity_counts


def test_facts_join_items_to_the_label_of_their_relation() -> None:
    """After 100 items come 100 / 5 = 20 makers behind the 5 genres, and 100 / 2 = 50 stars."""
    dataset = dataset_of(20, 100, 500, facts=5)
    snapshot = made_snapshot(dataset)
    assert entity_counts(100) == (5, 20, 50)
    assert snapshot.n_nodes == 100 + 75 + 20
    facts = snapshot.triples
    for n, (first, end) in enumerate([(100, 105), (105, 125), (125, 175)]):
        tails = facts.tail[facts.relation == n]
        assert first <= tails.min() <= tails.max() < end, RELATIONS[n]
    assert facts.head.max() < 100
    assert len(facts.head) <= 5 * 100
    assert (snapshot.names[100], snapshot.locate(105)) == ("Genre 0", ("Maker", "m0"))
    assert len(set(snapshot.texts)) == snapshot.n_items == 100


def test_texts_have_the_made_vectors() -> None:
    vectors = np.eye(2, 3, dtype=np.float32)
    texts = MadeTexts("x:y", vectors)
    assert texts.dim == 3
    assert texts.encode(["a", "b"]) is vectors
