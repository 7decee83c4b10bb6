"""People told by a film: "the guy from Jaws", "the director of Chinatown"; and relations told by a word."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embeddings.text.names import Word
from kg.graph import Float64Array, GraphSnapshot

if TYPE_CHECKING:
    from service.understanding.names import Mention

_STEMS = {
    "cast": ("star", "cast", "act", "play", "appear", "perform"),
    "director": ("direct",),
    "writer": ("writ", "wrote", "author", "screenplay"),
}
"""The stems of relation types and their phrases by what the relation says of a person."""
_TOLD = {
    "director": r"(?:director of|(?:man|woman|guy|person|one|who) (?:behind|that directed|who directed)"
    r"|maker of|whoever directed)",
    "writer": r"(?:writers? of|author of|(?:man|woman|guy|person|one) who wrote)",
    "cast": r"(?:(?:guys?|man|woman|girl|boy|lady|actor|actress|bloke|dude|kid|stars?|lead|cast|chap|fella)"
    r" (?:from|in|of|who (?:played|plays|was|starred|stars|is)(?: in| with)?))",
}
_BY_WORDS = re.compile(r" (directed|director|written|wrote|writer|by|with|starring|stars|featuring|acting) ")


class Roles:
    """The relations between items and entities of one snapshot by what they say of people."""

    def __init__(self, snapshot: GraphSnapshot, popularity: Float64Array) -> None:
        self._snapshot, self._popularity = snapshot, popularity
        self._told = {role: re.compile(rf" {words} (?:the )?$") for role, words in _TOLD.items()}

    def relations(self, label: str) -> list[str]:
        """The relation types that join items and nodes of a label."""
        item = self._snapshot.items.label
        schema = self._snapshot.schema
        return [x.type for x in schema.relations if schema.ends[x.type] in ((item, label), (label, item))]

    def of_role(self, role: str, label: str | None = None) -> list[str]:
        """The relation types whose name or phrase says such a role, of those of a label."""
        own = None if label is None else self.relations(label)
        found = []
        for relation in self._snapshot.schema.relations:
            told = f"{relation.type} {relation.phrase.out}".casefold().replace("_", " ").split()
            says = any(word.startswith(stem) for word in told for stem in _STEMS[role])
            if says and (own is None or relation.type in own):
                found.append(relation.type)
        return found

    def told_by(self, leading: str, label: str) -> list[str]:
        """The relation types that the words before a name tell; all of the label where none is told."""
        leading = leading.rsplit(" without ", 1)[-1]
        leading = f" {leading.strip()} "
        word = next(iter(reversed(_BY_WORDS.findall(leading[-40:]))), "")
        roles = {"directed": "director", "director": "director", "by": "director"}
        roles |= {"written": "writer", "wrote": "writer", "writer": "writer"}
        if word in ("with", "starring", "stars", "featuring", "acting"):
            roles[word] = "cast"
        if word == "by" and " written by " in leading:
            roles["by"] = "writer"
        own = self.relations(label)
        found = self.of_role(roles[word], label) if word in roles and len(own) > 1 else []
        return found or own

    def described(self, mentions: Sequence["Mention"], found: Sequence[Word]) -> list["Mention"]:
        """The mentions, with an item that tells of a person replaced by the person."""
        own = []
        for mention in mentions:
            node = mention.nodes[0]
            leading = " " + "".join(f"{w.folded} " for w in found[max(0, mention.first - 6) : mention.first])
            role = next((x for x, told in self._told.items() if told.search(leading)), None)
            people = self._people(node, role) if role and node < self._snapshot.n_items else []
            if people:
                start = self._start(mention.first, leading, role or "")
                mention = replace(mention, first=start, nodes=(people[0],), confidence=0.6, others=())
            own.append(mention)
        return own

    def _start(self, first: int, leading: str, role: str) -> int:
        told = self._told[role].search(leading)
        return first - len(told[0].split()) if told else first

    def _people(self, item: int, role: str) -> list[int]:
        """The entities of an item by a role, the most popular first."""
        facts = self._snapshot.triples
        kinds = [self._snapshot.relations.index(x) for x in self.of_role(role)]
        own = np.isin(facts.relation, kinds)
        found: Iterable[int] = {
            *facts.tail[own & (facts.head == item)].tolist(),
            *facts.head[own & (facts.tail == item)].tolist(),
        }
        return sorted(found, key=lambda n: -self._popularity[n])
