"""`trailmix events`: the events that the service accepted, and how they came into the graph."""

import json as jsonlib
from typing import Annotated, Literal

import typer

from kg.errors import UsageError
from kg.settings import load_settings
from kg.shown import printable, shown
from service.events.outbox import Outbox


def list_events(
    state: Annotated[
        Literal["pending", "delivered", "dead"] | None,
        typer.Option("--state", help="Only events that wait, that the graph has, or that it refused."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most events, newest first.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List accepted events, newest first, with the reasons of those that the graph refused.

    Example: trailmix events list --state dead
    """
    outbox = Outbox(load_settings().outbox_folder)
    events = outbox.listed(state, limit) if outbox.exists else []
    if json:
        for event in events:
            print(jsonlib.dumps(vars(event), ensure_ascii=False))
        return
    counts = outbox.counts() if outbox.exists else {}
    print(", ".join(f"{counts.get(name, 0):,} {name}" for name in ("pending", "delivered", "dead")))
    for x in events:
        value = "" if x.value is None else f" {x.value:g}"
        line = f"{x.state:<9}  {shown(x.id)}  {shown(x.user_id)} {x.interaction}{value} {shown(x.item_id)}"
        print(printable(f"{line}  {x.reason}".rstrip()))


def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of events.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All events that the graph refused.")] = False,
) -> None:
    """Let a running service deliver refused events again, once their cause is mended.

    Example: trailmix events replay --all
    """
    if bool(ids) == everything:
        raise UsageError("name the events to replay, or give --all")
    outbox = Outbox(load_settings().outbox_folder)
    count = outbox.replay(ids) if outbox.exists else 0
    if ids and count < len(set(ids)):
        raise UsageError(
            f"{len(set(ids)) - count} of these are no refused events; {count} are delivered again"
        )
    print(f"{count:,} events are delivered again")
