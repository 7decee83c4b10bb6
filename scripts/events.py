"""`trailmix events`: the events that the service accepted, and how they came into the graph."""

import json as jsonlib
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from kg.errors import UsageError
from kg.settings import load_settings
from kg.shown import printable, shown
from service.catalogue.change_log import ChangeLog, StoredChange
from service.events.outbox import Outbox, StoredEvent

_CHANGES = "Changes of items and users instead of events."


def list_events(
    state: Annotated[
        Literal["pending", "delivered", "dead"] | None,
        typer.Option("--state", help="Only events that wait, that the graph has, or that it refused."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most events, newest first.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help=_CHANGES)] = False,
) -> None:
    """List accepted events, newest first, with the reasons of those that the graph refused.

    Example: trailmix events list --state dead
    """
    kept = _kept(changes=changes)
    found: Sequence[StoredEvent | StoredChange] = kept.listed(state, limit) if kept.exists else []
    if json:
        for one in found:
            print(jsonlib.dumps(vars(one), ensure_ascii=False))
        return
    counts = kept.counts() if kept.exists else {}
    print(", ".join(f"{counts.get(name, 0):,} {name}" for name in ("pending", "delivered", "dead")))
    for one in found:
        print(printable(f"{one.state:<9}  {_line(one)}  {one.reason}".rstrip()))


def _kept(*, changes: bool) -> Outbox | ChangeLog:
    folder = load_settings().outbox_folder
    return ChangeLog(folder) if changes else Outbox(folder)


def _line(one: StoredEvent | StoredChange) -> str:
    if isinstance(one, StoredChange):
        return f"{one.number}  {one.operation} {one.kind} {shown(one.id)}"
    value = "" if one.value is None else f" {one.value:g}"
    return f"{shown(one.id)}  {shown(one.user_id)} {one.interaction}{value} {shown(one.item_id)}"


def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of events, numbers of changes.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the graph refused.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help=_CHANGES)] = False,
) -> None:
    """Let a running service deliver refused events again, once their cause is mended.

    Example: trailmix events replay --all
    """
    if bool(ids) == everything:
        raise UsageError("name the events to replay, or give --all")
    kept, what = _kept(changes=changes), "changes" if changes else "events"
    count = 0
    if kept.exists:
        count = kept.replay(_numbers(ids)) if isinstance(kept, ChangeLog) else kept.replay(ids)
    if ids and count < len(set(ids)):
        raise UsageError(
            f"{len(set(ids)) - count} of these are no refused {what}; {count} are delivered again"
        )
    print(f"{count:,} {what} are delivered again")


def _numbers(ids: list[str] | None) -> list[int] | None:
    wrong = [x for x in ids or () if not x.isdecimal()]
    if wrong:
        raise UsageError(f"{shown(wrong[0])} is no number of a change; `trailmix events list --changes`")
    return None if ids is None else [int(x) for x in ids]
