"""From a request to a `QueryContext`: a table with one reader for each field that concerns the user."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from embeddings.data.dataset import TimeArray, liked_histories
from embeddings.text.encoder import TextEncoder
from kg.graph import BoolArray, GraphSnapshot, HashArray, NodeArray
from kg.shown import shown
from kg.user_profiles import UserProfile
from service.config import RecommenderConfig
from service.contract import RecommendRequest, Remark
from service.events.histories import LiveEvent, LiveHistories
from service.filters.expression import FilterPart
from service.filters.item_filters import ItemFilters
from service.groups import ItemGroups
from service.named_nodes import named_nodes
from service.paging import Cursors, id_hashes
from service.penalty import items_with
from service.query_context import QueryContext
from service.understanding.contract import UnderstoodText
from service.understanding.meaning import Understanding, Understood
from service.users_since import UsersSince


class Lookups:
    """Where readers look up what a field names; read-only, safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        encoder: TextEncoder,
        config: RecommenderConfig,
        live: LiveHistories | None = None,
        deleted_items: BoolArray | None = None,
        users_since: UsersSince | None = None,
        cursors: Cursors | None = None,
    ) -> None:
        """`live` has what users did since the snapshot; None: nothing.

        Deleted items are not recommended, and deleted users have no events in the snapshot.
        """
        self.snapshot = snapshot
        self.config = config
        self.live = live
        self.deleted_items, self.users_since = deleted_items, users_since or UsersSince()
        self.cursors = cursors or Cursors()
        self.histories = UserHistories(snapshot)
        self.groups = ItemGroups(snapshot.item_group)
        self._encoder = encoder

    def of_snapshot(self, snapshot: GraphSnapshot, users_since: UsersSince) -> "Lookups":
        """The same for a snapshot that differs in properties of items alone, and users as they are now."""
        _ = self.understanding  # to be shared
        found = copy(self)
        found.users_since = users_since
        if snapshot is not self.snapshot:
            found.snapshot = snapshot
            found.filters = ItemFilters(snapshot, self.filters)
        return found

    @cached_property
    def understanding(self) -> Understanding:
        """The entities and the vector of a free text."""
        return Understanding(self.snapshot, self._encoder, self.config.understanding)

    @cached_property
    def filters(self) -> ItemFilters:
        """The items that filter expressions keep."""
        return ItemFilters(self.snapshot)

    @cached_property
    def id_hashes(self) -> HashArray:
        """The hashes of the items' ids, as in pages."""
        return id_hashes(self.snapshot.items.ids)

    def profile(self, user_id: str) -> UserProfile:
        """What a user states."""
        return self.users_since.profile(user_id, self.snapshot.profiles.get(user_id, UserProfile()))

    def seen_in_snapshot(self, user: int | None) -> NodeArray:
        """The items, int32 and each once, that a user has any event with in the snapshot."""
        if user is None:
            return np.zeros(0, np.int32)
        events = self.snapshot.seen
        return np.asarray(events.indices[events.indptr[user] : events.indptr[user + 1]], np.int32)

    def is_made(self, user_id: str) -> bool:
        """Whether a user was put or patched since the snapshot."""
        return user_id in self.users_since.made

    def is_deleted(self, node: int) -> bool:
        """Whether a node is an item that was deleted since the snapshot."""
        deleted = self.deleted_items
        return deleted is not None and node < len(deleted) and bool(deleted[node])

    def nodes(self, name: str) -> list[int]:
        """The nodes that a like may mean, as `named_nodes`."""
        return named_nodes(self.snapshot, name)


class UserHistories:
    """Each user's liked items by time; each item once, at its last time, as in training."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        events = snapshot.interactions
        self._histories, order = liked_histories(events, snapshot.n_users, snapshot.n_items)
        self._kind = events.kind[order]

    def liked(self, user: int) -> dict[int, int]:
        """Item -> kind of interaction, oldest first."""
        own = slice(self._histories.starts[user], self._histories.starts[user + 1])
        return dict(zip(self._histories.items[own].tolist(), self._kind[own].tolist(), strict=True))

    def times(self, user: int) -> TimeArray:
        """First, median and last time of a user's likes, as `Histories.times`."""
        return np.asarray(self._histories.times[user], np.float64)


