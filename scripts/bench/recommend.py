"""`trailmix bench recommend`: how long one recommendation takes, in this process."""

import json as jsonlib
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer

from kg.settings import load_settings
from service.contract import RecommendRequest
from service.loading import load_recommender
from service.recommender import Recommender

WARM_UP = 5
"""The first requests, which are not counted: they fill caches."""

PERCENTILES = (50, 95, 99)

LISTS: dict[str, dict[str, Any]] = {
    "diversity": {"diversity": 0.5},
    "novelty": {"novelty": 0.5},
    "explore": {"explore": 0.2, "seed": 0},
    "weights": {"weights": {"popularity": 0.5}},
}
"""Requests for lists that are put together otherwise; a relation adds `max_per` and `calibrated`."""


def command(
    users: Annotated[int, typer.Option(min=1, help="The number of known users, drawn by seed.")] = 100,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="The number of items recommended.")] = 10,
    seed: Annotated[int, typer.Option(help="The seed of the draw.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time recommendations by the latest model in this process, with paths and without.

    One user follows another; there is no HTTP and no database. What diversity and the like add is timed
    without paths, each request right after the same one without the field.

    Example: trailmix bench recommend --users 200
    """
    recommender = load_recommender(load_settings(), warm_up=False)
    ids = recommender.snapshot.users.ids
    order = np.random.default_rng(seed).permutation(len(ids))[:users]
    found = {
        name: milliseconds(recommender, [ids[int(n)] for n in order], k, explain)
        for name, explain in (("with paths", True), ("without paths", False))
    }
    added = added_milliseconds(recommender, [ids[int(n)] for n in order], k)
    if json:
        print(jsonlib.dumps({"users": len(order), "k": k, "milliseconds": found, "added": added}))
        return
    heads = "".join(f"p{q} ms".rjust(10) for q in PERCENTILES)
    print(f"{'':<16}{heads}   {len(order)} users, k = {k}")
    for name, figures in found.items():
        print(f"{name:<16}" + "".join(f"{x:>10.1f}" for x in figures.values()))
    print(f"{'added by':<16}{heads}   beside {found['without paths']['p50']:.1f} ms without paths")
    for name, figures in added.items():
        print(f"{name:<16}" + "".join(f"{x:>10.2f}" for x in figures.values()))


def milliseconds(recommender: Recommender, users: Sequence[str], k: int, explain: bool) -> dict[str, float]:
    """The median, the 95th and the 99th percentile over the users."""
    requests = [RecommendRequest(user_id=user, k=k, explain=explain) for user in users]
    took = [_took(recommender, request) for request in [*requests[:WARM_UP], *requests]]
    return _percentiles(took[len(requests[:WARM_UP]) :])


def added_milliseconds(recommender: Recommender, users: Sequence[str], k: int) -> dict[str, dict[str, float]]:
    """By field, the same percentiles of what it adds to the same request, timed one after the other."""
    lists = dict(LISTS)
    for relation in recommender.snapshot.relations[:1]:
        lists["max_per"] = {"max_per": {relation: 2}}
        lists["calibrated"] = {"calibrated": {"relation": relation}}
    found = {}
    for name, fields in lists.items():
        added = []
        for user in [*users[:WARM_UP], *users]:
            plain = RecommendRequest(user_id=user, k=k, explain=False)
            changed = RecommendRequest(user_id=user, k=k, explain=False, **fields)
            added.append(-_took(recommender, plain) + _took(recommender, changed))
        found[name] = _percentiles(added[len(users[:WARM_UP]) :])
    return found


def _took(recommender: Recommender, request: RecommendRequest) -> float:
    """Milliseconds of one answer."""
    began = time.perf_counter()
    recommender.recommend(request, request_id="bench")
    return 1000 * (time.perf_counter() - began)


def _percentiles(took: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(took, q)) for q in PERCENTILES}
