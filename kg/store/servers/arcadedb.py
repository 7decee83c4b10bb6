"""The embedded engine: ArcadeDB from its Python package, in a separate process."""

import sys
from pathlib import Path

from kg.settings import Settings
from kg.store.servers.process import ServerFolder, ServerState

USERNAME = "root"
DATABASE = "trailmix"
HEAP = "1g"
"""The default JVM heap; suits a machine with 4 GB, and the sample needs less than half of it."""


def command(_settings: Settings, folder: ServerFolder, state: ServerState) -> list[str]:
    """The command line of the server, without the password, which the process reads from the folder."""
    options = [state.bolt_port, state.http_port, state.heap, *(["fast"] if state.fast else [])]
    data: Path = folder.data("arcadedb")
    data.mkdir(mode=0o700, exist_ok=True)
    program = [sys.executable, "-P", "-m", "kg.store.servers.arcadedb_main"]
    return [*program, str(folder.path), *map(str, options)]
