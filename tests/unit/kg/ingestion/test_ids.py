"""Ids that several tools write differently."""

import json

import pytest

from kg.ingestion import chunks
from kg.ingestion.ids import as_seen, without_point
from kg.ingestion.ingest import IngestOptions, ingest
from kg.ingestion.mapping_file import load_mapping


@pytest.fixture
def films(tmp_path):
    """Writes films, their ratings and their parts, with a mapping whose films have this id."""

    def _films(key, films, ratings, parts=()):
        (tmp_path / "mapping.yaml").write_text(
            "sources:\n  films: {file: films.csv}\n  ratings: {file: ratings.csv}\n"
            "  parts: {file: parts.jsonl, lists: [of]}\n"
            f"nodes: {{User: {{role: user}}, Film: {{role: item, source: films, id: {key}, name: title}}}}\n"
            "relations: {PART_OF: {from: Film, to: Film, source: parts, head: film, tail: of}}\n"
            "interactions: {RATED: {source: ratings, user: user, item: film}}\n"
        )
        films_csv = "id,title\n" + "".join(f"{x},{y}\n" for x, y in films)
        (tmp_path / "films.csv").write_text(films_csv, encoding="utf-8")
        ratings_csv = "user,film\n" + "".join(f"{x},{y}\n" for x, y in ratings)
        (tmp_path / "ratings.csv").write_text(ratings_csv, encoding="utf-8")
        lines = [json.dumps({"film": x, "of": y}) for x, y in parts]
        (tmp_path / "parts.jsonl").write_text("\n".join(lines))
        return tmp_path

    return _films


