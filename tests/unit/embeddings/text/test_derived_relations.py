"""What texts say, as rows that the graph can hold."""

import numpy as np

from embeddings.text.derived_relations import mention_relations, similar_relations
from embeddings.text.linking import Link


def test_similar_items_are_joined_by_their_cosine(films) -> None:
    """(1, 0) and (.6, .8): 0.6 from either side; the other items have no text."""
    vectors = np.zeros((films.n_items, 2), np.float32)
    vectors[0], vectors[1] = (1, 0), (0.6, 0.8)
    ((kind, (relation, rows)),) = similar_relations(films, vectors, "fake", 3, 0.5).items()
    assert (kind, relation.head, relation.tail, relation.derived) == ("SIMILAR_TO", "Movie", "Movie", True)
    evidence = {"score": 0.6, "encoder": "fake"}
    assert rows == [
        {"head": "m1", "tail": "m2", "properties": evidence},
        {"head": "m2", "tail": "m1", "properties": evidence},
    ]
    assert similar_relations(films, vectors, "fake", 3, 0.7)["SIMILAR_TO"][1] == []


def test_each_label_of_what_is_mentioned_has_a_type(films) -> None:
    names = films.names
    person, genre = names.index("Ridley Scott"), names.index("Drama")
    links = [
        Link(0, person, "Scott", 7, "embedding", 0.87654321),
        Link(2, genre, "drama", 0, "exact", 0.5),
        Link(1, person, "Ridley Scott", 3, "exact", 1.0),
    ]
    found = mention_relations(films, links)
    assert {kind: [row["head"] for row in rows] for kind, (_, rows) in found.items()} == {
        "MENTIONS_PERSON": ["m1", "m2"],
        "MENTIONS_GENRE": ["m3"],
    }
    assert found["MENTIONS_PERSON"][0].tail == "Person"
    assert found["MENTIONS_PERSON"][1][0] == {
        "head": "m1",
        "tail": "p1",
        "properties": {"mention": "Scott", "position": 7, "by": "embedding", "score": 0.8765},
    }
