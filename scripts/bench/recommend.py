"""`trailmix bench recommend`: how long one recommendation takes, in this process."""

import json as jsonlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

if TYPE_CHECKING:
    from service.recommender import Recommender

FIRST = 5
"""So many answers are not counted: what is made when first asked for is made by them."""


def command(
    users: Annotated[int, typer.Option(min=1, help="How many known users ask, drawn by seed.")] = 100,
    k: Annotated[int, typer.Option("--k", min=1, max=200, help="How many items each is recommended.")] = 10,
    seed: Annotated[int, typer.Option(help="Of who asks.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Ask the latest model, one user after another, with paths and without; no HTTP, no database.

    Example: trailmix bench recommend --users 200
    """
    from kg.settings import load_settings
    from service.loading import load_recommender

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
    print(f"{'':<16}{'p50 ms':>10}{'p95 ms':>10}   {len(order)} users, k = {k}")
    for name, figures in found.items():
        print(f"{name:<16}{figures['p50']:>10.1f}{figures['p95']:>10.1f}")


def milliseconds(recommender: "Recommender", users: Sequence[str], k: int, explain: bool) -> dict[str, float]:
    """The median and the 95th percentile over the users."""
    from service.contract import RecommendRequest

    requests = [RecommendRequest(user_id=user, k=k, explain=explain) for user in users]
    took = []
    for request in [*requests[:FIRST], *requests]:
        began = time.perf_counter()
        recommender.recommend(request, request_id="bench")
        took.append(1000 * (time.perf_counter() - began))
    counted = np.array(took[len(requests[:FIRST]) :])
    return {"p50": float(np.percentile(counted, 50)), "p95": float(np.percentile(counted, 95))}
