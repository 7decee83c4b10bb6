"""The same rows in every format, and dirt in each."""

import datetime
import gzip
import json
import re
from collections import deque
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from kg.errors import DataError, MappingError
from kg.ingestion import chunks, csv_lines, json_reader
from kg.ingestion.mapping import Mapping
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.sources import Table, open_tables

ROWS = [
    {"id": "1", "name": 'Ann, the "first"', "tags": ["a", "b"], "year": "1995", "on": "true"},
    {"id": "2", "name": "two\nlines é漢", "tags": [], "year": "", "on": ""},
    {"id": "3", "name": "", "tags": ["c"], "year": "-3", "on": "false"},
]
COLUMNS = list(ROWS[0])


def quoted(value):
    return '"' + value.replace('"', '""') + '"'


def as_csv(delimiter):
    lines = [delimiter.join(COLUMNS)]
    lines += [
        delimiter.join(quoted("|".join(x) if isinstance(x, list) else x) for x in r.values()) for r in ROWS
    ]
    return "\n".join(lines).encode() + b"\n"


def as_json():
    """Numbers and truth values as such, an empty value as null or not there at all."""
    found = []
    for row in ROWS:
        typed = row | {"id": int(row["id"]), "on": {"true": True, "false": False, "": None}[row["on"]]}
        typed["year"] = float(row["year"]) if row["year"] else None
        found.append({k: v for k, v in typed.items() if k != "year" or v is not None})
    return "".join(json.dumps(row) + "\n" for row in found).encode()


def as_parquet(path):
    table = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "name": pa.array([row["name"] or None for row in ROWS]).dictionary_encode(),
            "tags": pa.array([row["tags"] or None for row in ROWS], pa.list_(pa.string())),
            "year": pa.array([1995.0, float("nan"), -3.0]),
            "on": pa.array([True, None, False]),
        }
    )
    parquet.write_table(table, path, row_group_size=2)
    return path.read_bytes()


def packed(content, ending, tmp_path):
    if ending == ".gz":
        return gzip.compress(content, mtime=0)
    if ending == ".zst":
        with pa.output_stream(str(tmp_path / "packed"), compression="zstd") as stream:
            stream.write(content)
        return (tmp_path / "packed").read_bytes()
    return content


def read(path, wanted=COLUMNS, **source):
    given = SourceMapping(file=path.name, **source)
    found = list(Table(path, given).chunks(wanted))
    rows = {
        int(n): row for x in found for n, row in zip(x.frame.index, x.frame.to_dict("records"), strict=True)
    }
    problems = {p.row: (p.column, p.value, p.reason) for x in found for p in x.unreadable}
    assert not set(rows) & set(problems)
    assert sorted([*rows, *problems]) == list(range(1, len(rows) + len(problems) + 1))
    assert not found or found[-1].last == len(rows) + len(problems)
    return rows, problems


@pytest.mark.parametrize("size", [1, 2, 10_000])
@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"])
def test_every_format_says_the_same(ending, packing, size, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", size)
    content = {
        ".csv": lambda: as_csv(","),
        ".tsv": lambda: as_csv("\t"),
        ".parquet": lambda: as_parquet(tmp_path / "x"),
    }
    path = tmp_path / f"rows.v1{ending}{packing}"
    path.write_bytes(packed(content.get(ending, as_json)(), packing, tmp_path))
    assert Table(path, SourceMapping(file="x")).columns() == COLUMNS
    rows, problems = read(path, lists=["tags"])
    assert problems == {}
    assert list(rows.values()) == ROWS
    assert read(path, ["on", "id"])[0][3] == {"on": "false", "id": "3"}


def test_rows_that_cannot_be_read_are_numbered_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_lines, "_BLOCK_CHARACTERS", 64)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 3)
    path = tmp_path / "rows.csv"
    lines = [b"%d,x" % n for n in range(1, 101)]
    for bad in (1, 17, 18, 100):
        lines[bad - 1] = b"%d,x,y" % bad
    lines[49] = b"50,\xff"
    path.write_bytes(b"\xef\xbb\xbfid,name\n" + b"\r\n\n".join(lines))
    rows, problems = read(path, ["id", "name"])
    assert list(problems) == [1, 17, 18, 50, 100]
    assert problems[1] == (None, "1,x,y", "has 3 values where there are 2 columns")
    assert problems[17] == (None, "17,x,y", "has 3 values where there are 2 columns (line 34)")
    assert problems[50][:2] == ("name", "�")
    assert {n: row["id"] for n, row in rows.items()} == {
        n: str(n) for n in range(1, 101) if n not in problems
    }
    assert read(path, ["id"])[1].keys() >= {1, 17, 18, 100}


