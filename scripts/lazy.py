"""Command groups that list their commands without importing them.

A group knows the name, the help line and the module of each command. It imports the module only when the
command is run or asked for its own help.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

# Typer's boxes (rich) alone take 0.2 s to import, so help is plain text.
PLAIN: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}


@dataclass(frozen=True)
class Command:
    """A command that is not imported yet."""

    target: str
    """`module:name` of the function, or of a `typer.Typer` with one command."""
    help: str
    """The first line of the function's docstring."""


@dataclass(frozen=True)
class Group:
    """A command that has commands of its own."""

    help: str
    commands: "Mapping[str, Command | Group]"


class LazyGroup(TyperGroup):
    """A group that imports a command when it is run."""

    entries: ClassVar[Mapping[str, Command | Group]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, short_help=entry.help, rich_markup_mode=None)
            for name, entry in self.entries.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the arguments name, imported."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else load(name, self.entries[name]), rest


def load(name: str, entry: Command | Group) -> Any:
    """The click command of an entry; imports its module."""
    if isinstance(entry, Group):
        return typer.main.get_command(lazy_app(name, entry))
    module, _, attribute = entry.target.partition(":")
    found = getattr(import_module(module), attribute)
    return typer.main.get_command(found if isinstance(found, typer.Typer) else single(found))


def lazy_app(name: str, group: Group, callback: Callable[[], None] | None = None) -> typer.Typer:
    """The group as an app; `callback` runs before each of its commands."""
    kind = type("Commands", (LazyGroup,), {"entries": group.commands})
    app = typer.Typer(name=name, cls=kind, help=group.help, no_args_is_help=True, **PLAIN)
    app.callback()(callback or _nothing)
    return app


def single(function: Callable[..., None], cls: type[TyperCommand] = TyperCommand) -> typer.Typer:
    """An app with one command."""
    app = typer.Typer(**PLAIN)
    app.command(cls=cls)(function)
    return app


def _nothing() -> None:
    """A group that does nothing before its commands."""
