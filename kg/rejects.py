"""The rows that were rejected, as JSON Lines: file, row, column, value, reason."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

from kg.chunks import Problem
from kg.errors import DataError
from kg.sources import Table

_EXAMPLES = 5


class Rejects:
    """Writes each rejected row into a file, if there is one, and keeps the first few for people."""

    def __init__(self, path: Path | None) -> None:
        self.examples: list[str] = []
        self._path = path
        self._file: IO[str] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._open.enter_context(self._path.open("w", encoding="utf-8"))
            except OSError as error:
                raise DataError(f"{self._path}: cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def add(self, table: Table, problem: Problem) -> None:
        """Tell of one row."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(described(table, problem))
        if self._file is not None:
            row = {"file": str(table.path), **vars(problem)}
            self._file.write(json.dumps(row) + "\n")


def described(table: Table, problem: Problem) -> str:
    """One rejected row for people."""
    column = f", column {problem.column}" if problem.column is not None else ""
    value = problem.value if len(problem.value) <= 60 else f"{problem.value[:57]}..."
    return f"{table.path}, row {problem.row}{column}: {value!r} {problem.reason}"