def read_request(request: RecommendRequest, lookups: Lookups) -> QueryContext:
    """The query context from the request and the graph; an unknown id becomes a warning.

    Raises:
        InvalidFieldsError: a filter names what the graph does not have.
    """
    context = QueryContext(lookups.snapshot.n_items)
    if lookups.deleted_items is not None:
        context.exclude("deleted", lookups.deleted_items)
    for read in FIELD_READERS.values():
        read(request, context, lookups)
    return context


def _read_cursor(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    """The answer is as of the first page; `QueryContext.exclude_shown` leaves out what was shown so far."""
    if request.cursor is None:
        return
    context.page = lookups.cursors.read(request.cursor, request)
    context.shown = np.isin(lookups.id_hashes, context.page.shown)
    lookups.groups.spread(context.shown)


def _read_user_id(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    if request.user_id is None:
        return
    users = lookups.snapshot.users
    if request.user_id not in lookups.users_since.deleted:
        context.user = users.find(request.user_id)
    if context.user is not None:
        context.history |= lookups.histories.liked(context.user)
        context.times = lookups.histories.times(context.user)
    until = None if request.cursor is None else context.page.last_event
    events = lookups.live.of(request.user_id, until) if lookups.live else []
    newest = max((event.number for event in events), default=0)
    context.last_event = newest if until is None else until
    if events:
        _add_events(events, context, lookups)
    elif context.user is None and not lookups.is_made(request.user_id):
        context.warn("/user_id", f"no {users.label} has the id {shown(request.user_id)} yet")


def _read_profile(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    """What the user stated before; what the request states is newer."""
    profile = None if request.user_id is None else lookups.profile(request.user_id)
    if not profile:
        return
    likes, mutes, blocks = (
        [x for name in names for x in lookups.nodes(name)[:1]]
        for names in (profile.likes, profile.mutes, profile.blocks)
    )
    for node in likes:
        context.like(node, None)
    context.muted += mutes
    if blocks:
        for node in blocks:
            context.dislike(node)
        _leave_out(blocks, context, lookups)


def _leave_out(nodes: Sequence[int], context: QueryContext, lookups: Lookups) -> None:
    """Recommend none of these items, nor any with a fact to these entities, nor near-duplicates."""
    left_out = items_with(lookups.snapshot, nodes)
    lookups.groups.spread(left_out)
    context.exclude("disliked", left_out)


def _add_events(events: Sequence[LiveEvent], context: QueryContext, lookups: Lookups) -> None:
    """Likes extend the history, dislikes shorten it; an item that the snapshot lacks is only seen."""
    items = lookups.snapshot.items
    for event in events:
        item = items.find(event.item_id)
        if item is None:
            continue
        context.seen.add(item)
        context.disliked.pop(item, None)
        if event.liked:
            context.like(item, event.kind)
        elif event.disliked:
            context.history.pop(item, None)
            context.disliked[item] = None
    times = [event.time for event in events if event.liked]
    if times:
        known = context.times if not np.isnan(context.times[1]) else np.full(3, np.median(times))
        first, median, last = known
        context.times = np.array([min(first, *times), median, max(last, *times)])


def _read_history(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    for item in _known_items(request.history, "/history", context, lookups):
        context.like(item, lookups.config.history_interaction)


def _read_session(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    for item in _known_items(request.session, "/session", context, lookups):
        context.like(item, lookups.config.history_interaction)
        context.session.pop(item, None)
        context.session[item] = None


def _known_items(ids: Sequence[str], pointer: str, context: QueryContext, lookups: Lookups) -> Iterator[int]:
    """The items with these ids; warns of ids that no item has."""
    items = lookups.snapshot.items
    for n, item_id in enumerate(ids):
        item = items.find(item_id)
        if item is None:
            context.warn(f"{pointer}/{n}", f"no {items.label} has the id {shown(item_id)}; it was left out")
        else:
            yield item


def _read_likes(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    for node in _named("likes", request.likes, context, lookups):
        context.like(node, None)


def _read_dislikes(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    disliked = _named("dislikes", request.dislikes, context, lookups)
    if not disliked:
        return
    for n, node in enumerate(disliked):
        if node in context.likes or context.history.get(node, _BY_EVENT) is None:
            name = lookups.snapshot.display_names[node]
            context.warn(f"/dislikes/{n}", f"dislikes {name}, which `likes` names; `dislikes` counts")
        context.dislike(node)
    _leave_out(disliked, context, lookups)


def _named(field: str, names: Sequence[str], context: QueryContext, lookups: Lookups) -> list[int]:
    """The nodes that a field names; warns of names that mean several, or nothing."""
    found = [node_of(name, f"/{field}/{n}", lookups) for n, name in enumerate(names)]
    context.warnings += [x for x in found if isinstance(x, Remark)]
    return [x for x in found if not isinstance(x, Remark)]


def node_of(name: str, pointer: str, lookups: Lookups) -> int | Remark:
    """The node that a like means, or why it is left out."""
    nodes = [node for node in lookups.nodes(name) if not lookups.is_deleted(node)]
    if len(nodes) == 1:
        return nodes[0]
    if nodes:
        forms = ", ".join(f"{label}:{x}" for label, x in map(lookups.snapshot.locate, nodes))
        detail = f"the id {shown(name)} could be {forms}; it was left out, write one of them"
    else:
        detail = f"nothing in the graph has the id {shown(name)}; it was left out"
    return Remark(pointer=pointer, detail=detail)


def _read_text(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    if not request.free_text:
        return
    pointer = "/text" if request.text is not None else "/user_input"
    structure, unread = lookups.understanding.read(request.free_text)
    _obey(structure, unread, pointer, context, lookups)


def _read_understood(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    """The structure of a text counts as the text does."""
    structure, pointer = request.understood, "/understood"
    if structure is None:
        return
    for where, node in lookups.understanding.unknown(structure):
        context.warn(f"{pointer}{where}", f"nothing in the graph has the id {shown(node)}; it was left out")
    _obey(structure, "", pointer, context, lookups)


def _obey(
    structure: UnderstoodText, unread: str, pointer: str, context: QueryContext, lookups: Lookups
) -> None:
    context.understood = structure
    _apply(replace(lookups.understanding.applied(structure), unread=unread), pointer, context, lookups)
    _filter(structure, pointer, context, lookups)


def _filter(structure: UnderstoodText, pointer: str, context: QueryContext, lookups: Lookups) -> None:
    """Keep only what a text requires; say what of it does not count."""
    for n, part in enumerate(structure.filter):
        where = f"/understood/filter/{n}/expression" if pointer == "/understood" else pointer
        context.keep_only(_kept(part.expression, where, context, lookups), "left out by the text")
    unknown = [x.words for x in structure.not_understood]
    if unknown:
        context.warn(pointer, f"not understood: {', '.join(map(shown, unknown))}; it does not count")
    elif structure.intent in (None, "greet"):
        context.warn(pointer, "it does not ask for anything to recommend; it does not count")


def _apply(understood: Understood, pointer: str, context: QueryContext, lookups: Lookups) -> None:
    """Like and reject what a text says."""
    comparable = any(lookups.snapshot.texts)
    context.text = understood.vector if comparable else None
    for node in understood.nodes:
        context.like(node, None)
    if understood.unread:
        context.warn(pointer, understood.unread)
    if understood.vector is not None and not comparable and not understood.nodes:
        label = lookups.snapshot.schema.item.label
        context.warn(
            pointer, f"no {label} has a text to compare with, and this names nothing: it does not count"
        )
    if understood.rejected_texts:
        _reject(understood, pointer, context, lookups)


def _reject(understood: Understood, pointer: str, context: QueryContext, lookups: Lookups) -> None:
    """Leave out what the text rejects by name; say so, and what it means for the rest."""
    both = [x for x in understood.rejected if x in context.likes or context.history.get(x, _BY_EVENT) is None]
    context.reject(understood.rejected)
    left_out = items_with(lookups.snapshot, understood.rejected)
    lookups.groups.spread(left_out)
    context.exclude("rejected by the text", left_out)
    context.rejected_meanings = understood.rejected_meanings
    context.rejected_vectors = understood.rejected_vectors
    what = ", ".join(map(shown, understood.rejected_texts))
    it = "it" if len(understood.rejected_texts) == 1 else "one of them"
    count = np.count_nonzero(left_out)
    items = "1 item" if count == 1 else f"{count:,} items"
    done = [f"{items} with {it} {'is' if count == 1 else 'are'} left out"] if understood.rejected else []
    if len(understood.rejected_vectors) and (understood.rejected_meanings or any(lookups.snapshot.texts)):
        done.append(f"items near {it} in meaning are ranked lower")
    context.warn(
        pointer, f"understood as not wanted: {what}; {' and '.join(done) or 'nothing else is known of it'}"
    )
    for node in both:
        context.warn(
            pointer, f"rejects {lookups.snapshot.display_names[node]}, which `likes` names; the text counts"
        )
    if context.is_empty():
        context.warn(pointer, "it only says what is not wanted, and nothing else is known of the user")


def _read_exclude_seen(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    disliked = np.zeros_like(context.excluded)
    disliked[[x for x in context.disliked if x < context.n_items]] = True
    if disliked.any():
        context.exclude("disliked", disliked)
    if not request.exclude_seen:
        return
    seen = np.zeros_like(context.excluded)
    seen[[*context.history, *context.seen]] = True
    seen[lookups.seen_in_snapshot(context.user)] = True
    lookups.groups.spread(seen)
    context.exclude("seen or named by the request", seen)


def _read_weights(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:  # noqa: ARG001
    context.weights = request.weights


def _read_candidates(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    if request.candidates is None:
        return
    for name, ids in (("include", request.candidates.include), ("exclude", request.candidates.exclude)):
        named = _named_items(ids or (), f"/candidates/{name}", context, lookups)
        if ids and (name == "include" or named.any()):
            context.keep_only(named if name == "include" else ~named, "left out by `candidates`")


def _named_items(ids: Sequence[str], pointer: str, context: QueryContext, lookups: Lookups) -> BoolArray:
    found = np.zeros(lookups.snapshot.n_items, bool)
    found[list(_known_items(ids, pointer, context, lookups))] = True
    return found


def _read_filter(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    if request.filter is not None:
        context.keep_only(_kept(request.filter, "/filter", context, lookups), "left out by `filter`")


def _read_boost(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    for n, boost in enumerate(request.boost):
        mask = _kept(boost.filter, f"/boost/{n}/filter", context, lookups)
        context.boosts.append((mask, boost.weight))


def _kept(expression: FilterPart, pointer: str, context: QueryContext, lookups: Lookups) -> BoolArray:
    found = lookups.filters.kept(expression, pointer)
    for warning in found.warnings:
        context.warn(*warning)
    return found.mask


_BY_EVENT = -1
"""Stands for no liked item, where None stands for one that the request names in `likes`."""


def _read_user(request: RecommendRequest, context: QueryContext, lookups: Lookups) -> None:
    _read_user_id(request, context, lookups)
    _read_profile(request, context, lookups)


FieldReader = Callable[[RecommendRequest, QueryContext, Lookups], None]

FIELD_READERS: dict[str, FieldReader] = {
    "cursor": _read_cursor,
    "user_id": _read_user,
    "history": _read_history,
    "session": _read_session,
    "likes": _read_likes,
    "dislikes": _read_dislikes,
    "text": _read_text,
    "understood": _read_understood,
    "exclude_seen": _read_exclude_seen,
    "candidates": _read_candidates,
    "filter": _read_filter,
    "boost": _read_boost,
    "weights": _read_weights,
}
"""By the field's name in the contract. The order counts: the cursor says which events of the user count, a
later field's likes are newer than an earlier one's, and `exclude_seen` excludes what the fields before it
named."""
