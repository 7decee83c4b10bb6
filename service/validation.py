"""What a request would be understood as, without an answer: `POST /recommend/validate`."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from pydantic import Field

from embeddings.model.manifest import Manifest
from kg.graph import GraphSnapshot
from service.contract import Contract, PathNode, RecommendRequest, Remark, UserState
from service.found.item import node_ref
from service.order_remarks import order_remarks
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request
from service.reranking.short_lists import short_list_reason
from service.understanding.contract import UnderstoodText


class UnderstoodRequest(Contract):
    """What the fields of a request name, as the graph has it."""

    user_known: bool | None = Field(
        description="Whether the graph or a later event has the user; null without `user_id`."
    )
    history: list[PathNode] = Field(description="The liked items that the request names, oldest first.")
    likes: list[PathNode] = Field(description="The liked entities that it names or means.")
    dislikes: list[PathNode] = Field(description="What it dislikes by `dislikes`.")
    rejected: list[PathNode] = Field(description="What the text rejects by name.")
    text: UnderstoodText | None = Field(
        None, description="What the text was understood as; null without a text."
    )
    text_counts: bool = Field(description="Whether the meaning of the text counts beside what it names.")
    liked_items: int = Field(ge=0, description="How many liked items are known of the user in all.")
    items_left: int = Field(ge=0, description="How many items could be recommended.")


class Validation(Contract):
    """A valid request; one that is not has a problem as its answer."""

    valid: Literal[True] = True
    understood: UnderstoodRequest
    user_state: UserState
    warnings: list[Remark] = Field(
        description="Those of the answer, but for remarks on items of equal scores, which take the scores."
    )
    model_version: str


def validation(
    request: RecommendRequest, context: QueryContext, lookups: Lookups, manifest: Manifest
) -> Validation:
    """What a request would be understood as, given its context; nothing is scored."""
    context.exclude_shown()
    allowed = lookups.groups.best_only(np.zeros(context.n_items, np.float32), ~context.excluded)
    left = int(np.count_nonzero(allowed))
    if left < request.k:
        context.warn("/k", short_list_reason(context, allowed, left))
    for remark in order_remarks(lookups.snapshot, manifest):
        context.warn(*remark)
    own = read_request(request.model_copy(update={"user_id": None}), lookups)
    return Validation(
        understood=UnderstoodRequest(
            user_known=None if request.user_id is None else _is_known(request.user_id, context, lookups),
            history=_nodes(lookups.snapshot, own.history),
            likes=_nodes(lookups.snapshot, own.likes),
            dislikes=_nodes(lookups.snapshot, own.disliked),
            rejected=_nodes(lookups.snapshot, [x for x in own.rejected if x not in own.disliked]),
            text=own.understood,
            text_counts=own.text is not None,
            liked_items=len(context.history),
            items_left=left,
        ),
        user_state=context.user_state(lookups.config.hot_from),
        warnings=context.warnings,
        model_version=manifest.model_version,
    )


def _is_known(user_id: str, context: QueryContext, lookups: Lookups) -> bool:
    return context.user is not None or bool(lookups.live and lookups.live.of(user_id))


def _nodes(snapshot: GraphSnapshot, nodes: Iterable[int]) -> list[PathNode]:
    return [node_ref(snapshot, node) for node in nodes]
