"""The rows that were rejected, as JSON Lines: file, row, column, value, reason."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

from kg.errors import DataError, UsageError
from kg.ingestion.chunks import Problem
from kg.ingestion.sources import Table
from kg.shown import printable, shown

_EXAMPLES = 5


class Rejects:
    """Writes each rejected row to a file, if one is given, and keeps the first few for the report."""

    def __init__(self, path: Path | None) -> None:
        self.examples: list[str] = []
        self._path = path
        self._file: IO[str] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._path is not None:
            with self._writable():
                self._file = self._open.enter_context(self._path.open("w", encoding="utf-8"))
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._writable():
            self._open.close()

    def add(self, table: Table, problem: Problem) -> None:
        """Write one row."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(described(table, problem))
        if self._file is not None:
            row = {"file": str(table.path), **vars(problem)}
            with self._writable():
                self._file.write(json.dumps(row) + "\n")

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{self._path}: cannot be written: {error.strerror}; the graph was left as it was"
            ) from None


def refuse_overwriting(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Check that no output is an input, and no two outputs are the same file.

    Raises:
        UsageError: an output is also an input, or two outputs are the same file.
    """
    taken = [path.resolve() for path in inputs]
    for output in outputs:
        if output is None or (output.exists() and not output.is_file()):  # devices such as /dev/null
            continue
        if output.resolve() in taken:
            raise UsageError(
                f"{output}: would be overwritten, and is needed for something else; name another"
            )
        taken.append(output.resolve())


def described(table: Table, problem: Problem) -> str:
    """A readable description of one rejected row."""
    column = f", column {problem.column}" if problem.column is not None else ""
    return printable(f"{table.path}, row {problem.row}{column}: {shown(problem.value)} {problem.reason}")
