"""Entities in texts, on four films worked out by hand."""

import dataclasses

import numpy as np
import pytest

from embeddings.text.linking import LinkingConfig, entity_names, link_entities
from kg.graph import GraphSnapshot, Interactions, Triples, Vocabulary
from kg.progress import silent
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Film", role="item"),
        LabelSchema(label="Person", role="entity"),
        LabelSchema(label="Place", role="entity"),
        LabelSchema(label="User", role="user"),
    ),
    relations=(
        RelationSchema(type="BY", head="Film", tail="Person", phrase=Phrase(out="by", back="who made")),
    ),
    interactions=(InteractionSchema(type="SAW"),),
)
PEOPLE = {"p1": "Ridley Scott", "p2": "John Smith", "p3": "John Smith", "p4": "Zoë", "p5": "Al"}
PLACES = {"l1": "New York", "l2": "York", "l3": "Paris"}
PERSON, PLACE = 4, 9
"""The first node of each label."""

TEXTS = (
    "Alien. Ridley Scott in NEW YORK. Ridley Scott again.",
    "York. Al saw John Smith and zoe in York.",
    "A film of Ridley Scott.",
    "Lutetia by Sir Ridley. Nobody.",
)


@pytest.fixture
def snapshot():
    none = np.zeros(0, np.int32)
    empty = Interactions(
        none, none, none.astype(np.float32), none.astype(np.int64), none.astype(np.int8), none.astype(bool)
    )
    facts = [np.array([x], np.int32) for x in (2, 0, PERSON)]  # film 2 is by Ridley Scott
    return GraphSnapshot(
        SCHEMA,
        (
            Vocabulary("Film", ["f0", "f1", "f2", "f3"]),
            Vocabulary("Person", PEOPLE),
            Vocabulary("Place", PLACES),
            Vocabulary("User", ["u"]),
        ),
        ("Alien", "York", "A film", "Untitled", *PEOPLE.values(), *PLACES.values(), "u"),
        TEXTS,
        Triples(*facts),
        empty,
    )


MEANINGS = {
    "Paris": (1, 0, 0),
    "Lutetia": (0.8, 0.6, 0),
    "Ridley Scott": (0, 0, 1),
    "Sir Ridley": (0.0, 0.1, 0.9),
}


class Encoder:
    """Three words have a meaning; what is like none of them has no vector."""

    name, dim = "fake", 3

    def encode(self, texts, report=silent):
        return np.array([MEANINGS.get(text, (0, 0, 0)) for text in texts], np.float32)


def found(links):
    return [(x.item, x.node, x.mention, x.position, x.by, round(x.score, 4)) for x in links]


def test_exact_names_the_longest_first_the_own_name_and_known_facts_aside(snapshot):
    assert found(link_entities(snapshot, None, 0.8)) == [
        (0, PERSON, "Ridley Scott", 7, "exact", 1.0),
        (0, PLACE, "NEW YORK", 23, "exact", 1.0),  # and not York
        (1, PERSON + 3, "zoe", 28, "exact", 1.0),
        (1, PLACE + 1, "York", 35, "exact", 1.0),  # not the title, which is York as well
    ]  # Al is too short, John Smith is two people, film 2 has its fact


def test_a_lower_threshold_lets_the_ambiguous_in(snapshot):
    links = [x for x in found(link_entities(snapshot, None, 0.5)) if x[2] == "John Smith"]
    assert links == [(1, PERSON + n, "John Smith", 13, "exact", 0.5) for n in (1, 2)]


def test_what_is_no_name_goes_to_the_nearest(snapshot):
    alike = [x for x in found(link_entities(snapshot, Encoder(), 0.75)) if x[4] == "embedding"]
    # Lutetia begins its sentence alone: not asked. Sir Ridley . Ridley Scott = 0.9
    assert alike == [(3, PERSON, "Sir Ridley", 11, "embedding", 0.9)]
    assert not [x for x in link_entities(snapshot, Encoder(), 0.95) if x.by == "embedding"]


def test_names_too_short_are_not_looked_for(snapshot):
    names = entity_names(snapshot, LinkingConfig())
    assert ("al",) not in names.names
    assert names.longest == 2
    shorter = LinkingConfig(shortest_name=2)
    assert (1, PERSON + 4, "Al", 6, "exact", 1.0) in found(link_entities(snapshot, None, 0.8, config=shorter))


def test_a_text_that_tells_a_fact_means_no_namesake(snapshot):
    namesake = Vocabulary("Place", ["l1", "l2", "Ridley Scott"])
    names = (*snapshot.names[: PLACE + 2], "Ridley Scott", "u")
    vocabularies = (*snapshot.vocabularies[:2], namesake, snapshot.vocabularies[3])
    shared = dataclasses.replace(snapshot, vocabularies=vocabularies, names=names)
    links = found(link_entities(shared, None, 0.5))
    assert [x for x in links if x[0] == 2] == []  # the person made film 2
    assert [x[1:] for x in links if x[0] == 0 and x[2] == "Ridley Scott"] == [
        (node, "Ridley Scott", 7, "exact", 0.5) for node in (PERSON, PLACE + 2)
    ]
