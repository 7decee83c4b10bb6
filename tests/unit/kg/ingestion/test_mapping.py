import pytest

from kg.errors import MappingError
from kg.ingestion.mapping_file import load_mapping
from kg.ingestion.template import render_all

SHOP = """\
sources:
  books: {file: books.csv, lists: [authors]}
nodes:
  Book:
    role: item
    source: books
    name: title
  Reader: {role: user}
  Author:
relations:
  AUTHORED_BY: {from: Book, to: Author, source: books, head: id, tail: authors}
interactions:
  BOUGHT:
    source: books
    user: buyer
    item: id
"""


@pytest.fixture
def load(tmp_path):
    def _load(text):
        path = tmp_path / "shop.yaml"
        path.write_text(text)
        return load_mapping(path)

    return _load


def test_schema(load):
    schema = load(SHOP).graph_schema()
    assert (schema.item.label, schema.user.label) == ("Book", "Reader")
    assert schema.item.name_property == "title"
    assert schema.user.name_property == "name"
    assert [x.label for x in schema.entities] == ["Author"]
    [relation] = schema.relations
    assert (relation.head, relation.tail) == ("Book", "Author")
    assert (relation.phrase.out, relation.phrase.back) == ("authored by", "as is")
    assert schema.interactions[0].liked_at_least is None