def test_lines_of_json_that_are_no_objects(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        b'{"id": 9007199254740993, "name": {"en": "x"}}\n\n[1]\n{"id": \nnull\n'
        b'{"id": "\\ud800", "name": [1]}\n\xff\n'
    )
    rows, problems = read(path, ["id", "name"])
    assert rows == {1: {"id": "9007199254740993", "name": '{"en": "x"}'}}
    assert [problems[n][0] for n in (2, 3, 4, 5, 6)] == [None, None, None, "name", None]
    assert problems[5][2] == "is a list; name the column among the source's `lists`"
    assert problems[2][1:] == ("[1]", "is not a JSON object in utf-8")


def test_encodings_quotes_delimiters_and_files_without_a_header(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes('1;"é"\n'.encode("latin-1"))
    given = {"columns": ["id", "name"], "delimiter": ";", "quote": None}
    assert read(path, ["id", "name"], encoding="latin-1", **given)[0] == {1: {"id": "1", "name": '"é"'}}
    assert read(path, ["id", "name"], **given)[1][1][2].startswith("is not utf-8")
    path.write_bytes("id,name\n1,é\n".encode("utf-16"))
    assert read(path, ["id", "name"], encoding="utf-16")[0] == {1: {"id": "1", "name": "é"}}


def test_moments_and_numbers_of_parquet_as_text(tmp_path):
    moment = datetime.datetime(2024, 5, 31, 20, 15, tzinfo=datetime.UTC)
    parquet.write_table(
        pa.table({"t": [moment], "d": [moment.date()], "x": [0.1], "n": [2**60]}), tmp_path / "x.parquet"
    )
    row = read(tmp_path / "x.parquet", ["t", "d", "x", "n"])[0][1]
    assert row == {"t": "2024-05-31 20:15:00.000000Z", "d": "2024-05-31", "x": "0.1", "n": str(2**60)}
    assert pd.Timestamp(row["t"]) == pd.Timestamp(moment)


WHOLE = "; is the file whole?"
EMPTY = "is empty; its first line must name the columns"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.csv.gz", gzip.compress(b"id\n" + b"1\n" * 10_000, mtime=0)[:-20], WHOLE),
        ("x.csv.gz", b"no gzip", "is not gzip but plain text; rename it to 'x.csv'"),
        ("x.csv.gz", gzip.compress(b"id\n1\n", mtime=0) + b"no gzip", WHOLE),
        ("x.jsonl.zst", b"no zstd", "is not zstd but plain text; rename it to 'x.jsonl'"),
        ("x.parquet", b"PAR1 no parquet\0", WHOLE),
        ("x.parquet", b"", "is empty, which no such file is; copy or download it again"),
        ("x.xlsx", b"", "is empty, which no such file is; copy or download it again"),
        ("x.csv.zip", b"", "is empty, which no such file is; copy or download it again"),
        ("x.parquet.gz", gzip.compress(b"PAR1 no parquet\0", mtime=0), WHOLE),
        ("x.csv", b"", EMPTY),
        ("x.csv", b"\n\n", EMPTY),
        ("x.csv.gz", b"", EMPTY),
        ("x.csv", b"id,id\n1,2\n", "has two columns 'id'; each needs a name of its own"),
        (
            "x.csv",
            "id,b\n1,2\n".encode("utf-16"),
            "begins with the mark of utf-16: add `encoding: utf-16` to",
        ),
        ("x.csv", b"\xffid,name\n", "is not utf-8; add its encoding to the source, such as `encoding"),
        ("x.csv", b"id,name\n1," + b"x" * 17_000_000, "has a line of more than 16 million characters"),
        ("x.csv", b"id," + b"x" * 17_000_000, "has a line of more than 16 million characters"),
    ],
)
def test_a_file_that_cannot_be_read_on_is_named_with_what_to_do(name, content, problem, tmp_path):
    (tmp_path / name).write_bytes(content)
    table = Table(tmp_path / name, SourceMapping(file=name))
    with pytest.raises(DataError, match=rf"{name}: .*{re.escape(problem)}"):
        list(table.chunks(table.columns()))


