"""The protocols of a benchmark folder, as trials.

    protocol       learn from          leaves the ranking    candidates   relevant
    warm           warm: train         warm: train, valid    all          warm: test
    new_users_k    user_cold: train,   reveal_5              all          user_cold: test
                   valid; then asked
                   with reveal_k
    new_items      item_cold: train    item_cold: train,     cold_items   item_cold: test
                                       valid
    mixed          item_cold: train    item_cold: train      all          item_cold: valid, test

Warm methods are configured on warm/valid. The others are configured on users, or on items and events, hidden
at random from what they learn from, and then learn from all of it. Facts and text are known of all items.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from embeddings.data.dataset import Dataset
from embeddings.evaluation.trials import Task, Trial
from kg.benchmark import REVEALED, Benchmark, Pairs
from kg.graph import BoolArray, FloatArray, IntArray, Interactions

PROTOCOLS = ("warm", *(f"new_users_{k}" for k in REVEALED), "new_items", "mixed")

MOST_REVEALED = max(REVEALED)

HIDDEN = 0.1
"""Share of users, of items and of other events hidden to configure methods by."""

FEWEST = 10
"""Users with fewer events are not hidden: too little would be left to find."""


def trials(benchmark: Benchmark, text: FloatArray, protocols: Sequence[str], seed: int = 0) -> list[Trial]:
    """One trial a protocol, in the order given; those of one folder share their datasets.

    `text` is one vector an item of the snapshot; `seed` draws what is hidden to configure methods by.
    """
    folder = _Folder(benchmark, text, seed)
    return [_trial(folder, name) for name in protocols]


def _trial(folder: "_Folder", name: str) -> Trial:
    if name == "warm":
        return folder.warm()
    if name == "new_items":
        return folder.new_items()
    if name == "mixed":
        return folder.mixed()
    return folder.new_users(int(name.removeprefix("new_users_")))


@dataclass(frozen=True, eq=False)
class _Hidden:
    """A dataset and what was taken from it."""

    left: Dataset
    whole: Dataset
    taken: BoolArray
    """Which of the whole's events."""
    who: IntArray
    """The users or items hidden."""


class _Folder:
    """A benchmark folder's datasets, each made once."""

    def __init__(self, benchmark: Benchmark, text: FloatArray, seed: int) -> None:
        self._benchmark, self._seed = benchmark, seed
        self._everything = Dataset.from_snapshot(benchmark.snapshot, text)

    def warm(self) -> Trial:
        split, dataset = self._benchmark.warm, self._warm
        valid = self._task(dataset, out=(split.train,), wanted=(split.valid,))
        return Trial("warm", valid, self._task(dataset, (split.train, split.valid), (split.test,)))

    def new_users(self, k: int) -> Trial:
        revealed = self._benchmark.revealed
        test = self._task(self._old_users, (revealed[MOST_REVEALED],), (self._benchmark.user_cold.test,))
        test = replace(test, histories=self._only(revealed[k]).histories)
        return Trial(f"new_users_{k}", _hidden_users_task(self._hidden_users, k, self._seed), test)

    def new_items(self) -> Trial:
        split, cold = self._benchmark.item_cold, self._benchmark.cold_items.astype(np.int64)
        test = self._task(self._old_items, (split.train, split.valid), (split.test,))
        hidden = self._hidden_items
        of_hidden = np.isin(hidden.whole.events.item, hidden.who)
        valid = _task(hidden.left, hidden.left.events, hidden.whole.events.select(of_hidden))
        return Trial(
            "new_items", replace(valid, candidates=hidden.who), replace(test, candidates=np.sort(cold))
        )

    def mixed(self) -> Trial:
        split, hidden = self._benchmark.item_cold, self._hidden_items
        wanted = {"": (split.valid, split.test), "old items": (split.valid,), "new items": (split.test,)}
        tasks = {name: self._task(self._old_items, (split.train,), part) for name, part in wanted.items()}
        valid = _task(hidden.left, hidden.left.events, hidden.whole.events.select(hidden.taken))
        # an item with no event in the whole could never be right, though it may well be: it stays out
        valid = replace(valid, candidates=np.flatnonzero(hidden.whole.degrees))
        return Trial("mixed", valid, tasks.pop(""), tasks)

    @cached_property
    def _warm(self) -> Dataset:
        return self._only(self._benchmark.warm.train)

    @cached_property
    def _old_users(self) -> Dataset:
        return self._only(self._benchmark.user_cold.train, self._benchmark.user_cold.valid)

    @cached_property
    def _old_items(self) -> Dataset:
        return self._only(self._benchmark.item_cold.train)

    @cached_property
    def _hidden_users(self) -> _Hidden:
        whole = self._old_users
        enough = np.flatnonzero(whole.histories.lengths >= FEWEST)
        everybody = np.count_nonzero(whole.histories.lengths)
        who = np.random.default_rng(self._seed).permutation(enough)[: round(HIDDEN * everybody)]
        taken = np.isin(whole.events.user, who)
        return _Hidden(whole.only(~taken), whole, taken, np.sort(who))

    @cached_property
    def _hidden_items(self) -> _Hidden:
        whole, rng = self._old_items, np.random.default_rng(self._seed)
        known = np.flatnonzero(whole.degrees)
        who = np.sort(rng.permutation(known)[: round(HIDDEN * len(known))])
        taken = np.isin(whole.events.item, who) | (rng.random(len(whole.events)) < HIDDEN)
        return _Hidden(whole.only(~taken), whole, taken, who)

    def _only(self, *parts: Pairs) -> Dataset:
        return self._everything.only(self._mask(parts))

    def _mask(self, parts: Sequence[Pairs]) -> BoolArray:
        """Which of all events a part names."""
        events, width = self._everything.events, self._everything.n_items
        codes = [part.user.astype(np.int64) * width + part.item for part in parts]
        return np.isin(events.user.astype(np.int64) * width + events.item, np.concatenate(codes))

    def _task(self, dataset: Dataset, out: Sequence[Pairs], wanted: Sequence[Pairs]) -> Task:
        events = self._everything.events
        return _task(dataset, events.select(self._mask(out)), events.select(self._mask(wanted)))


def _task(dataset: Dataset, out: Interactions, wanted: Interactions) -> Task:
    shape = (dataset.n_users, dataset.n_items)
    return Task(dataset, dataset.histories, out.matrix(*shape), wanted.matrix(*shape))


def _hidden_users_task(hidden: _Hidden, k: int, seed: int) -> Task:
    """Each hidden user shows `k` of `MOST_REVEALED` events drawn at random; the rest is to be found."""
    events = hidden.whole.events
    order = np.lexsort((np.random.default_rng(seed).random(len(events)), events.user))
    counts = np.bincount(events.user, minlength=hidden.whole.n_users)
    place = np.empty(len(events), np.int64)
    place[order] = np.arange(len(events)) - (np.cumsum(counts) - counts)[events.user[order]]
    shown, spared = hidden.taken & (place < k), hidden.taken & (place < MOST_REVEALED)
    task = _task(hidden.left, events.select(spared), events.select(hidden.taken & ~spared))
    return replace(task, histories=hidden.whole.only(shown).histories)
