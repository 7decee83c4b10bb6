"""JSON arrays, and JSON Lines in other encodings."""

import json

import pytest

from kg.errors import DataError
from kg.ingestion import chunks, json_reader
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.sources import Table


def read(path, columns, **source):
    found = list(Table(path, SourceMapping(file=path.name, **source)).chunks(columns))
    rows = {
        int(n): row for x in found for n, row in zip(x.frame.index, x.frame.to_dict("records"), strict=True)
    }
    return rows, {problem.row: (problem.value, problem.reason) for x in found for problem in x.unreadable}


@pytest.mark.parametrize("block", [1, 7, 2**20])
def test_an_array_is_read_element_by_element(block, tmp_path, monkeypatch):
    monkeypatch.setattr(json_reader, "BLOCK_BYTES", block)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    path = tmp_path / "x.json"
    path.write_bytes(
        b'\xef\xbb\xbf\n[ {"id": 12.0, "t": "a]"} ,{"id": NaN}, 3, null,\r\n'
        b'{"t": [1], "id": "\xff"}, [ ] ,{}]\n'
    )
    assert Table(path, SourceMapping(file="x.json")).columns() == ["id", "t"]
    rows, problems = read(path, ["id", "t"])
    assert rows == {1: {"id": "12", "t": "a]"}, 2: {"id": "", "t": ""}, 7: {"id": "", "t": ""}}
    assert {row: value for row, (value, _) in problems.items()} == {
        3: "3",
        4: "null",
        5: '{"t": [1], "id": "\ufffd"}',
        6: "[ ]",
    }
    assert problems[3][1] == "is not a JSON object in utf-8"


@pytest.mark.parametrize("block", [1, 2**20])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"id": 1}, {"id"', "cannot be read after row 1: element 2 is no JSON: '{\"id\"'"),
        ('[{"id": 1}, {"id": 2}', "cannot be read after row 1: the array is not closed"),
        ('[{"id": 1}, ', "cannot be read after row 1: the array is not closed"),
        ("[", "cannot be read: the array is not closed"),
        ('[{"id": 1} {"id": 2}]', "cannot be read after row 1: a comma or `]` is missing"),
        (
            '[{"id": 1}]\n[{"id": 1}]',
            "cannot be read after row 1: the file goes on after the end",
        ),
        ('[{"id": tru}]', "cannot be read: element 1 is no JSON: '{\"id\": tru}]'"),
        ("[" * 100_000, "cannot be read: element 1 is no JSON"),
    ],
)
def test_an_array_that_is_not_whole_is_named(text, problem, block, tmp_path, monkeypatch):
    if len(text) > 1_000 and block == 1:
        return
    monkeypatch.setattr(json_reader, "BLOCK_BYTES", block)
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError) as error:
        read(tmp_path / "x.json", ["id"])
    assert f"x.json: {problem}" in str(error.value)


def test_an_element_that_is_too_long_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(json_reader, "BLOCK_BYTES", 10)
    monkeypatch.setattr(json_reader, "ROW_CHARACTERS", 50)
    (tmp_path / "x.json").write_text('[{"id": 1}, {"id": "' + "x" * 100 + '"}]')
    with pytest.raises(DataError, match="after row 1: element 2 is no JSON within 50 characters"):
        read(tmp_path / "x.json", ["id"])


def test_an_empty_array_has_no_rows(tmp_path):
    (tmp_path / "x.json").write_text("[ ]")
    assert Table(tmp_path / "x.json", SourceMapping(file="x.json")).columns() is None
    assert read(tmp_path / "x.json", ["id"]) == ({}, {})


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_json_in_other_encodings(encoding, tmp_path):
    rows = [{"id": "é"}, {"id": "ü"}]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "x.jsonl").write_bytes(lines.encode(encoding))
    (tmp_path / "x.json").write_bytes(json.dumps(rows, ensure_ascii=False).encode(encoding))
    for name in ("x.jsonl", "x.json"):
        table = Table(tmp_path / name, SourceMapping(file=name, encoding=encoding))
        assert table.columns() == ["id"]
        assert read(tmp_path / name, ["id"], encoding=encoding) == (dict(enumerate(rows, 1)), {})