def test_a_page_of_parquet_that_went_bad_is_named(tmp_path):
    table = pa.table({"id": [str(n) for n in range(10_000)]})
    parquet.write_table(table, tmp_path / "x.parquet")
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[10:200] = b"\xaa" * 190
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DataError, match=rf"x\.parquet: .*{re.escape(WHOLE)}"):
        list(Table(tmp_path / "x.parquet", SourceMapping(file="x.parquet")).chunks(["id"]))


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_a_folder_in_place_of_a_file_is_called_so(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=rf"{name}: is a folder; name the files in it"):
        Table(tmp_path / name, SourceMapping(file=name)).columns()


def mapping(**source):
    return Mapping.model_validate(
        {
            "sources": {"s": source},
            "nodes": {"U": {"role": "user"}, "I": {"role": "item"}},
            "interactions": {"R": {"source": "s", "user": "u", "item": "i"}},
        }
    )


def test_a_pattern_means_all_its_files_in_sorted_order(tmp_path):
    for n in (10, 2, 1):
        (tmp_path / f"part-{n:02}.csv").write_text("u,i\n")
    (tmp_path / "other.csv").write_text("nothing\n")
    [tables] = open_tables(mapping(file="part-*.csv"), tmp_path).values()
    assert [table.path.name for table in tables] == ["part-01.csv", "part-02.csv", "part-10.csv"]
    (tmp_path / "part-[1].csv").write_text("u,i\n")  # a file of just that name
    [tables] = open_tables(mapping(file="part-[1].csv"), tmp_path).values()
    assert [table.path.name for table in tables] == ["part-[1].csv"]
    with pytest.raises(MappingError, match=r"sources\.s\.file: no file fits 'parts-\*'"):
        open_tables(mapping(file="parts-*"), tmp_path)
    with pytest.raises(MappingError, match="there is no encoding 'utf-9'"):
        open_tables(mapping(file="other.csv", encoding="utf-9"), tmp_path)
    with pytest.raises(MappingError, match=r"other\.csv has no column 'u'"):
        open_tables(mapping(file="*.csv"), tmp_path)


def test_rare_keys_of_json_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setattr(json_reader, "_PEEKED_ROWS", 1)
    (tmp_path / "x.jsonl").write_text('{"u": 1}\n{"u": 1}\n{"u": 2, "i": 1}\n')
    with pytest.raises(MappingError, match="has no column 'i'"):
        open_tables(mapping(file="x.jsonl"), tmp_path)
    open_tables(mapping(file="x.jsonl", columns=["i"]), tmp_path)
    (tmp_path / "x.jsonl").write_text("")
    assert open_tables(mapping(file="x.jsonl"), tmp_path)["s"][0].columns() is None


