"""The lines of a CSV file, some of which are read again, and the delimiter that a line seems to have."""

import csv
import io
import json
from collections import deque
from typing import TextIO

from kg.errors import DataError
from kg.ingestion.packing import MARK

ROW_CHARACTERS = 16_000_000
"""The maximum length of a row; a quote that is not closed within it counts as never closed."""
REREAD_CHARACTERS = 256_000_000
"""How much text may be read again after wrong quotes, besides four times the length of what was read."""
DELIMITER = "\ufdd1"
"""Replaces a delimiter of several characters while `csv` splits a line; a Unicode noncharacter."""
_BLOCK_CHARACTERS = 2**18
_DELIMITERS = ("\t", ";", "|", ",", "::", "||", "\x01", "^", "~", ":", " ")
"""Delimiters to suggest, the likeliest first."""


class Lines:
    """Iterates over the lines of a text, with their line ends; holds the lines of the current row."""

    def __init__(self, text: TextIO, name: str) -> None:
        self.name = name
        self._text = text
        self._ahead: deque[str] = deque()
        self._rest = ""
        """The beginning of a line whose end is not yet read."""
        self._reread = 0
        self._row_start = 0
        self.held: list[str] = []
        """The lines of the current row so far."""
        self.passed = 0
        """The number of lines before the current row."""
        self.characters = 0
        """The length of what was read, without what must be read again."""
        self.delimiter = ""
        """A delimiter of several characters, to be replaced by `DELIMITER`; "" for none."""

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if not self._ahead and not self._read_on():
            raise StopIteration
        line = self._ahead.popleft()
        self.held.append(line)
        self.characters += len(line)
        if self.characters - self._row_start > ROW_CHARACTERS:
            raise csv.Error("row is too long")
        return self.to_split(line) if self.delimiter else line

    def to_split(self, line: str) -> str:
        """A line as `csv` can split it."""
        return line.replace(DELIMITER, MARK).replace(self.delimiter, DELIMITER) if self.delimiter else line

    def new_block(self) -> list[str]:
        """The next lines, if none of them was looked at yet; they are still to be read."""
        return list(self._ahead) if not self._ahead and self._read_on() else []

    def skip_block(self) -> None:
        """Leave out the lines of the new block."""
        self.passed += len(self._ahead)
        self.characters += sum(map(len, self._ahead))
        self._ahead.clear()

    def _read_on(self) -> bool:
        """Read more lines; False at the end."""
        while not self._ahead:
            found = self._text.read(_BLOCK_CHARACTERS)
            if not found and not self._rest:
                return False
            lines = io.StringIO(self._rest + found, newline="").readlines()
            self._rest = lines.pop() if found and not lines[-1].endswith("\n") else ""
            self._ahead.extend(lines)
            if max(map(len, (self._rest, *lines))) > ROW_CHARACTERS:
                millions = ROW_CHARACTERS // 10**6
                raise DataError(
                    f"{self.name}: has a line of more than {millions} million characters; is it CSV?"
                )
        return True

    def peek(self) -> str:
        """The next line, without a byte order mark; "" at the end."""
        if not self._ahead and not self._read_on():
            return ""
        self._ahead[0] = self._ahead[0].removeprefix("\ufeff")
        return self._ahead[0]

    def start_row(self) -> None:
        """Forget the lines of the previous row."""
        self.passed += len(self.held)
        self.held.clear()
        self._row_start = self.characters

    def read_again(self) -> None:
        """Read the lines of the current row again, without the first."""
        again = self.held[1:]
        del self.held[1:]
        self._ahead.extendleft(reversed(again))
        length = sum(map(len, again))
        self.characters -= length
        self._reread += length
        if self._reread > REREAD_CHARACTERS + 4 * self.characters:
            raise DataError(
                f"{self.name}: has too many quotes that are not closed, the last of them in line "
                f"{self.passed + 1:,}; `quote: null` in the mapping takes quotes as text"
            )


def delimiter_after_quotes(line: str, present: str, quote: str) -> str:
    """The delimiter that follows closing quotes in a line without the present one, as advice; "" for none."""
    found = [x for x in _DELIMITERS if f"{quote}{x}" in line and present not in line]
    return _advice(found[0]) if found else ""


def suggested_delimiter(line: str, present: str, wanted: str = "", width: int = 0) -> str:
    """The delimiter that a line seems to have in place of the present one, as advice; "" for none.

    It splits the line into `width` values, or into values of which one is `wanted`. For a line without the
    present delimiter it is enough that another one occurs several times. If columns have no name, the present
    one twice in a row is better.
    """
    others = [x for x in _DELIMITERS if x != present and x in line]
    found = [x for x in others if width > 1 and len(line.split(x)) == width]
    found += [x for x in others if wanted and wanted in (part.strip(" \"'\r\n") for part in line.split(x))]
    if not width:
        found += [x for x in others if line.count(x) > 1 and x != " " and present not in line]
        found += [x for x in others if x == 2 * present and not wanted]
    return _advice(found[0]) if found else ""


def _advice(delimiter: str) -> str:
    return f"looks delimited by {delimiter!r}: add `delimiter: {json.dumps(delimiter)}` to the source"
