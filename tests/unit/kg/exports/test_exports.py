"""A graph as files: what they hold to the letter, and all or nothing."""

import json
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from kg.errors import DataError, GraphError, UsageError
from kg.exports.neo4j_admin import export_neo4j_admin
from kg.exports.parquet import export_parquet
from kg.exports.recbole import export_recbole
from kg.exports.tables import Kind, as_kind, both, kind_of
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

PHRASE = Phrase(out="by", back="who wrote")
SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Reader", role="user"),
        LabelSchema(label="Book", role="item", name_property="title"),
        LabelSchema(label="Author", role="entity"),
    ),
    relations=(
        RelationSchema(type="BY", head="Book", tail="Author", phrase=PHRASE),
        RelationSchema(type="KNOWS", head="Reader", tail="Author", phrase=PHRASE),
    ),
    interactions=(InteractionSchema(type="READ"), InteractionSchema(type="SOLD")),
)
EXPORTS = (export_neo4j_admin, export_parquet, export_recbole)


@pytest.mark.parametrize("export", [export_neo4j_admin, export_recbole])
@pytest.mark.parametrize("name", ["a:b", "a,b", "a\tb"])
def test_a_property_of_another_program_that_no_header_can_hold_is_named(store, tmp_path, export, name):
    store.nodes["Book"]["b1"][name] = 1
    with pytest.raises(DataError, match=r"^Book: the property .* cannot stand in a header; rename it"):
        export(store, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export", [export_neo4j_admin, export_parquet, export_recbole])
@pytest.mark.parametrize("value", [date(2020, 1, 2), b"7", [date(2020, 1, 2)], ["x", 1], 2**40])
def test_values_of_another_program_are_exported(store, tmp_path, export, value):
    store.nodes["Book"][5] = {"seen in": value}
    assert export(store, tmp_path / "out").nodes >= 5


def test_recbole_has_the_value_and_time_of_another_program_as_numbers(store, tmp_path):
    """18263 days after 1970 are 1577923200 seconds."""
    store.edges["READ"] = {("r1", "b1"): {"value": "4.5", "time": date(2020, 1, 2)}}
    store.edges["SOLD"] = {}
    export_recbole(store, tmp_path / "shop")
    assert (tmp_path / "shop/shop.inter").read_text().splitlines()[1] == "r1\tb1\tREAD\t4.5\t1577923200"
    store.edges["READ"]["r1", "b1"]["time"] = "soon"
    with pytest.raises(DataError, match="READ from 'r1' to 'b1': the property time is 'soon'"):
        export_recbole(store, tmp_path / "again")


@pytest.fixture
def store(fake_store):
    fake_store.prepare(SCHEMA)
    readers = [{"id": "r1", "properties": {"age": 7, "trailmix_run": "run"}}, {"id": "r2", "properties": {}}]
    fake_store.upsert_nodes("Reader", readers)
    one = {"title": 'The "One"', "pages": 7, "price": 2, "sold": True, "tags": ["a b", "c"], "text": "x\n\ty"}
    two = {"title": '"Two"', "price": 2.5, "tags": [], "text": ""}
    fake_store.upsert_nodes("Book", [{"id": "b1", "properties": one}, {"id": "b2", "properties": two}])
    fake_store.upsert_nodes("Author", [{"id": "a, 1", "properties": {"name": "Ann"}}])
    fake_store.upsert_relations("BY", [{"head": "b1", "tail": "a, 1", "properties": {}}])
    fake_store.upsert_relations("KNOWS", [{"head": "r1", "tail": "a, 1", "properties": {"since": 1}}])
    fake_store.upsert_relations(
        "READ", [{"head": "r1", "tail": "b1", "properties": {"value": 4.0, "time": 9}}]
    )
    fake_store.upsert_relations("SOLD", [{"head": "r2", "tail": "b1", "properties": {}}])
    return fake_store


def read(folder):
    return {path.name: path.read_bytes().decode() for path in folder.iterdir()}


def test_files_for_neo4j_admin(store, tmp_path):
    done = export_neo4j_admin(store, tmp_path / "out")
    assert (done.nodes, done.relations) == (5, 4)
    assert done.notes == ("1 empty lists left out; neo4j-admin cannot import them",)
    files = read(tmp_path / "out")
    assert files.pop("Reader.nodes.csv") == 'id:ID(Reader),age:long\n"r2",\n"r1",7\n'
    assert files.pop("Book.nodes.csv") == (
        "id:ID(Book),pages:long,price:double,sold:boolean,tags:string[],text:string,title:string\n"
        '"b2",,2.5,,,"","""Two"""\n'
        '"b1",7,2.0,true,"a b\x1fc","x\n\ty","The ""One"""\n'
    )
    assert files.pop("Author.nodes.csv") == 'id:ID(Author),name:string\n"a, 1","Ann"\n'
    assert files.pop("BY.relations.csv") == ':START_ID(Book),:END_ID(Author)\n"b1","a, 1"\n'
    assert files.pop("KNOWS.relations.csv") == ':START_ID(Reader),:END_ID(Author),since:long\n"r1","a, 1",1\n'
    assert (
        files.pop("READ.relations.csv")
        == ':START_ID(Reader),:END_ID(Book),time:long,value:double\n"r1","b1",9,4.0\n'
    )
    assert files.pop("SOLD.relations.csv") == ':START_ID(Reader),:END_ID(Book)\n"r2","b1"\n'
    assert files.pop("TrailmixSchema.nodes.csv").startswith(
        "id:ID(TrailmixSchema),identity:string,revision:long,"
    )
    assert files.pop("constraints.cypher").count("IS UNIQUE;\n") == 4
    script = files.pop("import.sh")
    assert "--nodes=Book=Book.nodes.csv" in script
    assert "--relationships=READ=READ.relations.csv" in script
    assert files == {}


def test_files_for_recbole(store, tmp_path):
    done = export_recbole(store, tmp_path / "shop")
    assert (done.nodes, done.relations) == (4, 3)
    assert done.notes[0] == "KNOWS left out: RecBole has no facts about users"
    files = read(tmp_path / "shop")
    assert files.pop("shop.inter") == (
        "user_id:token\titem_id:token\ttype:token\trating:float\ttimestamp:float\n"
        "r1\tb1\tREAD\t4.0\t9\n"
        "r2\tb1\tSOLD\t1.0\t\n"
    )
    assert files.pop("shop.user") == "user_id:token\tage:float\nr2\t\nr1\t7\n"
    header, two, one = files.pop("shop.item").splitlines()
    assert header == (
        "item_id:token\tpages:float\tprice:float\tsold:token\ttags:token_seq\ttext:token_seq\ttitle:token_seq"
    )
    assert two == 'b2\t\t2.5\t\t\t\t"""Two"""'
    assert one == 'b1\t7\t2.0\tTrue\ta_b c\tx y\t"The ""One"""'
    assert (
        files.pop("shop.kg") == "head_id:token\trelation_id:token\ttail_id:token\nBook:b1\tBY\tAuthor:a, 1\n"
    )
    assert files.pop("shop.link") == "item_id:token\tentity_id:token\nb2\tBook:b2\nb1\tBook:b1\n"
    assert files == {}


def test_recboles_reader_gets_the_titles_back(store, tmp_path):
    export_recbole(store, tmp_path / "shop")
    items = pd.read_csv(tmp_path / "shop" / "shop.item", delimiter="\t", engine="python")
    assert items["title:token_seq"].tolist() == ['"Two"', 'The "One"']


def test_parquet_keeps_types(store, tmp_path):
    store.upsert_relations("KNOWS", [{"head": "r1", "tail": "a, 1", "properties": {"head": "odd"}}])
    done = export_parquet(store, tmp_path / "out")
    assert (done.nodes, done.relations, done.notes) == (5, 4, ())
    books = pq.read_table(tmp_path / "out" / "nodes" / "Book.parquet").to_pylist()
    one = {
        "pages": 7,
        "price": 2.0,
        "sold": True,
        "tags": ["a b", "c"],
        "text": "x\n\ty",
        "title": 'The "One"',
    }
    two = {"pages": None, "price": 2.5, "sold": None, "tags": [], "text": "", "title": '"Two"'}
    assert books == [{"id": "b2", **two}, {"id": "b1", **one}]
    knows = pq.read_table(tmp_path / "out" / "relations" / "KNOWS.parquet").to_pylist()
    assert knows == [{"head": "r1", "tail": "a, 1", "property_head": "odd", "since": 1}]
    assert GraphSchema(**json.loads((tmp_path / "out" / "schema.json").read_text())) == SCHEMA


def test_kinds():
    number, texts = Kind("number"), Kind("text", many=True)
    assert [kind_of(x) for x in (1, 1.0, True, "", ["a"], [1, 0.5], [])] == [
        Kind("integer"),
        number,
        Kind("boolean"),
        Kind("text"),
        texts,
        Kind("number", many=True),
        None,
    ]
    assert both(Kind("integer"), number) == number
    assert both(None, number) == both(number, None) == number
    assert both(Kind("boolean"), number) == both(number, Kind("number", many=True)) == Kind("text")
    assert as_kind(1, number) == 1.0
    assert [as_kind(x, Kind("text")) for x in (True, 1, "a", ["a"], None)] == [
        "true",
        "1",
        "a",
        '["a"]',
        None,
    ]
    assert as_kind([1, "a"], texts) == ["1", "a"]


@pytest.mark.parametrize("export", EXPORTS)
def test_a_folder_with_something_in_it_is_left_alone(store, tmp_path, export):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is there already"):
        export(store, tmp_path)
    (tmp_path / "empty").mkdir()
    export(store, tmp_path / "empty")
    assert {x.name for x in tmp_path.iterdir()} == {"mine", "empty"}


@pytest.mark.parametrize("export", EXPORTS)
def test_a_graph_that_changes_meanwhile_is_not_exported(store, tmp_path, export):
    def write(stage, _done, _total):
        if stage == "READ":
            store.nodes["Author"]["new"] = {}

    with pytest.raises(GraphError, match="export it again"):
        export(store, tmp_path / "out", write)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("export", "properties"),
    [(export_neo4j_admin, {"tags": ["a\x1fb", "c"]}), (export_neo4j_admin, {"a:b": 1})],
)
def test_what_cannot_be_written_is_said_and_nothing_is_left(store, tmp_path, export, properties):
    store.nodes["Author"]["a2"] = properties  # another client may write such names
    with pytest.raises(DataError):
        export(store, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_id_with_a_tab_cannot_go_to_recbole(store, tmp_path):
    store.upsert_nodes("Reader", [{"id": "r\t1", "properties": {}}])
    with pytest.raises(DataError, match=r"r\\t1"):
        export_recbole(store, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