def load(folder, store):
    options = IngestOptions(rejects=folder / "rejects.jsonl")
    report = ingest(load_mapping(folder / "mapping.yaml"), folder, store, options=options)
    return report, [json.loads(line) for line in (folder / "rejects.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("invisible", ["\u200b", "\u200b \ufeff", "\u00ad"])
def test_an_id_that_cannot_be_seen_is_rejected(films, fake_store, invisible):
    folder = films(
        "id", [("1", "Ran"), (invisible, "Ikiru")], [("u", "1"), (invisible, "1")], [("1", ["1", invisible])]
    )
    _, rejects = load(folder, fake_store)
    reason = "has only invisible characters; fill in an id or remove the row"
    assert [(x["row"], x["column"], x["reason"]) for x in rejects] == [
        (2, "id", reason),
        (2, "user", reason),
        (1, "of", reason),
    ]


@pytest.mark.parametrize("rows", [1, 100])
def test_integer_ids_are_read_alike_everywhere(films, fake_store, rows, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", rows)
    folder = films(
        "{column: id, type: integer}",
        [("12", "Alien"), ("13.0", "Aliens"), ("014", "Solaris"), ("12.0", "Alien")],
        [("u1.0", "12.0"), ("u1", "13"), ("u1", "1.4e1")],
        [(12.0, ["13.0", "14"]), ("13", [])],
    )
    report, told = load(folder, fake_store)
    assert told == []
    assert fake_store.nodes["Film"] == {
        "12": {"title": "Alien"},
        "13": {"title": "Aliens"},
        "14": {"title": "Solaris"},
    }
    assert sorted(fake_store.edges["RATED"]) == [("u1", "13"), ("u1", "14"), ("u1.0", "12")]
    assert sorted(fake_store.edges["PART_OF"]) == [("12", "13"), ("12", "14")]
    assert report.warnings == ()
    again, _ = load(folder, fake_store)
    assert again.as_dict()["totals"]["written"] == 0


def test_what_is_no_integer_is_rejected(films, fake_store):
    folder = films(
        "{type: integer}",
        [("1", "Alien"), ("x2", "Aliens")],
        [("u1", "1.5"), ("u1", "1")],
        [("1", ["1", "one"])],
    )
    _, told = load(folder, fake_store)
    reason = "is no whole number, as the ids of Film are by their `type: integer`"
    assert [(x["column"], x["value"], x["reason"]) for x in told] == [
        ("id", "x2", reason),
        ("film", "1.5", reason),
        ("of", "1, one", reason),
    ]


def test_the_id_of_a_label_without_a_source(tmp_path, fake_store):
    (tmp_path / "mapping.yaml").write_text(
        "sources: {x: {file: x.csv}}\n"
        'nodes: {User: {role: user, id: {type: integer}, name: "Reader {id}"}, Item: {role: item}}\n'
        "interactions: {SAW: {source: x, user: user, item: item}}\n"
    )
    (tmp_path / "x.csv").write_text("user,item\n7.0,a\n7,b\n007,b\n")
    report, told = load(tmp_path, fake_store)
    assert fake_store.nodes["User"] == {"7": {"name": "Reader 7"}}
    assert (told, report.warnings) == ([], ())


@pytest.mark.parametrize(
    ("known", "asked"), [("12", "12.0"), ("12.0", "12"), ("7", "007"), ("7", "07.0"), ("-3", "-3.00")]
)
def test_a_reference_that_only_a_point_or_zeros_make_dangle(films, fake_store, known, asked):
    _, [told] = load(films("id", [(known, "Alien")], [("u", asked)]), fake_store)
    assert told["reason"] == (
        f"is the id of no Film, but '{known}' is; add `id: {{column: id, type: integer}}` to nodes.Film"
    )


@pytest.mark.parametrize(
    ("known", "asked", "shown"),
    [
        ("Jos\u00e9", "Jose\u0301", r"'Jos\xe9'"),
        ("Jose\u0301", "Jos\u00e9", r"'Jose\u0301'"),
        ("b1", "b\u200b1", "'b1'"),
    ],
)
def test_a_reference_that_looks_like_an_id(films, fake_store, known, asked, shown):
    report, [told] = load(films("id", [(known, "Alien")], [("u", asked)]), fake_store)
    assert told["reason"] == (
        f"is the id of no Film, but {shown} is; they differ only in invisible characters or in how letters "
        "are composed (NFC, NFD): write them alike"
    )
    assert all(x.isprintable() for x in report.examples[0] if x != "\u0301")


def test_a_reference_within_one_source_gets_the_same_advice(tmp_path, fake_store):
    (tmp_path / "mapping.yaml").write_text(
        "sources: {staff: {file: staff.csv}, orders: {file: orders.csv}}\n"
        "nodes: {Employee: {role: user, source: staff}, Book: {role: item}}\n"
        "relations: {REPORTS_TO: {from: Employee, to: Employee, source: staff, head: id, tail: boss}}\n"
        "interactions: {BOUGHT: {source: orders, user: who, item: book}}\n"
    )
    (tmp_path / "staff.csv").write_text("id,boss\n1,2.0\n2,\n3,9\n")
    (tmp_path / "orders.csv").write_text("who,book\n2,b\n")
    _, told = load(tmp_path, fake_store)
    advice = "but '2' is; add `id: {column: id, type: integer}` to nodes.Employee"
    assert [(x["row"], x["value"], x["reason"]) for x in told] == [
        (1, "2.0", f"is the id of no Employee, {advice}"),
        (3, "9", "is the id of no Employee; add it to staff or remove the row"),
    ]


def test_no_control_character_reaches_a_terminal(films, fake_store):
    report, [told] = load(films("id", [("1", "Alien")], [("u", "\x1b[31m\u200b1")]), fake_store)
    assert told["value"] == "\x1b[31m\u200b1"
    assert r"'\x1b[31m\u200b1' is the id of no Film" in report.examples[0]


def test_how_ids_look():
    assert [as_seen(x) for x in ("b1", "b\u200b1", "Jose\u0301", "a\u00a0b", "a\tb")] == [
        *("b1", "b1", "Jos\u00e9", "a b", "a b")
    ]
    assert [without_point(x) for x in ("12.0", "-12.00", "12.", "12.5", "v1.0", "1.0.0", ".0", "12")] == [
        *("12", "-12", "12", "12.5", "v1.0", "1.0.0", ".0", "12")
    ]
