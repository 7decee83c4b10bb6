"""Splits the lines of a CSV file into rows, so that a wrong quote costs one row.

A row whose quotes are wrong is a bad row, and reading goes on at the line after the one where that row began.
So the lines that its quote would have swallowed are read as rows of their own.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kg.errors import DataError
from kg.ingestion.csv_lines import (
    DELIMITER,
    ROW_CHARACTERS,
    Lines,
    delimiter_after_quotes,
    suggested_delimiter,
)

_ENOUGH = 0.9
"""If this share of the lines of a row fit the columns of the file, a quote has probably swallowed rows."""
_USUAL = 3
"""If this many rows have a line end in a column, line ends are usual there."""
_AS_TEXT = "or take quotes as text: add `quote: null` to the source"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read."""

    line: int
    """The number of its first line in the file."""
    text: str
    """That line."""
    reason: str


class CsvRows:
    """Splits lines into rows of values; blank lines are no rows."""

    def __init__(self, lines: Lines, delimiter: str, quote: str | None) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._quote = quote
        self._width = 0
        self._named = False
        self._spaced = False
        self._usual: Callable[[], frozenset[int]] | None = None
        self._line_ends: Counter[int] = Counter()
        lines.delimiter = delimiter if len(delimiter) > 1 else ""

    def header(self) -> list[str]:
        """The values of the first row that is not blank; [] if there is none.

        Raises:
            DataError: its quotes are wrong.
        """
        try:
            names = next(filter(None, self._split(self._lines)), [])
        except csv.Error as error:
            names = self._without_blanks() or []
            if not names:
                problem = f"the first row, which must name the columns, {self._fault(error)}"
                raise DataError(f"{self._lines.name}: {problem}") from None
        self._named = True
        self._spaced = any(map(self._has_spaced_delimiter, self._lines.held))
        self._lines.start_row()
        return [name.strip() for name in self._restored(names)]

    def rows(
        self, width: int, usual: Callable[[], frozenset[int]] | None = None
    ) -> Iterator[list[list[str]] | BadRow]:
        """The rows from here on: some of `width` values each, or a bad row.

        `usual` gives the columns in which line ends are usual; it is called when a quote may have swallowed
        rows. Without it, such rows are taken as they are.
        """
        self._width, self._usual = width, usual
        self._spaced = self._spaced or (not self._named and self._has_spaced_delimiter(self._lines.peek()))
        lines, reader = self._lines, self._split(self._lines)
        while True:
            lines.start_row()
            if (block := lines.new_block()) and (plain := self._plain_rows(block)):
                lines.skip_block()
                yield plain
                continue
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                mended = self._without_blanks()
                yield [mended] if mended else self._reread(self._fault(error))
                continue
            if not values:
                continue
            if len(values) != width:
                yield self._misfit(len(values))
            elif len(lines.held) > 1 and self._swallows(values):
                yield self._reread(self._swallowing())
            else:
                yield [self._restored(values)]

    def usual_line_ends(self) -> frozenset[int]:
        """The columns in which line ends are usual, once all rows were read without `usual`."""
        return frozenset(column for column, count in self._line_ends.items() if count >= _USUAL)

    def _split(self, lines: Iterable[str], quote: str | None = None) -> Iterator[list[str]]:
        csv.field_size_limit(max(csv.field_size_limit(), ROW_CHARACTERS))
        return csv.reader(
            lines,
            delimiter=DELIMITER if self._lines.delimiter else self._delimiter,
            quotechar=quote or self._quote,
            quoting=csv.QUOTE_MINIMAL if quote or self._quote else csv.QUOTE_NONE,
            skipinitialspace=self._delimiter != " ",
            strict=True,
        )

    def _plain_rows(self, block: list[str]) -> list[list[str]]:
        """The rows of a block of lines, if each is a row of its own and right; else [], at little cost."""
        try:
            rows = list(self._split(map(self._lines.to_split, block) if self._lines.delimiter else block))
        except csv.Error:
            return []
        if len(rows) != len(block) or not {0, self._width}.issuperset(map(len, rows)):
            return []
        return [self._restored(row) if self._lines.delimiter else row for row in rows if row]

    def _restored(self, row: list[str]) -> list[str]:
        delimiter = self._lines.delimiter
        return [value.replace(DELIMITER, delimiter) for value in row] if delimiter else row

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        """A quoted value within a line, with the delimiter and blanks before it and the blanks after it."""
        if self._quote is None:
            return re.compile("(?!)()()")  # matches nothing
        delimiter, quote = re.escape(self._delimiter), re.escape(self._quote)
        blanks = "[{}]*".format(" \t".replace(self._delimiter, ""))
        return re.compile(
            f"(^|{delimiter}){blanks}({quote}(?:[^{quote}]|{quote}{quote})*{quote}){blanks}(?={delimiter}|[\\r\\n]|$)"
        )

    def _without_blanks(self) -> list[str] | None:
        """The values of a line that is right but for blanks after closing quotes; None if it is not."""
        if len(self._lines.held) > 1:
            return None
        line = self._quoted.sub(r"\1\2", self._lines.held[0])
        try:
            [row] = self._split([self._lines.to_split(line)])
        except csv.Error:
            return None
        return self._restored(row) if self._width in (0, len(row)) else None

    def _reread(self, reason: str) -> BadRow:
        """A bad row of one line; the lines after it are read again."""
        bad = BadRow(self._lines.passed + 1, self._lines.held[0], reason)
        self._lines.read_again()
        return bad

    def _misfit(self, values: int) -> BadRow:
        """A bad row with too many or too few values; lines that it seems to have swallowed are read again."""
        held, line = self._lines.held, self._lines.passed + 1
        fitting = list(map(self._fits, held))
        if len(held) > 1 and (
            (fitting[0] and any(fitting[1:])) or sum(fitting) > max(2, _ENOUGH * len(held))
        ):
            return self._reread(self._swallowing())
        reason = f"has {values} values where there are {self._width} columns"
        if len(held) > 1:
            reason += f"; it goes from line {line} to line {line + len(held) - 1}: is a quote not closed?"
        else:
            reason += self._advice(held[0])
        return BadRow(line, held[0], reason)

    def _advice(self, line: str) -> str:
        """The end of a message about a line with too many or too few values; "" if nothing is known."""
        if not self._named or self._delimiter not in line:
            better = suggested_delimiter(line, self._delimiter, width=self._width)
            return f"; it {better}" if better else ""
        parts = self._split([self._lines.to_split(line)], quote="'") if "'" in line else iter(())
        try:
            fits = len(next(parts, [])) == self._width
        except csv.Error:
            return ""
        return "; if its values are quoted by ', add `quote: \"'\"` to the source" if fits else ""

    def _has_spaced_delimiter(self, line: str) -> bool:
        return not self._delimiter.isspace() and f"{self._delimiter} " in line

    def _swallows(self, row: list[str]) -> bool:
        """Whether the lines of this row look like rows, and line ends are unusual in its columns."""
        columns = [n for n, value in enumerate(row) if "\n" in value or "\r" in value]
        held = self._lines.held
        like_rows = sum(map(self._fits, held)) >= _ENOUGH * len(held)
        if self._usual is None:
            self._line_ends.update(dict.fromkeys(columns, 1 if like_rows else _USUAL))
            return False
        return like_rows and not self._usual().issuperset(columns)

    def _fits(self, line: str) -> bool:
        """Whether a line alone looks like a row: as many values, none of which begins with a blank.

        A blank after the delimiter is what tells a comma of a sentence from a delimiter, unless the first
        line of the file has it, too.
        """
        line, delimiter = self._quoted.sub(r"\1", line.rstrip("\r\n")), self._delimiter
        sentence = not self._spaced and self._has_spaced_delimiter(line)
        return bool(line.strip()) and line.count(delimiter) == self._width - 1 and not sentence

    def _swallowing(self) -> str:
        first = self._lines.passed + 1
        last = first + len(self._lines.held) - 1
        return (
            f"opens a quote in line {first} that closes only in line {last}, after lines that look like "
            f"rows; close it, {_AS_TEXT}"
        )

    def _fault(self, error: csv.Error) -> str:
        """What is wrong with the quotes of the current row."""
        first = self._lines.passed + 1
        last = first + len(self._lines.held) - 1
        if "expected after" not in str(error):
            within = f" within {ROW_CHARACTERS:,} characters" if "long" in str(error) else ""
            return f"opens a quote in line {first} that is never closed{within}; close it, {_AS_TEXT}"
        if first == last:
            words = f"has text after a closing quote in line {first}"
            if better := delimiter_after_quotes(self._lines.held[0], self._delimiter, self._quote or ""):
                return f"{words}; it {better}"
            return f"{words}; write a quote within a value twice, {_AS_TEXT}"
        words = f"opens a quote in line {first} that closes only in line {last}, before other text"
        return f"{words}; close it, {_AS_TEXT}"
