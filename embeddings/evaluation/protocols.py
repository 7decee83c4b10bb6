"""The protocols of a benchmark folder, as trials.

    protocol       learn from          excluded              candidates   relevant
    next           next_split: train     train, valid          all          test
    future         future_split: train   train, valid          all          test
    warm           warm: train         warm: train, valid    all          warm: test
    new_users_k    user_cold: train,   reveal_5              all          user_cold: test
                   valid; then asked
                   with reveal_k
    stated_likes   user_cold: train,   their revealed        all          the other items of
                   valid; then asked   items                              reveal_5 and
                   with liked                                             user_cold: test
                   entities
    new_items      item_cold: train    item_cold: train,     cold_items   item_cold: test
                                       valid
    mixed          item_cold: train    item_cold: train      all          item_cold: valid, test

Under the first three, the configuration of a method is chosen on the validation part. Under the others it is
chosen on users, or on items and events, held out at random from the training data; the method is then fitted
on all training data. Facts and text of all items are known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Dataset
from embeddings.data.splits import future_split, next_split, places_of_users
from embeddings.evaluation.hidden import Hidden, hide_users
from embeddings.evaluation.stated_likes import (
    STATED_LIKES,
    StatedLikesConfig,
    hidden_users_likes_task,
    likes_trial,
    stated_likes_task,
)
from embeddings.evaluation.trials import Task, Trial, split_tasks
from kg.adapters.benchmark import REVEALED, Benchmark, Pairs
from kg.graph import BoolArray, FloatArray, Interactions

MOST_REVEALED = max(REVEALED)


@dataclass(frozen=True)
class ProtocolConfig:
    """What is held out of the training data to choose configurations."""

    hidden: float = 0.1
    """Share of users, of items, and of the remaining events that are held out."""
    min_events: int = 10
    """Users with fewer events are not held out: too few relevant items would remain."""
    stated_likes: StatedLikesConfig = field(default_factory=StatedLikesConfig)


class BenchmarkTrials:
    """The trials of a benchmark folder; those that learn from the same events share a dataset."""

    def __init__(
        self, benchmark: Benchmark, text: FloatArray, seed: int = 0, config: ProtocolConfig | None = None
    ) -> None:
        """`text` has one row per item; `seed` draws what is held out to choose configurations."""
        self._benchmark, self._seed, self._config = benchmark, seed, config or ProtocolConfig()
        self._everything = Dataset.from_snapshot(benchmark.snapshot, text)

    def next(self) -> Trial:
        """The last events of each user."""
        return Trial("next", *split_tasks(self._everything, next_split(self._everything.events, self._seed)))

    def future(self) -> Trial:
        """The last events of all users, some of whom and some of whose items are new by then."""
        events = self._everything.events
        valid, test = split_tasks(self._everything, future_split(events))
        return Trial("future", valid, test, _known_and_new_items(test))

    def warm(self) -> Trial:
        """Held-out events of known users and known items."""
        split, dataset = self._benchmark.warm, self._warm
        valid = self._task(dataset, excluded=(split.train,), relevant=(split.valid,))
        return Trial("warm", valid, self._task(dataset, (split.train, split.valid), (split.test,)))

    def new_users(self, k: int) -> Trial:
        """New users of whom `k` events are known."""
        revealed = self._benchmark.revealed
        test = self._task(
            self._without_new_users, (revealed[MOST_REVEALED],), (self._benchmark.user_cold.test,)
        )
        histories = self._dataset(revealed[k]).histories
        test = replace(test, histories=replace(histories, ask_next=False))
        return Trial(f"new_users_{k}", _hidden_users_task(self._hidden_users, k, self._seed), test)

    def stated_likes(self) -> Trial:
        """New users of whom only liked entities are known."""
        revealed, unseen = self._benchmark.revealed[MOST_REVEALED], self._benchmark.user_cold.test
        events = self._everything.events.select(self._mask((revealed, unseen)))
        config = self._config.stated_likes
        return likes_trial(
            hidden_users_likes_task(self._hidden_users, self._seed, config),
            stated_likes_task(self._without_new_users, events, self._seed, config),
        )

    def new_items(self) -> Trial:
        """New items, ranked among new items only."""
        split, cold = self._benchmark.item_cold, self._benchmark.cold_items.astype(np.int64)
        test = self._task(self._without_new_items, (split.train, split.valid), (split.test,))
        hidden = self._hidden_items
        of_hidden = np.isin(hidden.whole.events.item, hidden.numbers)
        valid = _task(hidden.train, hidden.train.events, hidden.whole.events.select(of_hidden))
        return Trial(
            "new_items", replace(valid, candidates=hidden.numbers), replace(test, candidates=np.sort(cold))
        )

    def mixed(self) -> Trial:
        """New items, ranked together with known items."""
        split, hidden = self._benchmark.item_cold, self._hidden_items
        relevant = {"": (split.valid, split.test), "old items": (split.valid,), "new items": (split.test,)}
        tasks = {
            name: self._task(self._without_new_items, (split.train,), part) for name, part in relevant.items()
        }
        valid = _task(hidden.train, hidden.train.events, hidden.whole.events.select(hidden.events))
        # an item without events in the dataset cannot be relevant in this validation split
        valid = replace(valid, candidates=np.flatnonzero(hidden.whole.degrees))
        return Trial("mixed", valid, tasks.pop(""), tasks)

    @cached_property
    def _warm(self) -> Dataset:
        return self._dataset(self._benchmark.warm.train)

    @cached_property
    def _without_new_users(self) -> Dataset:
        return self._dataset(self._benchmark.user_cold.train, self._benchmark.user_cold.valid)

    @cached_property
    def _without_new_items(self) -> Dataset:
        return self._dataset(self._benchmark.item_cold.train)

    @cached_property
    def _hidden_users(self) -> Hidden:
        config = self._config
        return hide_users(self._without_new_users, config.hidden, config.min_events, self._seed)

    @cached_property
    def _hidden_items(self) -> Hidden:
        whole, rng = self._without_new_items, np.random.default_rng(self._seed)
        known = np.flatnonzero(whole.degrees)
        who = np.sort(rng.permutation(known)[: round(self._config.hidden * len(known))])
        hidden = np.isin(whole.events.item, who) | (rng.random(len(whole.events)) < self._config.hidden)
        return Hidden(whole.select_events(~hidden), whole, hidden, who)

    def _dataset(self, *parts: Pairs) -> Dataset:
        return self._everything.select_events(self._mask(parts))

    def _mask(self, parts: Sequence[Pairs]) -> BoolArray:
        """Mask of the events whose (user, item) pair is in one of the parts."""
        events, width = self._everything.events, self._everything.n_items
        codes = [part.user.astype(np.int64) * width + part.item for part in parts]
        return np.isin(events.user.astype(np.int64) * width + events.item, np.concatenate(codes))

    def _task(self, dataset: Dataset, excluded: Sequence[Pairs], relevant: Sequence[Pairs]) -> Task:
        events = self._everything.events
        return _task(dataset, events.select(self._mask(excluded)), events.select(self._mask(relevant)))


def hidden_users_trial(whole: Dataset, seed: int = 0, config: ProtocolConfig | None = None) -> Trial:
    """`stated_likes` on a dataset without splits: random users are held out for the test and for validation.

    Raises:
        MissingDataError: no held-out user has an entity to state.
    """
    config = config or ProtocolConfig()
    test = hide_users(whole, config.hidden, config.min_events, seed)
    valid = hide_users(test.train, config.hidden, config.min_events, seed)
    own = config.stated_likes
    return likes_trial(hidden_users_likes_task(valid, seed, own), hidden_users_likes_task(test, seed, own))


def _task(dataset: Dataset, excluded: Interactions, relevant: Interactions) -> Task:
    shape = (dataset.n_users, dataset.n_items)
    histories = replace(dataset.histories, ask_next=False)
    return Task(dataset, histories, excluded.matrix(*shape), relevant.matrix(*shape))


def _known_and_new_items(task: Task) -> dict[str, Task]:
    """The task with the relevant items that have interactions in its dataset, and with the others."""

    def among(items: BoolArray) -> Task:
        relevant = sp.csr_array(task.relevant * items.astype(np.float32)[None, :])
        relevant.eliminate_zeros()
        return replace(task, relevant=relevant)

    known = task.dataset.has_interactions
    return {"old items": among(known), "new items": among(~known)}


def _hidden_users_task(hidden: Hidden, k: int, seed: int) -> Task:
    """`k` of `MOST_REVEALED` randomly drawn events of each held-out user are known; the rest is relevant."""
    events = hidden.whole.events
    order = np.lexsort((np.random.default_rng(seed).random(len(events)), events.user))
    place, _ = places_of_users(events.user, order)
    revealed, excluded = hidden.events & (place < k), hidden.events & (place < MOST_REVEALED)
    task = _task(hidden.train, events.select(excluded), events.select(hidden.events & ~excluded))
    histories = hidden.whole.select_events(revealed).histories
    return replace(task, histories=replace(histories, ask_next=False))


PROTOCOLS: Mapping[str, Callable[[BenchmarkTrials], Trial]] = {
    "next": BenchmarkTrials.next,
    "future": BenchmarkTrials.future,
    "warm": BenchmarkTrials.warm,
    **{f"new_users_{k}": partial(BenchmarkTrials.new_users, k=k) for k in REVEALED},
    STATED_LIKES: BenchmarkTrials.stated_likes,
    "new_items": BenchmarkTrials.new_items,
    "mixed": BenchmarkTrials.mixed,
}
"""All protocols by name; each function builds the trial of a benchmark folder."""
