"""`trailmix user`: all that is stored of one user, shown or removed."""

import json as jsonlib
from typing import Annotated

import typer

from kg.settings import load_settings
from kg.store.connect import open_store
from service.privacy import export_user, forget_user

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user's id.")]


def export(user_id: UserId) -> None:
    """Print all that is stored of a user, as JSON.

    Example: trailmix user export 15 > 15.json
    """
    settings = load_settings()
    with open_store(settings) as store:
        found = export_user(settings, store, user_id)
    print(jsonlib.dumps(found, indent=2, ensure_ascii=False, default=str))


def forget(
    user_id: UserId,
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Keep the models that were trained with the user until the next training."
        ),
    ] = False,
) -> None:
    """Remove a user with all events, and the snapshots and models that hold them.

    There is no model then until `trailmix train`. Files that the user was ingested from are not touched.

    Example: trailmix user forget 15
    """
    settings = load_settings()
    with open_store(settings) as store:
        done = forget_user(settings, store, user_id, keep_models=keep_models)
    print(
        f"graph: user {user_id} and {done.relations:,} relations removed"
        if done.in_graph
        else f"graph: no user {user_id}"
    )
    if done.accepted_events:
        print(f"outbox: {done.accepted_events:,} accepted events removed")
    for path in done.removed:
        print(f"removed {path}")
    for path in done.kept:
        print(f"kept, and holds the user: {path}")
    if done.kept:
        print("run trailmix train, then trailmix user forget again")
    elif done.removed:
        print("a running service knows the user until another model is in use: run trailmix train")