@pytest.mark.parametrize(
    ("good", "bad", "where", "hint"),
    [
        ("role: item", "rol: item", "line 5, nodes.Book.rol", "did you mean 'role'?"),
        ("role: item", "role: items", "line 5, nodes.Book.role", "did you mean 'item'?"),
        ("{from: Book", "{from: Bok", "line 11, relations.AUTHORED_BY.from", "did you mean 'Book'?"),
        ("to: Author", "two: Author", "line 11, relations.AUTHORED_BY.two", "did you mean 'to'?"),
        (
            "    source: books\n    user",
            "    source: book\n    user",
            "line 14, interactions.BOUGHT.source",
            "'books'?",
        ),
        ("user: buyer", "usr: buyer", "line 13, interactions.BOUGHT.user", "missing"),
        ("lists: [authors]", "list: [authors]", "line 2, sources.books.list", "did you mean 'lists'?"),
        ("interactions:", "interaction:", "line 12, interaction", "did you mean 'interactions'?"),
        ("role: user", "role: entity", "line 3, nodes", "exactly one label with the role user"),
        (
            "  Author:",
            "  An, Author:",
            "line 9, nodes.An, Author",
            "holds ',' (U+002C, COMMA); letters and digits",
        ),
        ("name: title", "name: '{title'", "line 7, nodes.Book.name", "{column[:6]}"),
        (
            "item: id",
            "item: id\n    liked_at_least: 4",
            "line 17, interactions.BOUGHT.liked_at_least",
            "`value`",
        ),
        ("name: title", "properties: {id: text}", "line 7, nodes.Book.properties.id", "kept for Trailmix"),
        ("name: title", "properties: {n: float}", "line 7, nodes.Book.properties.n.type", "'number'"),
        ("role: user", "role: user, text: '{id}'", "line 8, nodes.Reader.text", "role item"),
        ("role: user", "role: user, name: '{first}'", "line 8, nodes.Reader", "source"),
        ("item: id", "item: id\n    time: {column: t, unit: sec}", "interactions.BOUGHT.time.unit", "'s'"),
        ("  Author:", "  Author:\n  Reader:", "line 10", "given twice"),
        ("item: id", "item: id\n    value: v\n    liked_at_least: -1", "BOUGHT.liked_at_least", "0 or more"),
        ("name: title", "id: {type: number}", "line 7, nodes.Book.id.type", "'integer'"),
        ("name: title", "id: {colum: id}", "line 7, nodes.Book.id.colum", "'column'"),
        ("role: user", "role: user, id: {column: code}", "line 8, nodes.Reader", "source"),
        ("name: title", "properties: {n: {type: date, min: 5}}", "Book.properties.n", "5 is no date"),
        ("name: title", "properties: {n: {type: date, min: soon}}", "Book.properties.n", "'soon' is no date"),
        ("name: title", "properties: {n: {type: number, max: 2024-05-31}}", "properties.n", "no number"),
        ("name: title", "properties: {n: {type: text, max: 5}}", "properties.n", "numbers and dates"),
        ("name: title", "properties: {n: {type: number, unit: s}}", "properties.n", "date and datetime"),
        (
            "name: title",
            "properties: {n: {type: datetime, min: 2024-05-31, max: '2024-05-30T23:00Z'}}",
            "Book.properties.n",
            "is later than",
        ),
        ("[authors]", "[authors], thousands: '.'", "line 2, sources.books", "`decimal` and `thousands`"),
        (
            "[authors]",
            "[authors], decimal: ';;'",
            "line 2, sources.books.decimal",
            "';;' is not one mark, such as",
        ),
        ("[authors]", "[authors], decimal: 5", "line 2, sources.books.decimal", "valid string"),
        ("[authors]", "[authors], thousands: x", "sources.books.thousands", "'x' is not one mark, such as"),
        ("[authors]", "[authors], quote: ''", "sources.books.quote", "'' is not one mark, such as"),
        ("[authors]", "[authors], true_values: [no], false_values: [off]", "sources.books", "'false'"),
        ("role: user", "role: user, same_as: id", "line 8, nodes.Reader.same_as", "role item"),
        ("name: title", "same_as: authors", "line 7, nodes.Book.same_as", "one value"),
        ("name: title", "properties: {same_as: text}", "Book.properties.same_as", "kept for Trailmix"),
        ("    source: books\n    name: title", "    same_as: work", "nodes.Book", "need a `source`"),
        ("sources:", "sources: [", "shop.yaml", "YAML"),
        ("sources:", "sources: &all\n  again: *all", "shop.yaml", "holds itself"),
        ("name: title", "properties: {n: {type: integer, min: 5, max: 1}}", "Book.properties.n", "more than"),
        ("name: title", "properties: {n: {type: number, max: .inf}}", "Book.properties.n.max", "finite"),
        (
            "item: id",
            "item: id\n    time: {column: t, unit: s, min: 2024-01-02, max: '2024-01-01T00:00Z'}",
            "BOUGHT.time",
            "is later than",
        ),
        ("[authors]", '[authors], delimiter: "\'", quote: "\'"', "line 2, sources.books", "cannot be both"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_nearest_name(load, good, bad, where, hint):
    assert good in SHOP
    with pytest.raises(MappingError) as error:
        load(SHOP.replace(good, bad, 1))
    assert "shop.yaml" in str(error.value)
    assert where in str(error.value)
    assert hint in str(error.value)


def test_all_mistakes_are_named_at_once(load):
    with pytest.raises(MappingError, match=r"nodes\.Book\.rol.*\n.*interactions\.BOUGHT\.itm"):
        load(SHOP.replace("role: item", "rol: item").replace("item: id", "item: id\n    itm: id"))


def test_a_missing_file_and_an_empty_one(tmp_path, load):
    with pytest.raises(MappingError, match=r"nowhere\.yaml"):
        load_mapping(tmp_path / "nowhere.yaml")
    with pytest.raises(MappingError, match="sources: this key is missing"):
        load("")


@pytest.mark.parametrize("text", ["- 1\n", "reader,book\nr1,b1\n", "\ufeffPAR1"])
def test_another_file_in_its_place_is_called_so(load, text):
    with pytest.raises(MappingError, match=r"shop\.yaml: is no mapping file"):
        load(text)


def test_no_interactions_are_named_as_such(load):
    with pytest.raises(MappingError, match=r"interactions: .* at least 1"):
        load(SHOP[: SHOP.index("interactions:")] + "interactions: {}\n")


def test_a_text_leaves_out_what_is_missing():
    pieces = ("{title} ({year}).", "With {cast[:2]}.", "Of {genres}.")
    row = {"title": "Alien", "year": "1979", "cast": ["A", "B", "C"], "genres": []}
    assert render_all(pieces, row) == "Alien (1979). With A, B."
    assert render_all(pieces, row | {"year": "", "genres": ["Horror"]}) == "With A, B. Of Horror."
    assert render_all(pieces, row | {"title": "", "cast": []}) == ""


COMPOSED, DECOMPOSED = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"


def test_a_label_is_one_in_either_unicode_form(load):
    shop = SHOP.replace("  Author:", f"  {DECOMPOSED}:").replace("to: Author", f"to: {COMPOSED}")
    schema = load(shop).graph_schema()
    assert schema.entities[0].label == schema.relations[0].tail == COMPOSED


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        (
            "  Author:",
            f"  {COMPOSED}:\n  {DECOMPOSED}:",
            "differ only by the Unicode form of letters; rename one",
        ),
        ("  Author:", "  Author:\n  AUTHOR:", "the labels 'Author' and 'AUTHOR' differ only by case"),
        (
            "  BOUGHT:",
            "  Authored_by:",
            "the relation types 'AUTHORED_BY' and 'Authored_by' differ only by case",
        ),
        ("  Author:", '  "Auth\\u200bor":', "nodes.Auth\\u200bor: 'Auth\\u200bor' is not a name: it holds"),
        ("  Author:", '  "A`) DETACH DELETE n //":', "it holds '`' (U+0060, GRAVE ACCENT)"),
        ("  Author:", "  Author:of:", "it holds ':' (U+003A, COLON)"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(load, good, bad, problem):
    assert good in SHOP
    with pytest.raises(MappingError) as error:
        load(SHOP.replace(good, bad, 1))
    assert problem in str(error.value)
