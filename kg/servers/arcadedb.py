"""The embedded engine: ArcadeDB from its Python package, in a process of its own."""

import sys
from pathlib import Path

from kg.servers.process import ServerFolder, ServerState
from kg.settings import Settings

USERNAME = "root"
DATABASE = "trailmix"
HEAP = "1g"
"""Fits a machine of 4 GB; the sample needs less than half of it."""


def command(_settings: Settings, folder: ServerFolder, state: ServerState) -> list[str]:
    """The command line of the server; the password is not on it, the process reads the folder's file."""
    options = [state.bolt_port, state.http_port, state.heap, *(["fast"] if state.fast else [])]
    data: Path = folder.data("arcadedb")
    data.mkdir(mode=0o700, exist_ok=True)
    return [sys.executable, "-P", "-m", "kg.servers.arcadedb_main", str(folder.path), *map(str, options)]
