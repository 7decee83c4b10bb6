import numpy as np
import pytest

from embeddings.evaluation.link_prediction import joined, link_metrics, split_facts
from embeddings.graph.kge import Embedding
from kg.graph import Triples


def triples(*facts):
    head, relation, tail = (np.array(column, np.int32) for column in zip(*facts, strict=True))
    return Triples(head, relation, tail)


NONE = Triples(*(np.zeros(0, np.int32),) * 3)


def test_link_metrics_are_filtered_and_tie_aware() -> None:
    """Entities are numbers on a line, r multiplies by 1: a tail's score is head * tail.

    Test fact (1, r, 2), known (1, r, 3); entity values 0, 1, 2, 3, 2. Tails of 1: 3 is filtered, 2 ties with
    entity 4: rank 1 + 1/2. Heads of 2 (reverse): scores 2 x value = 0 2 4 6 4, true head 1 scores 2,
    beaten by 4, 6, 4: rank 4.
    """
    values = np.array([[0], [1], [2], [3], [2]], np.float32)
    embedding = Embedding("distmult", values, np.ones((2, 1), np.float32))
    found = link_metrics(embedding, triples((1, 0, 2)), triples((1, 0, 3)), ks=(1, 3))
    assert found == pytest.approx({"mrr": (1 / 1.5 + 1 / 4) / 2, "hits@1": 0.0, "hits@3": 0.5})


def test_all_scores_alike_rank_in_the_middle() -> None:
    """Five entities of one score: rank (1 + 5) / 2 = 3, whichever was asked for."""
    embedding = Embedding("distmult", np.ones((5, 1), np.float32), np.ones((2, 1), np.float32))
    found = link_metrics(embedding, triples((1, 0, 2)), NONE, ks=(2, 3))
    assert found == pytest.approx({"mrr": 1 / 3, "hits@2": 0.0, "hits@3": 1.0})


def test_no_number_is_the_worst_score_and_ties_with_its_like() -> None:
    """Values 1, nan, 2: tail 1 of 0 comes after 0 and 2. From 1 all is nan: head 0 ties, (1 + 3) / 2."""
    embedding = Embedding("distmult", np.array([[1], [np.nan], [2]], np.float32), np.ones((2, 1), np.float32))
    assert link_metrics(embedding, triples((0, 0, 1)), NONE, ks=())["mrr"] == pytest.approx(
        (1 / 3 + 1 / 2) / 2
    )


def slow_rank(scores, true, others):
    """By counting: better ones, and half of those alike."""
    rest = [s for n, s in enumerate(scores) if n != true and n not in others]
    return 1 + sum(s > scores[true] for s in rest) + sum(s == scores[true] for s in rest) / 2


def test_ranks_as_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    facts = np.unique(rng.integers(0, [12, 2, 12], (60, 3)), axis=0)
    whole = triples(*facts.tolist())
    embedding = Embedding(
        "complex",
        rng.integers(-1, 2, (12, 4)).astype(np.float32),
        rng.integers(-1, 2, (4, 4)).astype(np.float32),
    )
    test = whole.select(np.arange(len(whole)) % 3 == 0)
    expected = []
    for head, relation, tail in zip(test.head, test.relation, test.tail, strict=True):
        tails = {t for h, r, t in facts.tolist() if (h, r) == (head, relation)}
        heads = {h for h, r, t in facts.tolist() if (r, t) == (relation, tail)}
        forth = embedding.tails(np.array([head]), np.array([relation]))[0]
        back = embedding.tails(np.array([tail]), np.array([relation + 2]))[0]
        expected += [slow_rank(forth, tail, tails), slow_rank(back, head, heads)]
    found = link_metrics(embedding, test, whole, ks=(3,))
    assert found["mrr"] == pytest.approx(np.mean(1 / np.array(expected)))
    assert found["hits@3"] == pytest.approx(np.mean(np.array(expected) <= 3))


def test_a_split_parts_the_facts_and_leaves_nothing_untrained() -> None:
    rng = np.random.default_rng(0)
    facts = rng.integers(0, [300, 3, 300], (3000, 3))
    whole = triples(*facts.tolist(), (300, 0, 301))  # both ends are in this fact alone
    split = split_facts(whole, seed=1)
    codes = [
        set(zip(part.head, part.relation, part.tail, strict=True))
        for part in (split.train, split.valid, split.test)
    ]
    assert sum(map(len, codes)) == len(set.union(*codes)) == len({tuple(f) for f in facts.tolist()}) + 1
    assert len(codes[1]) == pytest.approx(300, rel=0.2)
    assert len(codes[2]) == pytest.approx(300, rel=0.2)
    assert (300, 0, 301) in codes[0]
    trained = set(split.train.head) | set(split.train.tail)
    assert {n for h, _, t in codes[1] | codes[2] for n in (h, t)} <= trained
    assert len(joined(split.train, split.valid, split.test)) == len(set.union(*codes))
