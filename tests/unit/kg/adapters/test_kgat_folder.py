"""A folder of KGAT's layout: 3 users, 4 items (0 to 3), 2 entities (4, 5), worked out by hand."""

import numpy as np
import pytest

from kg.adapters.kgat_folder import read_kgat_folder
from kg.errors import DataError

FILES = {
    "train.txt": "0 1 0 1\n1 2\n2\n",
    "test.txt": "0 2\n1 0 3\n",
    "kg_final.txt": "0 0 4 \n1 0 4\n0 0 4\n4 1 5\n0 1 2\n",
    "item_list.txt": "org_id remap_id freebase_id\nbook a 0 m.0\n77 1 m.1\n",
    "entity_list.txt": "org_id remap_id\nm.0 0\nm.4 4\n5\n",
    "relation_list.txt": "org_id remap_id\nhttp://rdf.freebase.com/ns/book.genre 0\n",
    "user_list.txt": "org_id remap_id\nann 0\nbob 1\n",
}
"""User 2 has no items; item 3 is in the test alone; entity 5 has a number and no name."""


@pytest.fixture
def written(tmp_path):
    def write(**changed):
        for name, content in {**FILES, **{f"{x}.txt": own for x, own in changed.items()}}.items():
            if content is not None:
                (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path

    return write


def test_nodes_are_numbered_as_in_the_folder(written) -> None:
    snapshot = read_kgat_folder(written()).snapshot
    assert (snapshot.n_users, snapshot.n_items, snapshot.n_nodes) == (2, 4, 8)
    assert snapshot.names == ("book a", "77", "2", "3", "m.4", "5", "ann", "bob")
    assert snapshot.items.ids == ("0", "1", "2", "3")
    assert snapshot.texts == ("",) * 4


def test_events_and_counts(written) -> None:
    data = read_kgat_folder(written())
    assert data.snapshot.seen.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0]]
    assert data.test.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 1]]
    assert data.counts == (2, 4, 3, 3)
    assert not data.snapshot.interactions.all_times_known
    assert data.snapshot.interactions.liked.all()


def test_a_relation_has_a_type_for_each_pair_of_labels(written) -> None:
    snapshot = read_kgat_folder(written()).snapshot
    facts = snapshot.triples
    named = [
        (int(head), snapshot.relations[kind], int(tail))
        for head, kind, tail in zip(facts.head, facts.relation, facts.tail, strict=True)
    ]
    assert named == [
        (0, "BOOK_GENRE", 4),
        (1, "BOOK_GENRE", 4),
        (0, "RELATION_1", 2),
        (4, "RELATION_1_2", 5),
    ]
    ends = {x.type: (x.head, x.tail) for x in snapshot.schema.relations}
    assert ends["BOOK_GENRE"] == ("Item", "Entity")
    assert ends["RELATION_1"] == ("Item", "Item")
    assert ends["RELATION_1_2"] == ("Entity", "Entity")


def test_lists_may_be_missing_and_facts_may_be_none(written) -> None:
    changed = dict.fromkeys(("item_list", "entity_list", "relation_list", "user_list"))
    snapshot = read_kgat_folder(written(kg_final="", **changed)).snapshot
    assert snapshot.names == ("0", "1", "2", "3", "0", "1")
    assert len(snapshot.triples) == 0


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ydUqgWsF 0ydUqgWsF", "ydUqgWsF"),  # Yelp2018 of KGAT
        ("N88753\t0\tElizabeth II", "N88753"),  # MIND of KGRec
        ("9 0", "9"),
        ("10 0", "10"),
    ],
)
def test_layouts_of_the_published_lists(written, line, name) -> None:
    snapshot = read_kgat_folder(written(item_list=f"org_id remap_id freebase_id\n{line}\n")).snapshot
    assert snapshot.names[0] == name


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train", "0 1\n0 x 2\n", r"train.txt, line 2: 'x' is no integer from 0; a line is a user and their"),
        ("test", "0 1\n\n1 -2\n", r"test.txt, line 3: '-2' is no integer from 0"),
        ("test", "0 99999999999\n", r"test.txt, line 1: '99999999999' is no integer"),
        ("train", "0\n1\n", r"train.txt: has no event"),
        ("test", "", r"test.txt: has no event"),
        ("kg_final", "0 0 4\n0 1\n", r"kg_final.txt, line 2: has 2 values, not head, relation, tail"),
        ("kg_final", "0 0\n0 1\n", r"kg_final.txt, line 1: has 2 values"),
        ("kg_final", "0 0 4\n0 0 4 1\n", r"kg_final.txt, line 2: has 4 values"),
        ("kg_final", "0 0 4\n0 a 4\n", r"kg_final.txt, line 2: 'a' is no integer from 0; a line is a head"),
        ("kg_final", "0 0 4\n0 -1 4\n", r"kg_final.txt, line 2: '-1' is no integer"),
        ("kg_final", "0 0 4.5\n", r"kg_final.txt, line 1: '4.5' is no integer"),
        ("item_list", "org_id remap_id\nx y\n", r"item_list.txt, line 2: 'x y' has no remap_id"),
    ],
)
def test_a_bad_line_is_named(written, file, content, message) -> None:
    with pytest.raises(DataError, match=message):
        read_kgat_folder(written(**{file: content}))


def test_a_missing_file_is_named_and_so_is_an_archive(written) -> None:
    folder = written(kg_final=None)
    with pytest.raises(DataError, match=r"has no kg_final.txt; it needs train.txt, test.txt, kg_final.txt"):
        read_kgat_folder(folder)
    (folder / "kg_final.txt.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"has no kg_final.txt; unpack kg_final.txt.zip first"):
        read_kgat_folder(folder)


def test_numbers_of_facts_are_whole(written) -> None:
    """An item may be the tail of a fact, and the largest number decides how many nodes there are."""
    snapshot = read_kgat_folder(written(kg_final="9 3 0\n")).snapshot
    assert snapshot.n_nodes - snapshot.n_users == 10
    assert np.asarray(snapshot.triples.head).tolist() == [9]