def test_a_failure_says_after_which_row(tmp_path):
    content = gzip.compress(b"id,name\n" + b"1,x\n" * 200_000, mtime=0)[:-20]
    (tmp_path / "x.csv.gz").write_bytes(content)
    problem = r"x\.csv\.gz: cannot be read after row 1\d0,000: .* is the file whole\?"
    with pytest.raises(DataError, match=problem):
        deque(Table(tmp_path / "x.csv.gz", SourceMapping(file="x.csv.gz")).chunks(["id"]), maxlen=0)


def test_names_alone_are_no_row_whether_their_line_ends_or_not(tmp_path):
    for end in (b"", b"\n", b"\r\n"):
        (tmp_path / "x.csv").write_bytes(b"id,name" + end)
        table = Table(tmp_path / "x.csv", SourceMapping(file="x.csv"))
        assert table.columns() == ["id", "name"]
        assert list(table.chunks(["id"])) == []


def test_a_quote_that_swallows_rows_is_pointed_at(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'id,name\n1,x\n"2,x\n3,x\n')
    rows, problems = read(tmp_path / "x.csv", ["id", "name"])
    assert rows == {1: {"id": "1", "name": "x"}, 3: {"id": "3", "name": "x"}}
    assert problems[2][:2] == (None, '"2,x')
    assert problems[2][2].startswith("opens a quote in line 3 that is never closed; close it, or ")


def test_bytes_in_parquet_that_are_no_text_reject_their_row(tmp_path):
    """As ids they would otherwise all become the same."""
    offsets, letters = pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(b"a\xff\xfe")
    broken = pa.Array.from_buffers(pa.string(), 2, [None, offsets, letters])
    for column in (broken, broken.dictionary_encode(), pa.array([b"a", b"\xff\xfe"])):
        parquet.write_table(pa.table({"id": column}), tmp_path / "x.parquet")
        rows, problems = read(tmp_path / "x.parquet", ["id"])
        assert rows == {1: {"id": "a"}}
        assert problems == {2: ("id", "\ufffd\ufffd", "is not utf-8")}


