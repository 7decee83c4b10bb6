"""JSON Lines, and JSON arrays of objects, read element by element."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from kg.errors import DataError
from kg.ingestion import chunks
from kg.ingestion.chunks import Chunk, Problem, UnreadableRowError, no_rows, with_lists
from kg.ingestion.packing import BLOCK_BYTES, MARK, decoded, file_format, visible
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.typed_values import value_of

ROW_CHARACTERS = 64_000_000
"""The maximum length of a line, or of an element of an array."""
_PEEKED_ROWS = 10_000
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")


def names(path: Path, source: SourceMapping) -> list[str] | None:
    """The keys of the first 10,000 rows and in `source.columns`; None if none of them is an object.

    Raises:
        DataError: no row is an object, and the first line looks like CSV.
    """
    found: dict[str, None] = {}
    first = ""
    for number, (text, row) in enumerate(_rows(path, source)):
        first = first or text
        found |= dict.fromkeys(row if isinstance(row, dict) else ())
        if number == _PEEKED_ROWS:
            break
    if not found and not first.lstrip().startswith(("{", "[")) and re.search(r"[,;|\t]", first):
        raise DataError(f"{path}: is not JSON but looks like CSV; add `format: csv` to the source")
    return [*dict.fromkeys((*found, *source.columns))] if found else None


def nesting_hint(path: Path, source: SourceMapping, wanted: str) -> str:
    """The end of a message about a missing key: the key of the first row in which it lies; "" for none."""
    _, row = next(_rows(path, source), ("", None))
    for key, value in row.items() if isinstance(row, dict) else ():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and wanted in inner:
            rows = f"write what is in its key {key[:60]!a} as rows of their own"
            return f"; {rows}" if isinstance(value, list) else f"; it is within {key[:60]!a}: move it out"
    return ""


def read(path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
    """The values of these keys in all rows; rows other than objects are unreadable, blank lines skipped."""
    rows: list[list[str | list[str]]] = []
    numbers: list[int] = []
    problems: list[Problem] = []
    number = 0
    for number, (text, row) in enumerate(_rows(path, source), 1):
        try:
            rows.append(_values(number, columns, text, row, source))
            numbers.append(number)
        except UnreadableRowError as unreadable:
            problems.append(unreadable.problem)
        if number % chunks.CHUNK_ROWS == 0:
            yield _chunk(columns, rows, numbers, problems, number, source)
            rows, numbers, problems = [], [], []
    if rows or problems:
        yield _chunk(columns, rows, numbers, problems, number, source)


def _rows(path: Path, source: SourceMapping) -> Iterator[tuple[str, Any]]:
    """The text of each line or element of an array, and its value; None for the value of what is no JSON."""
    with decoded(path, source, newline="\n") as stream:
        array = file_format(path, source).name == "json" and _Array(stream, path)
        if array and array.mark() == "[":
            yield from array.elements()
            return
    with decoded(path, source, newline="\n") as stream:
        for number, line in enumerate(iter(partial(stream.readline, ROW_CHARACTERS + 1), "")):
            if len(line) > ROW_CHARACTERS:
                raise DataError(
                    f"{path}: has a line of more than 64 million characters; it is no JSON Lines file"
                )
            text = line if number else line.removeprefix("\ufeff")
            if text.strip():
                yield text, _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return None if MARK in text else json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Array:
    """A JSON array that is read element by element; it holds one block of text and one element at a time."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._text = stream.read(BLOCK_BYTES).removeprefix("\ufeff")
        self._at = 0
        self._count = 0

    def mark(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._read_on():
                return self._text[self._at : self._at + 1]

    def elements(self) -> Iterator[tuple[str, Any]]:
        """The text and the value of each element, from the opening bracket on.

        Raises:
            DataError: the array is no JSON any further, or the file goes on after it.
        """
        self._at += 1
        if self.mark() == "]":
            self._at += 1
        else:
            yield from self._until_closed()
        if self.mark():
            raise self._error("the file goes on after the end of its array")

    def _until_closed(self) -> Iterator[tuple[str, Any]]:
        while True:
            self.mark()
            text, value = self._element()
            self._count += 1
            yield text, None if MARK in text else value
            mark = self.mark()
            self._at += 1
            if mark == "]":
                return
            if mark != ",":
                raise self._error("a comma or `]` is missing" if mark else "the array is not closed")

    def _element(self) -> tuple[str, Any]:
        number = f"element {self._count + 1:,}"
        while True:
            problem = "the array is not closed"
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text):  # a number could go on in the next block
                    text, self._at = self._text[self._at : end], end
                    return text, value
            except (ValueError, RecursionError) as error:
                if self._at < len(self._text):
                    problem = f"{number} is no JSON: {visible(self._text[self._at : self._at + 60])!r}"
                if self._is_final(error):
                    raise self._error(problem) from None
            if len(self._text) - self._at > ROW_CHARACTERS:
                raise self._error(f"{number} is no JSON within {ROW_CHARACTERS:,} characters")
            if not self._read_on():
                raise self._error(f"{problem}; is the file whole?")

    def _is_final(self, error: Exception) -> bool:
        """Whether an error is none that more text could mend: neither an open string nor near the end."""
        if not isinstance(error, json.JSONDecodeError):
            return True
        return error.pos < len(self._text) - 20 and not error.msg.startswith("Unterminated")

    def _read_on(self) -> bool:
        more = self._stream.read(BLOCK_BYTES)
        self._text = self._text[self._at :] + more
        self._at = 0
        return bool(more)

    def _error(self, problem: str) -> DataError:
        where = f" after row {self._count:,}" if self._count else ""
        return DataError(f"{self._path}: cannot be read{where}: {problem}")


def _values(
    number: int, columns: list[str], text: str, row: Any, source: SourceMapping
) -> list[str | list[str]]:
    if not isinstance(row, dict):
        reason = f"is not a JSON object in {source.encoding}"
        raise UnreadableRowError(Problem(number, None, visible(text.strip()), reason))
    return [value_of(number, name, row.get(name), source) for name in columns]


def _chunk(
    columns: list[str],
    rows: list[list[Any]],
    numbers: list[int],
    problems: list[Problem],
    last: int,
    source: SourceMapping,
) -> Chunk:
    if not rows:
        return Chunk(no_rows(columns), tuple(problems), last)
    values = zip(columns, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame(
        {name: pd.Series(list(x), dtype=object if name in source.lists else "str") for name, x in values}
    ).set_axis(numbers)
    return Chunk(with_lists(frame, source), tuple(problems), last)
