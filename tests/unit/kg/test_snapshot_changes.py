"""What came between two snapshots, counted by external ids."""

from dataclasses import replace

import numpy as np
from small_library import SCHEMA, library

from kg.graph import GraphSnapshot
from kg.schema import InteractionSchema
from kg.snapshot_changes import NewSince, new_since

LOANS = [(0, 1, 5), (0, 2, 4), (1, 2, 5)]


def shuffled(snapshot: GraphSnapshot) -> GraphSnapshot:
    """The same, its readers numbered the other way round."""
    vocabularies = (*snapshot.vocabularies[:-1], type(snapshot.users)("Reader", snapshot.users.ids[::-1]))
    events = snapshot.interactions
    turned = type(events)(
        (snapshot.n_users - 1 - events.user).astype(np.int32), *(
            getattr(events, name) for name in ("item", "value", "time", "kind", "liked")
        )
    )  # fmt: skip
    return GraphSnapshot(
        snapshot.schema, vocabularies, snapshot.names, snapshot.texts, snapshot.triples, turned
    )


def test_equal_graphs() -> None:
    snapshot = library(LOANS, times=False)
    assert new_since(snapshot, snapshot) == NewSince(0, 0, 0)
    assert new_since(snapshot, shuffled(snapshot)) == NewSince(0, 0, 0)


def test_new_users_items_and_events() -> None:
    """Two events of the new reader r3, one of the new book b30, and one of r1 with a book that was there."""
    before = library(LOANS, times=False)
    loans = [*LOANS, (3, 0), (3, 1), (0, 30), (1, 1)]
    after = library(loans, readers=4, books=31, times=False)
    assert new_since(before, after) == NewSince(events=4, users=1, items=1)
    assert new_since(before, shuffled(after)) == NewSince(events=4, users=1, items=1)
    assert new_since(after, before) == NewSince(0, 0, 0), "what is gone is not new"


def test_another_value_or_time_is_another_event() -> None:
    before = library(LOANS, times=False)
    assert new_since(before, library([(0, 1, 5), (0, 2, 1), (1, 2, 5)], times=False)).events == 1
    assert new_since(before, library(LOANS, times=True)).events == 3


def test_a_graph_without_events() -> None:
    assert new_since(library(), library(LOANS)) == NewSince(3, 0, 0)
    assert new_since(library(LOANS), library()) == NewSince(0, 0, 0)


def test_events_of_a_new_type_are_new() -> None:
    """That of b01; b00 has the number before it, and an event of the only type that there was."""
    before, after = library([(0, 0, 5), (0, 1, 5)], times=False), library([(0, 0, 5), (0, 1, 5)], times=False)
    types = (InteractionSchema(type="RETURNED"), *SCHEMA.interactions)
    schema = SCHEMA.model_copy(update={"interactions": types})
    events = replace(after.interactions, kind=np.array([1, 0], np.int8))
    assert new_since(before, replace(after, schema=schema, interactions=events)).events == 1
