"""The recommender: from a query context to an answer with scores and paths, independent of Flask."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from embeddings.model.model import Scores
from embeddings.text.encoder import RememberingEncoder, TextEncoder
from kg.explanation.paths import ExplanationPath
from kg.explanation.search import PathFinder
from kg.graph import BoolArray, GraphSnapshot
from kg.item_changes import with_changes
from service.catalogue.live import MissingChanges
from service.config import RecommenderConfig
from service.contract import (
    MAX_SHOWN,
    SCORE_DECIMALS,
    Meta,
    Recommendation,
    RecommendedItem,
    RecommendRequest,
    Remark,
)
from service.events.histories import LiveHistories
from service.events.types import EventType, event_types
from service.filters.expression import FilterPart
from service.found.finder import Finder
from service.found.item import ItemView
from service.found.search import Search
from service.found.similar import Similar
from service.found.similar_finder import SimilarFinder
from service.order_remarks import order_remarks, tie_remark
from service.paging import Cursors, Page, id_hashes
from service.profile.contract import ProfileAnswer
from service.profile.view import ProfileView
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request
from service.reranking.lists import ItemStage, ListMaker, MadeList
from service.reranking.short_lists import short_list_reason
from service.rules.compiled import AppliedRules, RuleSet, compiled
from service.rules.store import RuleBook
from service.scoring import ScoringModel, item_scores, score_context
from service.sentence import recommendation_sentence
from service.shown_paths import ShownPaths
from service.users_since import UsersSince
from service.validation import Validation, validation


@dataclass(frozen=True)
class SinceSnapshot:
    """What came after a snapshot was read and cannot be in a snapshot."""

    number: int = 0
    """The last change of an item or a user; 0 without one."""
    deleted_items: BoolArray | None = None
    """bool [n_items]"""
    users: UsersSince = field(default_factory=UsersSince)

    def with_users(self, missing: MissingChanges) -> "SinceSnapshot":
        """After later changes, of which those of users count here."""
        return replace(self, number=missing.last, users=self.users.changed(missing.users))


class Recommender:
    """Answers requests from one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        model: ScoringModel,
        encoder: TextEncoder,
        config: RecommenderConfig | None = None,
        live: LiveHistories | None = None,
        since: SinceSnapshot | None = None,
        cursors: Cursors | None = None,
    ) -> None:
        """`config` None is the default configuration; `live` has what users did since the snapshot.

        `since` has what `snapshot` cannot have of the changes that it was made with. `cursors` write those of
        pages (None: for this recommender alone).

        Raises:
            ValueError: the schema has no interaction of the number `config.history_interaction`.
        """
        self._config = config or RecommenderConfig()
        if self._config.history_interaction >= len(snapshot.schema.interactions):
            raise ValueError(f"the schema has no interaction {self._config.history_interaction}")
        self.snapshot = snapshot
        self._model, self._encoder, self._live = model, encoder, live
        self._changed_texts = RememberingEncoder(encoder)  # changes come again with each later one
        self._since = since or SinceSnapshot()
        self._lookups = Lookups(
            *(snapshot, encoder, self._config, live, self._since.deleted_items, self._since.users),
            cursors,
        )
        self._lists = ListMaker(snapshot, model, self._config.reranking)
        self._paths = PathFinder(snapshot, model.item_vectors, config=self._config.paths)
        self.rules = RuleSet()
        """The rules that apply to requests from now on; another set may take its place at any time."""
        self._shown_paths = ShownPaths(snapshot)
        self._names: TextEncoder | None = None

    @cached_property
    def finder(self) -> Finder:
        """Finds items otherwise than by a recommendation."""
        lookups, model, facts = self._lookups, self._model, self._paths.facts
        score = partial(item_scores, model, self.snapshot, self._config)
        search = Search(lookups, facts, self._encoder, model.score_text, score)
        similar = Similar(self.snapshot, facts, model.node_vectors, model.text_vectors)
        return Finder(
            *(self.model_version, self.snapshot, ItemView(lookups, facts), search),
            SimilarFinder(lookups, similar, self._paths, self._shown_paths),
        )

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""
        return self._model.manifest.model_version

    @property
    def state(self) -> str:
        """The model's version, the last change of items and users, and that of rules; another one may answer
        otherwise.
        """
        return f"{self.model_version}/{self._since.number}/{self.rules.version}"

    @property
    def snapshot_read_at(self) -> float:
        """A moment, epoch seconds; the snapshot may lack what the graph did not have before."""
        return self._live.since if self._live else 0.0

    def with_changes(self, missing: MissingChanges) -> "Recommender":
        """The recommender with changes of items and users that its snapshot does not have."""
        changed = with_changes(self.snapshot, missing.items)
        model = self._model.with_items(changed, self._changed_texts)
        since = SinceSnapshot(deleted_items=changed.deleted).with_users(missing)
        found = Recommender(
            changed.snapshot, model, self._encoder, self._config, self._live, since, self._lookups.cursors
        )
        found._names = self._names
        return found

    def with_properties(self, missing: MissingChanges) -> "Recommender | None":
        """The same for later changes, if they are of users and properties of items alone; None: they are not.

        Takes a few milliseconds, since nothing that paths, texts and scores need is another.
        """
        changes, schema = missing.items, self.snapshot.schema
        if not all(x.is_of_properties_alone(schema) for x in changes):
            return None
        found = copy(self)
        if changes:
            found.snapshot = with_changes(self.snapshot, changes).snapshot
        found._since = self._since.with_users(missing)
        found._lookups = self._lookups.of_snapshot(found.snapshot, found._since.users)
        found.__dict__.pop("_profiles", None)
        return found

    def kept_items(self, expression: FilterPart | None) -> tuple[BoolArray | None, list[Remark]]:
        """The items that a `filter` keeps, bool [n_items], None without one; and remarks on it.

        Raises:
            InvalidFieldsError: it names what the graph does not have.
        """
        if expression is None:
            return None, []
        kept = self._lookups.filters.kept(expression, "/filter")
        return kept.mask, [Remark(pointer=x, detail=detail) for x, detail in kept.warnings]

    def profile(self, user_id: str) -> ProfileAnswer:
        """What is known and believed of a user.

        Raises:
            UnknownIdError: neither the graph nor a later event or change has the user.
        """
        return self._profiles.show(user_id)

    @cached_property
    def _profiles(self) -> ProfileView:
        return ProfileView(self._lookups)

    def apply_rules(self, book: RuleBook) -> None:
        """Obey the rules of a book as they are now.

        Raises:
            OutboxError: they cannot be read.
        """
        version, items = book.version(), self.snapshot.items
        if version != self.rules.version or (self.rules and self.rules.items is not items):
            self.rules = compiled(book.rules(), version, items, self._lookups.groups.spread)

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """The types of events that may be posted, by name."""
        live = self._live
        return live.types if live else event_types(self.snapshot.schema, {})

    def last_event(self, user_id: str | None) -> int:
        """The number of the user's last event since the snapshot; 0 without one.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        live = self._live
        return 0 if live is None or user_id is None else live.last(user_id)

    def warm_up(self, names: TextEncoder | None = None) -> None:
        """Load the text encoder and compare all names now rather than in the first request.

        `names` encodes the names of the snapshot, such as the encoder with a cache (None: the encoder).
        """
        self._names = names or self._encoder
        self.warm_up_texts()
        known = RecommendRequest(history=list(self.snapshot.items.ids[:1]))
        self.recommend(known, request_id="")  # compiles or loads the machine code of all its steps

    def warm_up_texts(self) -> None:
        """Make now what the first text and the first search would; nothing where `warm_up` never ran."""
        if self._names is not None:
            _ = self.snapshot.display_names
            self._lookups.understanding.warm_up(self._names)
            self.finder.warm_up()

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The best `k` items; equal scores stand in one fixed random order.

        Raises:
            InvalidFieldsError: a field names what the graph or the model does not have.
        """
        context, rules = self._read(request)
        scores = self._scores(context)
        context.exclude_shown()  # not before: where a filter says what is ranked, scores would change
        if rules:
            scores = rules.boosted(scores, self._config.rejections.best_scores)
        preferred = rules.preferred(scores.scores) if rules else scores.scores
        allowed = self._lookups.groups.best_only(preferred, ~context.excluded)
        put_together = partial(self._lists.put_together, request, context, scores.scores, request_id)
        listed = (
            _with_pins(rules, allowed, request.k, put_together) if rules else put_together(allowed, request.k)
        )
        items = listed.items
        if len(items) < request.k:
            context.warn("/k", short_list_reason(context, allowed, len(items)))
        for remark in order_remarks(self.snapshot, self._model.manifest):
            context.warn(*remark)
        tie = tie_remark(scores.scores, allowed, items, self._model.manifest)
        if tie and not listed.reranked:
            context.warn(*tie)
        paths: list[list[ExplanationPath]] = [[] for _ in items]
        if request.explain:
            sources = context.sources(self._config.oldest_weight)
            paths = self._paths.find(sources, items, self._config.paths_per_item)
        wanted = request.score_contributions
        contributions = _contributions(scores, items) if wanted else [None for _ in items]
        ranked_by = scores.scores[items]
        probabilities = scores.probabilities(ranked_by)
        touching = rules.touching(items) if rules else [[] for _ in items]
        columns = zip(
            items, listed.stages, probabilities, ranked_by, paths, contributions, touching, strict=True
        )
        first = 1 + len(context.page.shown)
        recommended = [self._item(rank, *own) for rank, own in enumerate(columns, first)]
        more = items and np.count_nonzero(allowed) > len(items)
        cursor = self._next_page(request, context, items) if more else None
        return Recommendation(
            items=recommended,
            recommendation=recommendation_sentence(recommended),
            user_state=context.user_state(self._config.hot_from),
            cursor=cursor,
            understood=context.understood,
            warnings=context.warnings,
            meta=Meta(request_id=request_id, model_version=self.model_version, calibrated=scores.calibrated),
        )

    def _next_page(
        self, request: RecommendRequest, context: QueryContext, items: Sequence[int]
    ) -> str | None:
        """The cursor of the page after these items; a remark where there is none."""
        own = id_hashes(self.snapshot.items.ids[item] for item in items)
        shown = np.concatenate([context.page.shown, own])
        cursor = self._lookups.cursors.write(Page(self.model_version, context.last_event, shown), request)
        if cursor is None:
            context.warn("", f"there are no pages after {MAX_SHOWN:,} items; say more of what is wanted")
        return cursor

    def validate(self, request: RecommendRequest) -> Validation:
        """What a request would be understood as, without an answer.

        Raises:
            InvalidFieldsError: as `recommend`.
        """
        context, _ = self._read(request)
        return validation(request, context, self._lookups, self._model.manifest)

    def _read(self, request: RecommendRequest) -> tuple[QueryContext, AppliedRules | None]:
        """What a request means, and the rules that apply to it; what they exclude is out of the list."""
        self._lists.check(request)
        context = read_request(request, self._lookups)
        return context, self._apply_rules(request, context)

    def _apply_rules(self, request: RecommendRequest, context: QueryContext) -> AppliedRules | None:
        """The rules that apply, and what they exclude out of the list; None where there are none."""
        rules = self.rules
        for remark in rules.unknown(request.rules):
            context.warn(*remark)
        found = rules.applied(request.rules) if rules else None
        if found is None or not found.rules:
            return None
        if found.excluded is not None:
            context.keep_only(~found.excluded, "left out by rules")
        for remark in found.remarks:
            context.warn(*remark)
        return found

    def _scores(self, context: QueryContext) -> Scores:
        """As `score_context`."""
        return score_context(context, self._model, self.snapshot, self._config)

    def liked(self, user_id: str) -> list[str]:
        """Titles of what a user liked, oldest first; empty for an unknown user."""
        user = self.snapshot.users.find(user_id)
        return [] if user is None else self._titles(self._lookups.histories.liked(user))

    def _titles(self, items: Iterable[int]) -> list[str]:
        return [self.snapshot.display_names[n] for n in items]

    def _item(
        self,
        rank: int,
        item: int,
        stage: ItemStage,
        score: np.float64,
        ranking_score: np.float32,
        paths: Sequence[ExplanationPath],
        contributions: dict[str, float] | None,
        rules: list[str],
    ) -> RecommendedItem:
        return RecommendedItem(
            item_id=self.snapshot.items.ids[item],
            rank=rank,
            score=round(float(score), SCORE_DECIMALS),
            ranking_score=round(float(ranking_score), SCORE_DECIMALS),
            title=self.snapshot.names[item],
            display_title=self.snapshot.display_names[item],
            stage=stage.stage,
            stage_reason=stage.reason,
            paths=[self._shown_paths.show(path) for path in paths],
            score_contributions=contributions,
            rules=rules,
        )


def _with_pins(
    rules: AppliedRules | None, allowed: BoolArray, k: int, put_together: Callable[[BoolArray, int], MadeList]
) -> MadeList:
    """A list with what rules pin at its places."""
    if rules is None:
        return put_together(allowed, k)
    made = MadeList([], [], reranked=False)

    def others(own: BoolArray, count: int) -> list[int]:
        nonlocal made
        made = put_together(own, count)
        return made.items

    items = rules.ranked(allowed, k, others)
    stages = dict(zip(made.items, made.stages, strict=True))
    pinned = ItemStage("rule", "pinned by a rule")
    return MadeList(items, [stages.get(item, pinned) for item in items], made.reranked)


def _contributions(scores: Scores, items: Sequence[int]) -> list[dict[str, float]]:
    """For each item, the contribution of each scorer, largest first, without those that round to 0."""
    columns = scores.contributions(np.array(items, np.int64))
    rows = [{name: float(column[row]) for name, column in columns.items()} for row in range(len(items))]
    return [
        {
            name: round(x, SCORE_DECIMALS)
            for name, x in sorted(row.items(), key=lambda share: (-abs(share[1]), share[0]))
            if round(x, SCORE_DECIMALS)
        }
        for row in rows
    ]