@pytest.mark.parametrize(
    ("file", "encoding", "problem"),
    [
        ("x.csv", "idna", "there is no encoding 'idna'"),
        ("x.csv", "base64", "there is no encoding 'base64'"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused_at_once(file, encoding, problem, tmp_path):
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(MappingError, match=rf"sources\.s\.encoding: {problem}"):
        open_tables(mapping(file=file, encoding=encoding), tmp_path)


def test_patterns_may_be_absolute_and_odd(tmp_path):
    (tmp_path / "x1.csv").write_text("u,i\n")
    [[table]] = open_tables(mapping(file=f"{tmp_path}/x*.csv"), tmp_path / "elsewhere").values()
    assert table.path == tmp_path / "x1.csv"
    with pytest.raises(MappingError, match="no file fits"):
        open_tables(mapping(file="**y.csv"), tmp_path)


def test_what_is_no_text_in_a_name_is_written_out(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a\0\x1b[2J,b\n")
    with pytest.raises(MappingError, match=r"there is 'a\\x00\\x1b\[2J', b$"):
        open_tables(mapping(file="x.csv"), tmp_path)


def test_of_many_columns_some_are_named(tmp_path):
    (tmp_path / "x.csv").write_text(",".join(f"column{n}" for n in range(1_000)))
    with pytest.raises(MappingError, match=r"has no column 'u'; there is column0, .* and 980 more$"):
        open_tables(mapping(file="x.csv"), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "source", "advice"),
    [
        (
            "x.csv",
            "u;i\n1;2\n",
            {},
            "its first line looks delimited by ';': add `delimiter: \";\"` to the source",
        ),
        ("x.csv", "u\ti\n", {}, "delimited by '\\t': add `delimiter: \"\\t\"` to the source"),
        ("x.csv", "u::i\n", {}, "looks delimited by '::': add `delimiter: \"::\"` to the source"),
        ("x.csv", "sep=,\nu;i\n", {}, "looks delimited by ';'"),
        ("x.csv", "a|b|c\n", {}, "looks delimited by '|'"),
        ("x.csv", "user,i\n", {}, "there is user, i"),
        ("x.csv", "u i\n", {}, "looks delimited by ' '"),
        ("x.csv", "a b c\n", {}, "there is a b c"),
    ],
)
def test_a_wrong_delimiter_is_recognised_by_the_first_line(name, content, source, advice, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(MappingError, match=rf"{name} has no column 'u'; .*{re.escape(advice)}"):
        open_tables(mapping(file=name, **source), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("x.tsv", '"u","i"\n', {}),
        ("x.csv", '"u";"i"\n1;2\n', {"delimiter": "|"}),
        ("x.csv", "u::i::r\n", {"delimiter": ":"}),
    ],
)
def test_a_wrong_delimiter_is_recognised_in_what_else_goes_wrong(name, content, source, tmp_path):
    (tmp_path / name).write_text(content)
    better = next(x for x in ("::", ";", ",") if x in content)
    with pytest.raises(
        DataError, match=f"{name}: .* looks delimited by '{better}': add `delimiter: \"{better}\"`"
    ):
        open_tables(mapping(file=name, **source), tmp_path)


@pytest.mark.parametrize("delimiter", [r"\t", "\t", ";", "::", " ", "\u00a6"])
def test_delimiters_that_can_be(delimiter):
    assert SourceMapping(file="x.csv", delimiter=delimiter).delimiter in ("\t", ";", "::", " ", "\u00a6")


@pytest.mark.parametrize("delimiter", ["comma", "tab", "", "\n", "a;", "\r\n", '";'])
def test_delimiters_that_cannot_be(delimiter):
    with pytest.raises(ValueError, match=r"no delimiter|at least 1 character|cannot be both"):
        SourceMapping(file="x.csv", delimiter=delimiter)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("xls", "there is no format 'xls'; did you mean 'xlsx'"),
        ("csv.gzip", "there is no format 'csv.gzip'; did you mean 'zip'"),
        ("excel", "there is no format 'excel'; there is csv, tsv, jsonl, ndjson, json, parquet, xlsx"),
    ],
)
def test_formats_that_there_are_not(given, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        SourceMapping(file="x", format=given)


def test_an_unknown_ending_asks_for_the_format(tmp_path):
    (tmp_path / "x.dat").write_text("u|i\n")
    with pytest.raises(MappingError, match=r"sources\.s\.file: cannot read 'x\.dat'.*such as `format: csv`"):
        open_tables(mapping(file="x.dat"), tmp_path)
    open_tables(mapping(file="x.dat", format="csv", delimiter="|"), tmp_path)
    with pytest.raises(DataError, match=r"y\.zip: cannot be read: No such file"):
        open_tables(mapping(file="y.zip"), tmp_path)


def test_whole_decimals_of_parquet_have_no_point(tmp_path):
    ids = pa.array([Decimal("12.00"), Decimal("12.50"), Decimal("100.00")], pa.decimal128(38, 2))
    parquet.write_table(pa.table({"id": ids}), tmp_path / "x.parquet")
    [chunk] = Table(tmp_path / "x.parquet", SourceMapping(file="x.parquet")).chunks(["id"])
    assert chunk.frame["id"].tolist() == ["12", "12.50", "100"]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (
            '{"books": [{"id": "b1"}, {"id": "b2"}]}',
            "; write what is in its key 'books' as rows of their own",
        ),
        ('[{"n": 1, "book": {"id": "b1"}}]', "; it is within 'book': move it out"),
        ('{"tags": [], "title": "Emma", "books": [1]}', ""),
        ("[1, 2]", ""),
    ],
)
def test_a_key_that_lies_within_another_is_found(content, hint, tmp_path):
    (tmp_path / "x.json").write_text(content)
    assert Table(tmp_path / "x.json", SourceMapping(file="x.json")).hint("id") == hint
