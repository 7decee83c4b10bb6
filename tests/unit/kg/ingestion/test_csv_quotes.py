"""A wrong quote costs one row, and a right one costs none."""

import pytest

from kg.errors import DataError
from kg.ingestion import csv_lines, csv_reader
from kg.ingestion.source_mapping import SourceMapping

HEADER = "id,title,author\n"


def read(tmp_path, text, **source):
    """The values of the readable rows and the reasons of the others, by row number."""
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    mapping = SourceMapping(file="x.csv", **source)
    found = list(csv_reader.read(path, mapping, csv_reader.names(path, mapping)))
    rows = {
        int(n): tuple(row)
        for x in found
        for n, row in zip(x.frame.index, x.frame.to_numpy().tolist(), strict=True)
    }
    reasons = {problem.row: problem.reason for x in found for problem in x.unreadable}
    assert sorted([*rows, *reasons]) == list(range(1, len(rows) + len(reasons) + 1))
    return rows, reasons


@pytest.mark.parametrize(
    ("lines", "readable", "reasons"),
    [
        (  # closed by the quote that opens a later value
            ['b1,"The Best,T', "b2,Sula,M", 'b3,"Jazz",M'],
            {2: ("b2", "Sula", "M"), 3: ("b3", "Jazz", "M")},
            {1: "opens a quote in line 2 that closes only in line 4, before other text"},
        ),
        (  # never closed
            ["b1,x,y", 'b2,"The Best,T', "b3,Sula,M"],
            {1: ("b1", "x", "y"), 3: ("b3", "Sula", "M")},
            {2: "opens a quote in line 3 that is never closed; close it, or take quotes as text"},
        ),
        (  # closed by a stray quote, so that three rows have become one of three values
            ['b1,"The Best,T', "b2,Sula,M", 'b3,Jazz",M', "b4,x,y"],
            {2: ("b2", "Sula", "M"), 3: ("b3", 'Jazz"', "M"), 4: ("b4", "x", "y")},
            {1: "opens a quote in line 2 that closes only in line 4, after lines that look like rows"},
        ),
        (  # the same after a quoted comma
            ['b1,"A, B","T', 'b2,Sula,M"'],
            {2: ("b2", "Sula", 'M"')},
            {1: "opens a quote in line 2 that closes only in line 3, after lines that look like rows"},
        ),
        (  # closed by a stray quote, so that the values are too many
            ['b1,"The Best,T', "b2,Sula,M", 'b3,x",y,z', "b4,x,y"],
            {2: ("b2", "Sula", "M"), 4: ("b4", "x", "y")},
            {
                1: "opens a quote in line 2 that closes only in line 4, after lines that look like rows",
                3: "has 4 values where there are 3 columns",
            },
        ),
        (  # inner quotes that are not doubled
            ['b1,"The "Best" Book",T', "b2,Sula,M"],
            {2: ("b2", "Sula", "M")},
            {1: "has text after a closing quote in line 2; write a quote within a value twice"},
        ),
        (  # ... escaped by a backslash
            [r'b1,"The \"Best\" Book",T', "b2,Sula,M"],
            {2: ("b2", "Sula", "M")},
            {1: "has text after a closing quote in line 2"},
        ),
        (  # several lines, too many values, and no line that looks like a row
            ['b1,"two', 'lines",T,y', "b2,Sula,M"],
            {2: ("b2", "Sula", "M")},
            {1: "has 4 values where there are 3 columns; it goes from line 2 to line 3: is a quote not"},
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_wrong_quote_costs_its_row_alone(lines, readable, reasons, end, tmp_path):
    rows, found = read(tmp_path, end.join([HEADER.strip(), *lines, ""]))
    assert rows == readable
    assert found.keys() == reasons.keys()
    for row, reason in reasons.items():
        assert found[row].startswith(reason)


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (['b1,"A tale, long', 'of love, loss","T"'], [("b1", "A tale, long\nof love, loss", "T")]),
        (['b1,"War and', 'Peace",Tolstoy'], [("b1", "War and\nPeace", "Tolstoy")]),
        (['b1,"Wait,', 'what, no?",T'], [("b1", "Wait,\nwhat, no?", "T")]),
        (['b1,"x', "", 'y ""z""",T', ""], [("b1", 'x\n\ny "z"', "T")]),
        (['b1,5" disk,T', 'b2,"5"" disk",T'], [("b1", '5" disk', "T"), ("b2", '5" disk', "T")]),
        (['"b1" ,"x, y" ,T', 'b2,"","" '], [("b1", "x, y", "T"), ("b2", "", "")]),
        (['"b1", "x, y",T', 'b2,  "x",  "T"'], [("b1", "x, y", "T"), ("b2", "x", "T")]),
        (['b1,"x, y"\t,T', 'b2, "x" ,"T"\t'], [("b1", "x, y", "T"), ("b2", "x", "T")]),
        (['b1,"x', 'y", "T"'], [("b1", "x\ny", "T")]),
        # like swallowed rows, but line ends are usual in that column
        (['b1,"x,y', 'z,z",T', 'b2,"a', 'b",T'], [("b1", "x,y\nz,z", "T"), ("b2", "a\nb", "T")]),
        (
            ['b1,"x,y', 'z,z",T', 'b2,"x,y', 'z,z",T', 'b3,"x,y', 'z,z",T'],
            [(f"b{n}", "x,y\nz,z", "T") for n in (1, 2, 3)],
        ),
    ],
)
def test_right_quotes_cost_nothing(lines, values, tmp_path):
    rows, problems = read(tmp_path, HEADER + "\n".join(lines) + "\n")
    assert problems == {}
    assert list(rows.values()) == values


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_numbered_over_values_of_several_lines_and_blank_lines(end, tmp_path):
    lines = ["id,title", "", '1,"a', 'b"', "", "2,x,y", '3,"z', "4,x"]
    rows, problems = read(tmp_path, end.join(lines))
    assert rows == {1: ("1", f"a{end}b"), 4: ("4", "x")}
    assert problems[2] == "has 3 values where there are 2 columns (line 6)"
    assert problems[3].startswith("opens a quote in line 7 that is never closed")


@pytest.mark.parametrize("limit", [10, 50, 1_000])
def test_blocks_of_any_size_give_the_same_rows(limit, tmp_path, monkeypatch):
    lines = [f'{n},"title, {n}",x\r\n' for n in range(100)]
    lines[20], lines[40], lines[60] = '20,"a\nb",x\r\n', '40,"stray,x\r\n', "60,x\r\n"
    expected = read(tmp_path, HEADER + "".join(lines))
    assert len(expected[0]) == 98
    assert expected[1].keys() == {41, 61}
    monkeypatch.setattr(csv_lines, "_BLOCK_CHARACTERS", limit)
    assert read(tmp_path, HEADER + "".join(lines)) == expected


def test_a_quote_that_closes_too_late_counts_as_never_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_lines, "ROW_CHARACTERS", 30)
    text = HEADER + 'b1,"x,y\n' + "b2,x,y\n" * 5 + 'b7,x",y\n'
    rows, problems = read(tmp_path, text)
    assert list(problems) == [1]
    assert problems[1].startswith("opens a quote in line 2 that is never closed within")
    assert list(rows) == [2, 3, 4, 5, 6, 7]
    with pytest.raises(DataError, match=r"x\.csv: has a line of more than"):
        read(tmp_path, HEADER + "b1,x," + "y" * 30)


