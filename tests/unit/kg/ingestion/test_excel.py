"""Sheets of Excel workbooks."""

import datetime
import sys

import openpyxl
import pytest

from kg.errors import DataError, UsageError
from kg.ingestion import chunks
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.sources import Table


def write(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def read(path, **source):
    table = Table(path, SourceMapping(file=path.name, **source))
    found = list(table.chunks(table.columns()))
    rows = {
        int(n): row for x in found for n, row in zip(x.frame.index, x.frame.to_dict("records"), strict=True)
    }
    return rows, {problem.row: (problem.column, problem.reason) for x in found for problem in x.unreadable}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_values_are_text_blank_rows_are_none_and_errors_are_told(size, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", size)
    midnight = datetime.datetime(2024, 5, 31)
    sheet = [
        ["id", "title", "on", None],
        [1, " Mort ", midnight],
        [None, None, None],
        [2.0, 4.5, datetime.datetime(2024, 5, 31, 20, 15)],
        ["b3", "#N/A", True],
        ["b4", None, True],
        ["b5", "x", False, "beyond"],
    ]
    write(tmp_path / "x.xlsx", Books=sheet, Empty=[])
    rows, problems = read(tmp_path / "x.xlsx", lists=["on"])
    assert rows == {
        1: {"id": "1", "title": "Mort", "on": ["2024-05-31"]},
        2: {"id": "2", "title": "4.5", "on": ["2024-05-31 20:15:00"]},
        4: {"id": "b4", "title": "", "on": ["true"]},
    }
    assert problems == {
        3: ("title", "is an error of Excel; mend the cell's formula"),
        5: (None, "is in a column without a name"),
    }


def test_of_several_sheets_one_is_named(tmp_path):
    path = tmp_path / "x.xlsx"
    write(path, Books=[["id"], [1]], Old=[["id"], [2]])
    with pytest.raises(DataError, match=r"has the sheets 'Books', 'Old'; .* add `sheet: \"Books\"`"):
        read(path)
    assert read(path, sheet="Old")[0] == {1: {"id": "2"}}
    with pytest.raises(DataError, match=r"x\.xlsx: has no sheet 'Bok'; did you mean 'Books'\?"):
        read(path, sheet="Bok")


def test_an_empty_workbook_and_one_with_a_column_twice(tmp_path):
    write(tmp_path / "x.xlsx", Books=[])
    with pytest.raises(DataError, match="is empty; its first row must name the columns"):
        read(tmp_path / "x.xlsx")
    write(tmp_path / "x.xlsx", Books=[["id", "id"]])
    with pytest.raises(DataError, match="has two columns 'id'"):
        read(tmp_path / "x.xlsx")


def test_a_damaged_workbook_is_named(tmp_path):
    write(tmp_path / "x.xlsx", Books=[["id", "title"], *[[n, str(n)] for n in range(1_000)]])
    content = bytearray((tmp_path / "x.xlsx").read_bytes())
    at = content.index(b"xl/worksheets/sheet1.xml") + 100
    content[at : at + 50] = b"\xaa" * 50
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.xlsx: cannot be read as an Excel workbook: .*save it in Excel"):
        read(tmp_path / "x.xlsx")


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    write(tmp_path / "x.xlsx", Books=[["id"], [1]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"x\.xlsx: .*pip install 'trailmix\[excel\]'; or save it as CSV"):
        read(tmp_path / "x.xlsx")
