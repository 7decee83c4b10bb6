"""A file that is not what its name says is called what it is, with what to do."""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from kg.errors import DataError
from kg.ingestion.content_kind import check_content
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.sources import Table

TEXT = b"id,title\n1,x\n"
ROWS = [{"id": "1", "title": "x"}]


def gzipped(content):
    """The same bytes at any time, as the names of tests have them."""
    return gzip.compress(content, mtime=0)


def zipped(*names, content=TEXT):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def encrypted():
    """An archive whose only entry is marked as encrypted, in both of its headers."""
    content = bytearray(zipped("a.csv"))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("x.csv")
        entry.size = len(TEXT)
        archive.addfile(entry, io.BytesIO(TEXT))
    return stream.getvalue()


def as_parquet():
    stream = io.BytesIO()
    parquet.write_table(pa.table({"id": [1], "title": ["x"]}), stream)
    return stream.getvalue()


def as_excel(**sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in (sheets or {"Sheet1": [["id", "title"], [1, "x"]]}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.csv", gzipped(TEXT), "is not CSV but a gzip file; rename it to 'x.csv.gz', or unpack it"),
        ("x.csv", b"\x28\xb5\x2f\xfd\x04\x00", "is not CSV but a zstd file; rename it to 'x.csv.zst', or"),
        (
            "x.tsv",
            zipped("a.tsv"),
            "is not TSV but a zip archive; rename it to 'x.tsv.zip'",
        ),
        ("x.csv", bz2.compress(TEXT), "is not CSV but a bzip2 file; unpack it, and name the file"),
        ("x.csv", lzma.compress(TEXT), "is not CSV but an xz file; unpack it, and name the file"),
        ("x.csv", tarred(), "is not CSV but a tar archive; unpack it, and name the files"),
        ("x.csv", as_parquet(), "is not CSV but a Parquet file; add `format: parquet` to the source"),
        ("x.jsonl", as_excel(), "is not JSON Lines but an Excel workbook; add `format: xlsx` to the source"),
        ("x.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "is not CSV but an old Excel workbook (.xls)"),
        (
            "x.csv",
            b"\xef\xbb\xbf\n<!DOCTYPE html><title>",
            "is not CSV but an HTML page; open it",
        ),
        ("x.csv", "<HTML>".encode("utf-16"), "is not CSV but an HTML page"),
        ("x.csv", b"%PDF-1.7\n1 0 obj", "is not CSV but a PDF; export the table as CSV"),
        ("x.csv", b"SQLite format 3\0", "is not CSV but an SQLite database; export its table as CSV"),
        ("x.csv", b'{"id": 1}\n{"id": 2}\n', "is not CSV but JSON Lines; add `format: jsonl` to the source"),
        ("x.csv", b'[{"id": 1}]', "is not CSV but a JSON array; add `format: json` to the source"),
        ("x.jsonl", b'[\n {"id": 1}\n]', "is not JSON Lines but a JSON array; add `format: json`"),
        ("x.jsonl", b'{\n "id": 1\n}\n', "is not JSON Lines but one JSON object; write its rows"),
        ("x.jsonl", TEXT, "is not JSON but looks like CSV; add `format: csv` to the source"),
        ("x.json", TEXT, "is not a JSON array but plain text; if it is a table, add `format: csv`"),
        ("x.json", b'{\n"books": []}', "is not a JSON array but one JSON object; write its rows"),
        ("x.parquet", TEXT, "is not Parquet but plain text; if it is a table, add `format: csv`"),
        ("x.xlsx", TEXT, "is not an Excel workbook but plain text; if it is a table, add `format: csv`"),
        ("x.csv.gz", TEXT, "is not gzip but plain text; rename it to 'x.csv'"),
        ("x.csv.zip", TEXT, "is not a zip archive but plain text; rename it to 'x.csv'"),
        ("x.zip", TEXT, "is not a zip archive but plain text; rename it to 'x.csv'"),
        ("x.csv.gz", b"\x28\xb5\x2f\xfd\x04\x00", "is not gzip but a zstd file; rename it to 'x.csv.zst'"),
        ("x.csv.gz", as_parquet(), "is not gzip but a Parquet file; rename it to 'x.parquet'"),
        ("x.csv.gz", gzipped(as_parquet()), "holds a Parquet file, not CSV; add `format: parquet`"),
        ("x.csv.gz", gzipped(tarred()), "holds a tar archive, not CSV; unpack it"),
        (
            "x.csv.gz",
            gzipped(gzipped(TEXT)),
            "holds a gzip file, not CSV; unpack 'x.csv.gz'",
        ),
        ("x.zip", zipped(), "is a zip archive without a file in it"),
        (
            "x.zip",
            zipped("a.csv", "b.csv"),
            "is a zip archive of 2 files ('a.csv', 'b.csv'); unpack",
        ),
        ("x.zip", zipped("a.csv")[:-30], "is a zip archive that is damaged or cut off"),
        ("x.zip", encrypted(), "is an encrypted zip archive; unpack it"),
        (
            "x.zip",
            zipped("a.csv.gz"),
            "holds a file that is compressed again, 'a.csv.gz'",
        ),
        ("x.zip", as_excel(), "is an Excel workbook, not a zip archive of a file; rename it to .xlsx"),
        (
            "x.csv",
            "id,b\n".encode("utf-16-le"),
            "is not utf-8; it looks like utf-16-le: add `enc",
        ),
        (
            "x.csv",
            "id,b\n".encode("utf-16-be"),
            "is not utf-8; it looks like utf-16-be: add `enc",
        ),
    ],
)
def test_another_kind_of_file_is_named_with_what_to_do(name, content, problem, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{re.escape(name)}: {re.escape(problem)}"):
        Table(tmp_path / name, SourceMapping(file=name)).columns()


def test_a_mark_of_another_encoding_is_told(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbfid\n")
    with pytest.raises(DataError, match="is not latin-1; it begins with the mark of utf-8: add `enc"):
        check_content(tmp_path / "x.csv", SourceMapping(file="x.csv", encoding="latin-1"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ORCID,title\n", "utf-8"),
        ("PAR1,BZh\n", "utf-8"),
        ("[id],[title]\n", "utf-8"),
        ("{id},title\n", "utf-8"),
        ("<id>,title\n", "utf-8"),
        ("id,title\n1,\0\n", "utf-8"),
        ("id,é\n", "cp1252"),
        ("id,title\n", "utf-16-le"),
        ("\ufeffid,title\n", "utf-16-le"),
        ("\ufeffid,title\n", "utf-8"),
    ],
)
def test_csv_that_begins_oddly_is_still_csv(text, encoding, tmp_path):
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    check_content(tmp_path / "x.csv", SourceMapping(file="x.csv", encoding=encoding))


def rows(path, **source):
    table = Table(path, SourceMapping(file=path.name, **source))
    return [row for chunk in table.chunks(table.columns()) for row in chunk.frame.to_dict("records")]


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("x.zip", zipped("a.csv"), {}),
        ("x.csv.zip", zipped("__MACOSX/._a", "whatever"), {}),
        ("x.zip", zipped("a.json", content=b'[{"id": 1, "title": "x"}]'), {}),
        ("x.zip", zipped("a.parquet", content=as_parquet()), {}),
        ("x.dat", TEXT.replace(b",", b"::"), {"format": "csv", "delimiter": "::"}),
        ("x.dat.gz", gzipped(TEXT), {"format": "csv"}),
        ("x", gzipped(TEXT), {"format": "csv.gz"}),
        ("x.csv", as_parquet(), {"format": "parquet"}),
        ("x.txt", b'{"id": 1, "title": "x"}', {"format": "JSONL"}),
        ("x.json", b'{"id": 1, "title": "x"}\n', {}),
        ("x.csv", as_excel(), {"format": "xlsx"}),
        ("x.XLSX", as_excel(), {}),
        ("x.xlsx.gz", gzipped(as_excel()), {}),
    ],
)
def test_the_format_is_what_the_mapping_or_the_name_says(name, content, source, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert rows(tmp_path / name, **source) == ROWS
