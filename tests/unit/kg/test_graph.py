import numpy as np
import pytest

from kg.errors import GraphSchemaError, UnknownIdError
from kg.graph import NO_TIME, GraphSnapshot, Interactions, Triples, Vocabulary
from kg.schema import GraphSchema


def schema():
    return GraphSchema.model_validate(
        {
            "labels": [
                {"label": "User", "role": "user"},
                {"label": "Film", "role": "item"},
                {"label": "Person", "role": "entity"},
            ],
            "relations": [
                {
                    "type": "BY",
                    "head": "Film",
                    "tail": "Person",
                    "phrase": {"out": "by", "back": "who also made"},
                }
            ],
            "interactions": [{"type": "RATED", "liked_at_least": 4}, {"type": "SAW"}],
        }
    )


def snapshot(**changes):
    """Two films, a person, two users; u1 rated a film and saw it twice over, u2 disliked the other."""
    parts = {
        "schema": schema(),
        "vocabularies": (
            Vocabulary("Film", ["f1", "f2"]),
            Vocabulary("Person", ["p"]),
            Vocabulary("User", ["u1", "u2"]),
        ),
        "names": ("One", "Two", "P", "u1", "u2"),
        "texts": ("a film", ""),
        "triples": Triples(np.array([0], np.int32), np.array([0], np.int32), np.array([2], np.int32)),
        "interactions": Interactions(
            np.array([0, 0, 1], np.int32),
            np.array([0, 0, 1], np.int32),
            np.array([5, 1, 2], np.float32),
            np.array([7, NO_TIME, 9], np.int64),
            np.array([0, 1, 0], np.int8),
            np.array([True, True, False]),
        ),
    }
    return GraphSnapshot(**(parts | changes))


def test_items_of_one_group_have_its_smallest_index():
    three = {
        "vocabularies": (Vocabulary("Film", "abcde"), *snapshot().vocabularies[1:]),
        "names": ("A", "B", "C", "D", "E", "P", "u1", "u2"),
        "texts": ("",) * 5,
        "triples": Triples(np.array([0], np.int32), np.array([0], np.int32), np.array([5], np.int32)),
    }
    grouped = snapshot(**three, same_as=("", "w1", "w2", "", "w1"))
    assert grouped.item_group.tolist() == [0, 1, 2, 3, 1]
    assert grouped.item_group.dtype == np.int64
    assert snapshot(**three).item_group.tolist() == [0, 1, 2, 3, 4]
    others = [snapshot(**three), snapshot(**three, same_as=("", "w1", "w1", "", ""))]
    assert grouped.fingerprint not in [other.fingerprint for other in others]
    with pytest.raises(ValueError, match="one value for each item"):
        snapshot(**three, same_as=("w1",))


def test_vocabulary_translates_both_ways():
    vocabulary = Vocabulary("Film", ["b", "a"])
    assert vocabulary.indices(["a", "b", "a"]).tolist() == [1, 0, 1]
    assert vocabulary.ids[vocabulary.index("a")] == "a"
    assert vocabulary.find("c") is None
    assert "a" in vocabulary
    with pytest.raises(UnknownIdError, match="no Film has the id 'c'"):
        vocabulary.index("c")
    with pytest.raises(ValueError, match="twice"):
        Vocabulary("Film", ["a", "a"])


def test_vocabulary_fingerprint_is_of_label_ids_and_order():
    one = Vocabulary("Film", ["a", "b"])
    assert one.fingerprint == Vocabulary("Film", ["a", "b"]).fingerprint
    others = [Vocabulary("Film", ["b", "a"]), Vocabulary("Person", ["a", "b"]), Vocabulary("Film", ["ab"])]
    assert one.fingerprint not in {x.fingerprint for x in others}


def test_nodes_are_numbered_items_entities_users():
    graph = snapshot()
    assert (graph.n_items, graph.n_users, graph.n_nodes, graph.first_user) == (2, 2, 5, 3)
    assert graph.offsets == {"Film": 0, "Person": 2, "User": 3}
    for label, external, number in (("Film", "f2", 1), ("Person", "p", 2), ("User", "u2", 4)):
        assert graph.node(label, external) == number
        assert graph.locate(number) == (label, external)
    with pytest.raises(GraphSchemaError):
        graph.vocabulary("Book")


def test_liked_and_seen():
    graph = snapshot()
    assert graph.seen.toarray().tolist() == [[1, 0], [0, 1]]
    assert graph.liked.toarray().tolist() == [[1, 0], [0, 0]]


def test_arrays_are_frozen_and_of_one_length():
    graph = snapshot()
    with pytest.raises(ValueError, match="read-only"):
        graph.triples.head[0] = 1
    with pytest.raises(ValueError, match="differ in length"):
        Triples(np.zeros(1, np.int32), np.zeros(2, np.int32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="one name for each node"):
        snapshot(names=("One",))
    with pytest.raises(ValueError, match="begin with the item label"):
        snapshot(vocabularies=snapshot().vocabularies[::-1])


def test_fingerprint_is_of_the_content():
    graph = snapshot()
    assert snapshot(source="elsewhere").fingerprint == graph.fingerprint
    changed = [
        snapshot(names=("One", "Two", "Q", "u1", "u2")),
        snapshot(texts=("", "a film")),
        snapshot(triples=graph.triples.select(np.array([False]))),
        snapshot(interactions=graph.interactions.select(np.array([True, True, False]))),
    ]
    assert len({graph.fingerprint, *(x.fingerprint for x in changed)}) == 5


@pytest.mark.parametrize(
    ("names", "years", "told"),
    [
        (("One", "Two"), {}, ("One", "Two")),
        (("One", "One"), {0: "1972", 1: "2002"}, ("One (1972)", "One (2002)")),
        (("One", "One"), {0: "1972"}, ("One (1972)", "One [f2]")),
        (("One", "One"), {0: "1972", 1: "1972"}, ("One [f1]", "One [f2]")),
        (("One", "One"), {}, ("One [f1]", "One [f2]")),
        (("One", " one"), {}, ("One [f1]", " one [f2]")),
        (("Caf\u00e9", "Cafe\u0301"), {}, ("Caf\u00e9 [f1]", "Cafe\u0301 [f2]")),
        (("One (1972)", "One (2002)"), {}, ("One (1972)", "One (2002)")),
    ],
)
def test_items_of_one_name_are_told_apart_by_year_or_id(names, years, told):
    graph = snapshot(names=(*names, "P", "Same", "Same"), years=years)
    assert graph.display_names == (*told, "P", "Same", "Same"), "users are never shown"


def test_an_item_and_a_person_of_one_name_are_told_by_their_labels():
    assert snapshot(names=("P", "Two", "P", "u1", "u2")).display_names[0] == "P"


def test_the_years_are_part_of_the_content():
    assert snapshot(years={0: "1972"}).fingerprint != snapshot().fingerprint


def test_triples_in_order_are_by_head_then_relation_then_tail() -> None:
    columns = ([2, 1, 1, 1], [0, 1, 0, 0], [3, 4, 6, 5])
    found = Triples.in_order(*(np.array(x, np.int32) for x in columns))
    assert found.head.tolist() == [1, 1, 1, 2]
    assert found.relation.tolist() == [0, 0, 1, 0]
    assert found.tail.tolist() == [5, 6, 4, 3]