def test_quotes_that_would_take_too_long_are_an_error(tmp_path, monkeypatch):
    """Each line opens a quote that is never closed, so each would be read to the end of the file."""
    monkeypatch.setattr(csv_lines, "REREAD_CHARACTERS", 1_000)
    with pytest.raises(DataError, match=r"x\.csv: has too many quotes that are not closed, .* `quote: null`"):
        read(tmp_path, HEADER + 'b1",x,"y\n' * 100)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ('id,"title,author', "opens a quote in line 1 that is never closed"),
        ('id,"ti"tle,author', "has text after a closing quote in line 1"),
    ],
)
def test_wrong_quotes_among_the_names_are_an_error(header, problem, tmp_path):
    with pytest.raises(DataError, match=rf"x\.csv: the first row, which must name the columns, {problem}"):
        read(tmp_path, header + "\n1,2,3\n")


@pytest.mark.parametrize(
    ("text", "names"), [('\ufeff"id","the\ntitle"\n1,2', ["id", "the\ntitle"]), ('"id" ,"b"', ["id", "b"])]
)
def test_names_may_be_quoted_and_go_over_lines(text, names, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert csv_reader.names(path, SourceMapping(file="x.csv")) == names


@pytest.mark.parametrize("delimiter", ["::", "||", " | ", ";", "\u00a6", "\x01"])
def test_delimiters_of_any_characters(delimiter, tmp_path):
    lines = ["id,title", '1,"a,b"', "2,x:y|z", "3,x,y"]
    text = "\n".join(line.replace(",", delimiter) for line in lines)
    rows, problems = read(tmp_path, text, delimiter=delimiter)
    assert rows == {1: ("1", f"a{delimiter}b".strip()), 2: ("2", "x:y|z")}
    assert problems == {3: "has 3 values where there are 2 columns"}


def test_a_quote_among_several_characters_of_a_delimiter(tmp_path):
    rows, problems = read(tmp_path, 'id::title\n1::"a\n2::c\n3::d"\n', delimiter="::")
    assert rows == {2: ("2", "c"), 3: ("3", 'd"')}
    assert list(problems) == [1]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\ufeffSEP=;\n"])
def test_the_line_with_which_excel_is_told_the_delimiter(first, tmp_path):
    assert read(tmp_path, first + "id;title\n1;x\n") == ({1: ("1", "x")}, {})
    assert read(tmp_path, first + "1;x\n", columns=["id", "title"]) == ({1: ("1", "x")}, {})
    assert read(tmp_path, first + "id|title\n1|x\n", delimiter="|") == ({1: ("1", "x")}, {})


def test_without_a_header_a_wrong_delimiter_is_told_with_each_row(tmp_path):
    _, problems = read(tmp_path, "1;x\n2;y\n", columns=["id", "title"])
    assert problems[2] == problems[1]
    assert problems[1].endswith("; it looks delimited by ';': add `delimiter: \";\"` to the source")


def test_an_empty_file_whose_columns_are_named_has_no_rows(tmp_path):
    assert read(tmp_path, "", columns=["id", "title"]) == ({}, {})


def test_a_value_with_a_blank_line_is_no_swallowed_row(tmp_path):
    assert read(tmp_path, '"a\n\nb"\nc\n', columns=["id"]) == ({1: ("a\n\nb",), 2: ("c",)}, {})
    assert list(read(tmp_path, '"a\nb\nc\n', columns=["id"])[0].values()) == [("b",), ("c",)]


def test_the_names_of_columns_have_no_blanks_around_them(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('id, title ,"author" \nb1, x ,T\n')
    assert csv_reader.names(path, SourceMapping(file="x.csv")) == ["id", "title", "author"]


def test_a_quote_swallows_rows_where_blanks_follow_delimiters(tmp_path):
    rows, problems = read(
        tmp_path, 'id, title, author\nb1, "The Best, T\nb2, Sula, M\nb3, Jazz", M\nb4, x, y\n'
    )
    assert rows == {2: ("b2", "Sula", "M"), 3: ("b3", 'Jazz"', "M"), 4: ("b4", "x", "y")}
    assert problems[1].startswith(
        "opens a quote in line 2 that closes only in line 4, after lines that look like rows"
    )


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("b1,'x, y',T", "; if its values are quoted by ', add `quote: \"'\"` to the source"),
        ("b1,x: y, z,T", ""),
        ("b1,it's x, y,T", ""),
        ("b1,x; y; z", ""),
        ("b1;x, y;T", ""),  # the first line has told the delimiter
        ("b1;x;T", "; it looks delimited by ';': add `delimiter: \";\"` to the source"),
    ],
)
def test_the_advice_for_a_row_with_too_many_or_too_few_values(line, advice, tmp_path):
    _, problems = read(tmp_path, f"{HEADER}{line}\n")
    assert problems[1].partition(" columns")[2] == advice


@pytest.mark.parametrize("delimiter", [",", "::", "\t"])
def test_a_row_that_does_not_fit_where_quotes_are_text(delimiter, tmp_path):
    lines = ["id,title,author", 'b1,"x,T', 'b2,"x', 'b3,5" x,T,"', '"b4",x,T', "b5"]
    text = "\n".join(line.replace(",", delimiter) for line in lines)
    rows, problems = read(tmp_path, text, delimiter=delimiter, quote=None)
    assert rows == {1: ("b1", '"x', "T"), 4: ('"b4"', "x", "T")}
    assert problems == {
        n: f"has {count} values where there are 3 columns" for n, count in ((2, 2), (3, 4), (5, 1))
    }
