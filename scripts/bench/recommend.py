"""`trailmix bench recommend`: how long one recommendation takes, in this process."""

import json as jsonlib
import time
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from kg.settings import load_settings
from service.contract import RecommendRequest
from service.loading import load_recommender
from service.recommender import Recommender

WARM_UP = 5
"""The first requests, which are not counted: they fill caches."""

PERCENTILES = (50, 95, 99)


def command(
    users: Annotated[int, typer.Option(min=1, help="The number of known users, drawn by seed.")] = 100,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="The number of items recommended.")] = 10,
    seed: Annotated[int, typer.Option(help="The seed of the draw.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time recommendations by the latest model in this process, with paths and without.

    One user follows another; there is no HTTP and no database.

    Example: trailmix bench recommend --users 200
    """
    recommender = load_recommender(load_settings(), warm_up=False)
    ids = recommender.snapshot.users.ids
    order = np.random.default_rng(seed).permutation(len(ids))[:users]
    found = {
        name: milliseconds(recommender, [ids[int(n)] for n in order], k, explain)
        for name, explain in (("with paths", True), ("without paths", False))
    }
    if json:
        print(jsonlib.dumps({"users": len(order), "k": k, "milliseconds": found}))
        return
    heads = "".join(f"p{q} ms".rjust(10) for q in PERCENTILES)
    print(f"{'':<16}{heads}   {len(order)} users, k = {k}")
    for name, figures in found.items():
        print(f"{name:<16}" + "".join(f"{x:>10.1f}" for x in figures.values()))


def milliseconds(recommender: Recommender, users: Sequence[str], k: int, explain: bool) -> dict[str, float]:
    """The median, the 95th and the 99th percentile over the users."""
    requests = [RecommendRequest(user_id=user, k=k, explain=explain) for user in users]
    took = []
    for request in [*requests[:WARM_UP], *requests]:
        began = time.perf_counter()
        recommender.recommend(request, request_id="bench")
        took.append(1000 * (time.perf_counter() - began))
    counted = np.array(took[len(requests[:WARM_UP]) :])
    return {f"p{q}": float(np.percentile(counted, q)) for q in PERCENTILES}
