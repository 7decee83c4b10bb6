"""Rules as arrays of item numbers, for one snapshot: what a recommendation needs of them."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache

import numpy as np

from embeddings.model.model import Scores
from embeddings.model.stated_preferences import deviation_of_best
from kg.graph import BoolArray, FloatArray, IntArray, Vocabulary
from kg.shown import shown
from service.rules.contract import Applies, Effect
from service.rules.store import StoredRule

RULES = "rules"
"""The name of the boosts among the contributions to a score."""

_SETS_KEPT = 256
"""So many combinations of rules that requests name are kept combined."""

Remark = tuple[str, str]
"""A JSON pointer into the request, and a sentence."""


@dataclass(frozen=True, eq=False)
class CompiledRule:
    """One rule on one snapshot."""

    name: str
    effect: Effect
    applies: Applies
    items: IntArray
    """Item numbers in the order of the query, int64 [n]."""
    weights: FloatArray
    """What a boost adds to the scores of these items, in deviations of the best scores, float32 [n]."""
    position: int
    """Where the first item of a pin stands, from 1."""
    evaluated_at: float
    stale_since: float | None

    @cached_property
    def _ascending(self) -> IntArray:
        return np.sort(self.items)

    def has(self, items: Sequence[int]) -> list[bool]:
        """Whether each of some items is among its own."""
        own, wanted = self._ascending, np.array(items, np.int64)
        if not len(own):
            return [False for _ in items]
        place = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
        return [bool(x) for x in own[place] == wanted]

    @classmethod
    def of(cls, rule: StoredRule, items: Vocabulary) -> "CompiledRule":
        """A stored rule; ids that the snapshot has no item of are left out."""
        found = np.array([-1 if (n := items.find(x)) is None else n for x in rule.result.ids], np.int64)
        known = found >= 0
        weights = np.array(rule.result.weights or np.ones(len(found)), np.float32)
        weight = 1.0 if rule.definition.weight is None else rule.definition.weight
        return cls(
            rule.name,
            rule.definition.effect,
            rule.definition.applies,
            found[known],
            (weights[known] * np.float32(weight)).astype(np.float32),
            rule.definition.position or 1,
            rule.evaluated_at,
            rule.stale_since,
        )


@dataclass(frozen=True, eq=False)
class AppliedRules:
    """The rules that apply to one request, combined."""

    rules: tuple[CompiledRule, ...]
    excluded: BoolArray | None
    """What they deny or do not allow, bool [n_items]; None: nothing."""
    boost: FloatArray | None
    """What they add to the scores, in deviations of the best scores, float32 [n_items]; None: nothing."""
    pins: tuple[tuple[int, int], ...]
    """The first position, from 1, that an item may get, and the item; by position, then as in the rule."""
    remarks: tuple[Remark, ...]

    def boosted(self, scores: Scores, best_scores: int) -> Scores:
        """Scores with the boosts, which are one of the contributions; no held-out events tell what
        probability such a score has."""
        if self.boost is None:
            return scores
        added = (self.boost * deviation_of_best(scores.scores, best_scores)).astype(np.float32)

        def contributions(items: IntArray) -> dict[str, FloatArray]:
            return {**scores.contributions(items), RULES: added[items]}

        return replace(scores, scores=scores.scores + added, contributions=contributions, calibrated=False)

    def preferred(self, scores: FloatArray) -> FloatArray:
        """The scores by which one item of a group of near-duplicates is chosen: a pinned one comes first."""
        if not self.pins:
            return scores
        found = scores.copy()
        found[[item for _, item in self.pins]] = np.inf
        return found

    def ranked(self, allowed: BoolArray, k: int, best: Callable[[BoolArray, int], list[int]]) -> list[int]:
        """The list of at most `k` items: pinned ones at their positions, the best others around them.

        `best` gives the best allowed items, best first. A pinned item that is not allowed is left out, one
        whose position is beyond `k` is ranked as any other.
        """
        places = self._places(allowed, k)
        if not places:
            return best(allowed, k)
        others = allowed.copy()
        others[list(places.values())] = False
        remaining = iter(best(others, k - len(places)))
        found: list[int] = []
        for position in range(1, k + 1):
            item = places.pop(position, None)
            item = next(remaining, None) if item is None else item
            if item is not None:
                found.append(item)
        return found

    def _places(self, allowed: BoolArray, k: int) -> dict[int, int]:
        """Item by position."""
        found: dict[int, int] = {}
        for wanted, item in self.pins:
            position = next((p for p in range(wanted, k + 1) if p not in found), None)
            if position is None:
                break
            if allowed[item] and item not in found.values():
                found[position] = item
        return found

    def touching(self, items: Sequence[int]) -> list[list[str]]:
        """The names of the rules that allow, boost or pin each item."""
        found: list[list[str]] = [[] for _ in items]
        for rule in self.rules:
            if rule.effect == "deny":
                continue
            for names, hit in zip(found, rule.has(items), strict=True):
                if hit:
                    names.append(rule.name)
        return found


@dataclass(frozen=True, eq=False)
class RuleSet:
    """All rules of a home folder, compiled for one snapshot; read-only, safe to share between threads."""

    version: int = 0
    """That of the rule book; 0 without any rule."""
    rules: Mapping[str, CompiledRule] = field(default_factory=dict)
    items: Vocabulary | None = None
    """The items that they are compiled for."""
    spread: Callable[[BoolArray], None] = lambda _: None
    """Adds the near-duplicates of items, in place."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_combined", lru_cache(_SETS_KEPT)(self._combine))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def applied(self, named: Sequence[str] | None) -> AppliedRules:
        """The rules that apply to a request that names these, or None: has no field `rules`."""
        wanted = set(named or ())
        names = tuple(
            name
            for name, rule in self.rules.items()
            if rule.applies == "always" or name in wanted or (named is None and rule.applies == "default")
        )
        return self._combined(names)  # type: ignore[attr-defined, no-any-return]

    def unknown(self, named: Sequence[str] | None) -> list[Remark]:
        """What to say of names that no rule has."""
        found = []
        for n, name in enumerate(named or ()):
            if name not in self.rules:
                near = difflib.get_close_matches(name, self.rules, n=1)
                hint = f"did you mean {near[0]}? " if near else ""
                found.append((f"/rules/{n}", f"no rule is called {shown(name)}; {hint}it was left out"))
        return found

    def _combine(self, names: tuple[str, ...]) -> AppliedRules:
        rules = tuple(self.rules[name] for name in names)
        pinned = sorted((x for x in rules if x.effect == "pin"), key=lambda x: (x.position, x.name))
        pins = [(x.position, int(item)) for x in pinned for item in x.items]
        remarks = tuple(("", _stale(x)) for x in rules if x.stale_since is not None)
        return AppliedRules(rules, self._excluded(rules), self._boost(rules), tuple(pins), remarks)

    def _excluded(self, rules: Sequence[CompiledRule]) -> BoolArray | None:
        limiting = [x for x in rules if x.effect in ("allow", "deny")]
        if not limiting:
            return None
        n_items = len(self.items or ())
        excluded = np.zeros(n_items, bool)
        for rule in limiting:
            own = np.zeros(n_items, bool)
            own[rule.items] = True
            self.spread(own)
            excluded |= own if rule.effect == "deny" else ~own
        return excluded

    def _boost(self, rules: Sequence[CompiledRule]) -> FloatArray | None:
        boosting = [x for x in rules if x.effect == "boost"]
        if not boosting:
            return None
        boost = np.zeros(len(self.items or ()), np.float32)
        for rule in boosting:
            boost[rule.items] += rule.weights
        return boost


def compiled(
    rules: Sequence[StoredRule], version: int, items: Vocabulary, spread: Callable[[BoolArray], None]
) -> RuleSet:
    """The rules of a book of that version, on the items of a snapshot."""
    found = {rule.name: CompiledRule.of(rule, items) for rule in rules}
    return RuleSet(version, found, items, spread)


def iso_time(moment: float) -> str:
    """A time in epoch seconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _stale(rule: CompiledRule) -> str:
    return (
        f"the rule {rule.name} could not be evaluated since {iso_time(rule.stale_since or 0)}; what it"
        f" returned at {iso_time(rule.evaluated_at)} applies"
    )
