"""Whatever is written as CSV is read as it was, and whatever is broken of it costs no other row."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.errors import DataError
from kg.ingestion import chunks, csv_lines
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.sources import Table

MARK = "\ufdd1"
"""Stands for the delimiter while the csv module writes, which takes one character only."""
LETTERS = st.sampled_from("ab1é漢\"',;|:\t .-\x00\x0b\x85\u2028")
CELLS = st.text(LETTERS, max_size=6) | st.just("x" * 50)

EXAMPLES = pytest.mark.parametrize("examples", [60, pytest.param(1_000, marks=pytest.mark.slow)])


def fair(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def cells(draw):
    """Text, sometimes with line ends; a blank line keeps its lines from looking like rows."""
    texts = draw(st.lists(CELLS, min_size=1, max_size=2))
    return ("\n" * draw(st.integers(3, 4))).join(texts)


@st.composite
def files(draw, cell):
    """Rows, and how they are written."""
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=12))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "::", "||", "é"]))
    quote = draw(st.sampled_from(['"', "'"]))
    how = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
    ends = ["\n", "\r\n", "\r"] if how == csv.QUOTE_ALL else ["\n", "\r\n"]  # else csv leaves \n unquoted
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030"]))
    names = [f"c{n}" for n in range(width)]
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=MARK, quotechar=quote, quoting=how, lineterminator=draw(st.sampled_from(ends))
    )
    writer.writerow(names)
    # a part of the delimiter, in a value that is not quoted, could join with the delimiter
    texts = [[f"{quote}{x}" if set(x) & {*delimiter, "\r"} else x for x in row] for row in rows]
    writer.writerows(texts)
    mapping = SourceMapping(file="x.csv", delimiter=delimiter, quote=quote, encoding=encoding)
    return names, texts, stream.getvalue().replace(MARK, delimiter), mapping


def read(text, mapping, names, size=10_000, block=2**18):
    """The readable rows by number, the reasons of the others by number, and how many there are."""
    with (
        TemporaryDirectory() as folder,
        patch.object(chunks, "CHUNK_ROWS", size),
        patch.object(csv_lines, "_BLOCK_CHARACTERS", block),
    ):
        path = Path(folder) / "x.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(mapping.encoding))
        table = Table(path, mapping)
        assert table.columns() == names
        found = list(table.chunks(names))
    rows = {
        int(n): row for x in found for n, row in zip(x.frame.index, x.frame.to_numpy().tolist(), strict=True)
    }
    problems = {problem.row: problem.reason for x in found for problem in x.unreadable}
    last = found[-1].last if found else 0
    assert sorted([*rows, *problems]) == list(range(1, last + 1))
    return rows, problems, last


def stripped(rows):
    return [[value.strip(" \t\n\r\x0b\x85\u2028") for value in row] for row in rows]


@EXAMPLES
def test_rows_are_read_as_they_were_written(examples):
    @fair(examples)
    @given(file=files(cells()), size=st.sampled_from([1, 3, 100]), block=st.sampled_from([1, 5, 40, 2**18]))
    def check(file, size, block):
        names, rows, text, mapping = file
        found, problems, _ = read(text, mapping, names, size, block)
        assert problems == {}
        assert stripped(found.values()) == stripped(rows)

    check()


@EXAMPLES
def test_a_quote_more_or_less_costs_no_other_line(examples):
    """No value goes over several lines here, so each line is a row, read or rejected."""

    @fair(examples)
    @given(file=files(CELLS), place=st.floats(0, 1, exclude_max=True), data=st.data())
    def check(file, place, data):
        names, rows, text, mapping = file
        header, *lines = io.StringIO(text, newline="").readlines()
        if not lines:
            return
        at = int(place * len(lines))
        where = data.draw(st.integers(0, len(lines[at].rstrip("\r\n"))))
        without = data.draw(st.booleans()) and lines[at][where : where + 1] == mapping.quote
        lines[at] = lines[at][:where] + ("" if without else mapping.quote) + lines[at][where + without :]
        found, problems, last = read(header + "".join(lines), mapping, names)
        whole = sum(bool(line.strip("\r\n")) for line in lines)
        assert last == whole or any("goes from line" in reason for reason in problems.values())
        if last == whole:
            untouched = [n for n in range(1, len(rows) + 1) if n != at + 1]
            assert stripped(found[n] for n in untouched) == stripped(rows[n - 1] for n in untouched)

    check()


@EXAMPLES
def test_any_bytes_are_rows_rejects_or_an_error(examples):
    @fair(examples)
    @given(
        content=st.lists(
            st.sampled_from(
                [b'"', b",", b"\n", b"\r", b"a", b" ", b"\xff", b"\xef\xbb\xbf", b"\0", b'""', b"a,b\n"]
            ),
            max_size=30,
        ),
        delimiter=st.sampled_from([None, ",", ",,", ", "]),
        block=st.sampled_from([1, 4, 2**18]),
    )
    def check(content, delimiter, block):
        mapping = SourceMapping(file="x.csv", columns=["a", "b"], delimiter=delimiter)
        text = b"".join(content)
        try:
            rows, problems, last = read(text, mapping, ["a", "b"], block=block)
        except DataError:
            return
        assert len(rows) + len(problems) == last
        assert last <= text.count(b"\n") + text.count(b"\r") + 1

    check()
