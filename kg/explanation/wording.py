"""The sentences of explanation paths, with names in *asterisks*."""

import re
from collections.abc import Sequence

from kg.explanation.paths import Edge
from kg.graph import GraphSnapshot


def fact_sentence(
    snapshot: GraphSnapshot, kind: int | None, nodes: Sequence[int], edges: Sequence[Edge]
) -> str:
    """The sentence of a path of facts: "because you liked *Alien*, directed by *Ridley Scott*, who ..."."""
    text = f"because you {_source_verb(snapshot, kind)} *{snapshot.display_names[nodes[0]]}*"
    for n, (edge, node) in enumerate(zip(edges, nodes[1:], strict=True)):
        phrase = snapshot.schema.relation(edge.relation).phrase
        words = phrase.out if edge.direction == "out" else phrase.back
        # "also" refers to an earlier step, which the first step lacks
        words = words if n else re.sub(r"\balso\s+", "", words)
        text += f", {words} *{snapshot.display_names[node]}*"
    return text


def co_liked_sentence(
    snapshot: GraphSnapshot, source: int, item: int, kinds: tuple[int, int], n_co_users: int
) -> str:
    """The sentence of a path through other users: "because people who liked *Alien* also liked *Solaris*".

    It names no user. `kinds` are the interactions by which the users liked the source and the item.
    """
    who = "people" if n_co_users > 1 else "someone"
    liked, also = (snapshot.schema.interactions[kind].verb for kind in kinds)
    names = snapshot.display_names
    return f"because {who} who {liked} *{names[source]}* also {also} *{names[item]}*"


def _source_verb(snapshot: GraphSnapshot, kind: int | None) -> str:
    return "like" if kind is None else snapshot.schema.interactions[kind].verb
