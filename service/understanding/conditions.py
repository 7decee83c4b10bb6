"""Filter expressions for what a text requires or excludes."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from embeddings.text.names import Word
from kg.graph import GraphSnapshot
from service.filters.expression import Filter, FilterPart
from service.understanding.aliases import popularity
from service.understanding.contract import UnderstoodFilter
from service.understanding.ranges import Range
from service.understanding.roles import Roles

if TYPE_CHECKING:
    from service.understanding.names import Mention

_FILTER: TypeAdapter[FilterPart] = TypeAdapter(Filter)
_DECADE = re.compile(r"(\d{3}0)s")


class Conditions:
    """Makes the expressions of one snapshot."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        self._snapshot = snapshot
        self._roles = Roles(snapshot, popularity(snapshot))
        self._decades: dict[int, dict[str, str]] = {}
        for label in snapshot.schema.entities:
            start, size = snapshot.offsets[label.label], len(snapshot.vocabulary(label.label))
            for node in range(start, start + size) if size < 200 else ():
                if (match := _DECADE.fullmatch(snapshot.names[node])) is not None:
                    own = snapshot.locate(node)
                    self._decades[int(match[1])] = {
                        "label": own[0],
                        "id": own[1],
                        "name": snapshot.names[node],
                    }

    def decade(self, first: int) -> dict[str, Any] | None:
        """The entity of a decade, as fields of a node."""
        return self._decades.get(first)

    def years(self, name: str, own: Range, *, negated: bool) -> FilterPart:
        """A range of a property; what is left of a range with one bound is a range again."""
        bounds = {"from": own.low, "to": own.high}
        if negated and own.low is None and own.high is not None:
            bounds = {"from": own.high + 1}
        elif negated and own.high is None and own.low is not None:
            bounds = {"to": own.low - 1}
        elif negated:
            return _FILTER.validate_python({"not": {"property": name, **bounds}})
        return _FILTER.validate_python(
            {"property": name, **{key: x for key, x in bounds.items() if x is not None}}
        )

    def _leaf(self, nodes: Sequence[int], leading: str) -> dict[str, Any] | None:
        label = self._snapshot.locate(nodes[0])[0]
        names = [self._snapshot.names[n] for n in nodes]
        leaves = [{"relation": x, "any": names} for x in self._roles.told_by(leading, label)]
        if not leaves:
            return None
        return leaves[0] if len(leaves) == 1 else {"any": leaves}

    def without(
        self, node: int, mention: "Mention", place: tuple[int, int], text: str, found: Sequence[Word]
    ) -> UnderstoodFilter | None:
        """That no item has an entity; None for an item, which is left out by itself."""
        if node < self._snapshot.n_items:
            return None
        leaf = self._leaf([node], _leading(mention, found))
        if leaf is None:
            return None
        start, end = place
        return UnderstoodFilter(
            words=text[start:end],
            start=start,
            end=end,
            confidence=mention.confidence,
            expression=_FILTER.validate_python({"not": leaf}),
        )

    def required(
        self, mentions: Sequence[tuple["Mention", tuple[int, int]]], text: str, found: Sequence[Word]
    ) -> list[UnderstoodFilter]:
        """That each item has the entities: one of those of a label, all of those joined by "and" where items
        have several.
        """
        groups: list[tuple[list[int], list[tuple[int, int]], str, float]] = []
        for mention, place in mentions:
            label = self._snapshot.locate(mention.nodes[0])[0]
            joined = groups and re.fullmatch(
                r"[\s,]*(?:or|and/or|,)?[\s,]*", text[groups[-1][1][-1][1] : place[0]]
            )
            if joined and self._snapshot.locate(groups[-1][0][0])[0] == label and len(mention.nodes) == 1:
                groups[-1][0].extend(mention.nodes)
                groups[-1][1].append(place)
                continue
            leading = _leading(mention, found)
            groups += [([node], [place], leading, mention.confidence) for node in mention.nodes]
        made = []
        for nodes, places, leading, sure in groups:
            leaf = self._leaf(nodes, leading)
            if leaf is not None:
                start, end = places[0][0], places[-1][1]
                made.append(
                    UnderstoodFilter(
                        words=text[start:end],
                        start=start,
                        end=end,
                        confidence=sure,
                        expression=_FILTER.validate_python(leaf),
                    )
                )
        return made


def _leading(mention: "Mention", found: Sequence[Word]) -> str:
    return " " + "".join(f"{w.folded} " for w in found[max(0, mention.first - 5) : mention.first])
