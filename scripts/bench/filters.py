"""`trailmix bench filters`: what a filter adds to a recommendation, in this process."""

import json as jsonlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer

from kg.graph import GraphSnapshot
from kg.item_properties import NumberColumn
from kg.settings import load_settings
from service.contract import RecommendRequest
from service.filters.item_filters import ItemFilters
from service.loading import load_recommender
from service.recommender import Recommender

WARM_UP = 5
"""The first users, who are not counted: their requests fill caches."""
_NAMES = 3
"""The names of a condition."""

FILTER, PLAIN, FILTERED = (
    "a filter, read and evaluated",
    "a recommendation",
    "a recommendation with a filter",
)

Expression = dict[str, Any]


def command(
    users: Annotated[int, typer.Option(min=1, help="The number of known users, drawn by seed.")] = 100,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="The number of items recommended.")] = 10,
    seed: Annotated[int, typer.Option(help="The seed of users and filters.")] = 0,
    made: Annotated[
        bool,
        typer.Option("--made", help="Use 100,000 made items under the ranker of the latest model."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time recommendations by the latest model without a filter and with one, in turn, without paths.

    A filter has three conditions: two on relations, one of them negated, and one on a number if items have
    any. No filter comes twice but where it is said. Times are of the processor: other programs hardly count.

    Example: trailmix bench filters --users 200
    """
    settings = load_settings()
    if made:
        from scripts.bench.made_model import EVENTS, ITEMS, made_home  # loads torch

        settings = made_home(settings, ITEMS, EVENTS)
    recommender = load_recommender(settings, warm_up=False)
    found = measured(recommender, users, k, seed)
    n_items = recommender.snapshot.n_items
    if json:
        print(jsonlib.dumps({"items": n_items, "users": users, "k": k, "milliseconds": found}))
        return
    print(f"{'':<34}{'p50 ms':>8}{'p99 ms':>9}   {n_items:,} items, {users} users, k = {k}")
    for name, figures in found.items():
        print(f"{name:<34}{figures['p50']:>8.2f}{figures['p99']:>9.2f}")


def measured(recommender: Recommender, users: int, k: int, seed: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time of recommendations and of filters alone, user by user."""
    rng = np.random.default_rng(seed)
    snapshot = recommender.snapshot
    ids = [snapshot.users.ids[int(n)] for n in rng.permutation(snapshot.n_users)[:users]]
    expressions = [drawn_filter(snapshot, rng) for _ in range(WARM_UP + len(ids))]
    filters = ItemFilters(snapshot)
    took: dict[str, list[float]] = {}
    for user, expression in zip([*ids[:WARM_UP], *ids], expressions, strict=False):
        body = jsonlib.dumps({"filter": expression})
        request = RecommendRequest(user_id=user, k=k, explain=False)
        filtered = RecommendRequest.model_validate({**dict(request), "filter": expression})

        ask = partial(recommender.recommend, request_id="")
        steps: dict[str, Callable[[], object]] = {
            FILTER: partial(_evaluated, filters, body),
            "the same filter again": partial(_evaluated, filters, body),
            PLAIN: partial(ask, request),
            FILTERED: partial(ask, filtered),
        }
        for name, step in steps.items():
            began = time.thread_time()
            step()
            took.setdefault(name, []).append(1000 * (time.thread_time() - began))
    counted = {name: np.array(own[min(WARM_UP, len(ids)) :]) for name, own in took.items()}
    counted["the difference, user by user"] = counted[FILTERED] - counted[PLAIN]
    return {name: {f"p{q}": float(np.percentile(own, q)) for q in (50, 99)} for name, own in counted.items()}


def _evaluated(filters: ItemFilters, body: str) -> None:
    given = RecommendRequest.model_validate_json(body).filter
    assert given is not None
    filters.kept(given, "/filter")


def drawn_filter(snapshot: GraphSnapshot, rng: np.random.Generator) -> Expression:
    """Conditions on relations with drawn names, one of them negated, and on a drawn range of numbers."""
    parts = [_related(snapshot, rng), {"not": _related(snapshot, rng)}]
    numbers = [(x, c) for x, c in snapshot.item_properties.columns.items() if isinstance(c, NumberColumn)]
    if numbers:
        name, column = numbers[int(rng.integers(len(numbers)))]
        limits = np.sort(rng.choice(column.values[column.present], 2))
        parts.append({"property": name, "from": float(limits[0]), "to": float(limits[1])})
    return {"all": parts}


def _related(snapshot: GraphSnapshot, rng: np.random.Generator) -> Expression:
    """A condition on the relations of drawn facts of items, so that common nodes are drawn more often."""
    kinds = _relations_of_items(snapshot)
    number = int(kinds[int(rng.integers(len(kinds)))])
    facts = snapshot.triples
    outward = snapshot.schema.relations[number].head == snapshot.items.label
    own = (facts.tail if outward else facts.head)[facts.relation == number]
    names = [":".join(snapshot.locate(int(node))) for node in rng.choice(own, _NAMES)]
    return {"relation": snapshot.relations[number], "any": names}


def _relations_of_items(snapshot: GraphSnapshot) -> Sequence[int]:
    item = snapshot.items.label
    there = np.unique(snapshot.triples.relation).tolist()
    relations = snapshot.schema.relations
    return [n for n in there if item in (relations[n].head, relations[n].tail)]
