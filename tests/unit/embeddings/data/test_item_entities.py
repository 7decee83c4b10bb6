"""Which entities items have by a relation."""

import numpy as np

from embeddings.data.item_entities import equal_shares, item_entities
from kg.graph import Triples


def test_entities_by_one_relation_in_either_direction() -> None:
    """Items 0 to 2, entities 3 and 4; relation 0 leads to entities, 1 comes from them, 2 joins items."""
    facts = np.array([(0, 0, 3), (0, 0, 4), (2, 0, 3), (0, 0, 3), (4, 1, 1), (0, 2, 1)], np.int32)
    triples = Triples(*np.ascontiguousarray(facts.T))
    forward, backward, between = (item_entities(triples, n, 3, 5).toarray().tolist() for n in range(3))
    assert forward == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert backward == [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert between == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    shares = equal_shares(item_entities(triples, 0, 3, 5)).toarray().tolist()
    assert shares == [[0, 0, 0, 0.5, 0.5], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
