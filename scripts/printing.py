"""Recommendations as a table with the paths beneath each item; plain lines if stdout is no terminal."""

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.contract import Recommendation

LIKED_SHOWN = 8

CONTRIBUTIONS_SHOWN = 6

STATES = {
    "hot": "enough is known of this user",
    "warm": "a little is known of this user",
    "cold": "nothing is known of this user",
}


def print_recommendation(user: str, liked: Sequence[str], answer: Recommendation) -> None:
    """What the user liked (titles, oldest first), then the items with scores and paths, on stdout."""
    for warning in answer.warnings:
        print(f"note: {warning.detail}", file=sys.stderr)
    show = _table if sys.stdout.isatty() else _lines
    show(user, _liked(liked), answer)


def _liked(titles: Sequence[str]) -> str:
    """The latest first, and how many there are besides."""
    shown = list(reversed(titles[-LIKED_SHOWN:]))
    more = len(titles) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _lines(user: str, liked: str, answer: Recommendation) -> None:
    if liked:
        print(f"{user} liked: {liked}")
    print(f"Recommended for {user} ({answer.user_state}: {STATES[answer.user_state]}):")
    for item in answer.items:
        print(f"{item.rank:>3}. {item.display_title}  {item.score:.3f}")
        for path in item.paths:
            print(f"       {path.text}")
        if item.rules:
            print(f"       {_rules(item.rules)}")
        if item.score_contributions is not None:
            print(f"       {_contributions(item.score_contributions)}")


def _contributions(shares: Mapping[str, float]) -> str:
    """The largest shares of a score and the sum of the rest."""
    shown = list(shares.items())[:CONTRIBUTIONS_SHOWN]
    rest = sum(list(shares.values())[CONTRIBUTIONS_SHOWN:])
    more = [("the rest", rest)] if len(shares) > CONTRIBUTIONS_SHOWN else []
    return "ranking score: " + ", ".join(f"{name} {value:+.3f}" for name, value in [*shown, *more])


def _rules(names: Sequence[str]) -> str:
    return f"by the rule{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _table(user: str, liked: str, answer: Recommendation) -> None:
    console = Console(highlight=False)
    if liked:
        console.print(f"[bold]{escape(user)} liked[/] {escape(liked)}")
    table = Table(
        title=f"Recommended for {escape(user)}",
        caption=f"{answer.user_state}: {STATES[answer.user_state]}",
        title_justify="left",
        caption_justify="left",
        show_lines=True,
    )
    table.add_column("#", justify="right")
    table.add_column("item, and why", ratio=1)
    table.add_column("score", justify="right")
    for item in answer.items:
        why = "".join(f"\n[dim]{escape(path.text)}[/]" for path in item.paths)
        if item.rules:
            why += f"\n[dim]{escape(_rules(item.rules))}[/]"
        if item.score_contributions is not None:
            why += f"\n[dim]{escape(_contributions(item.score_contributions))}[/]"
        table.add_row(str(item.rank), f"[bold]{escape(item.display_title)}[/]{why}", f"{item.score:.3f}")
    console.print(table)
