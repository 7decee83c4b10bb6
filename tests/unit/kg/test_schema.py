import pytest
from pydantic import ValidationError

from kg.errors import GraphSchemaError
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

WORDS = Phrase(out="by", back="who also wrote")


def schema(labels=("Reader:user", "Book:item", "Author:entity"), relations=("BY",), interactions=("BOUGHT",)):
    return GraphSchema(
        labels=tuple(LabelSchema(label=x.split(":")[0], role=x.split(":")[1]) for x in labels),
        relations=tuple(RelationSchema(type=x, head="Book", tail="Author", phrase=WORDS) for x in relations),
        interactions=tuple(InteractionSchema(type=x) for x in interactions),
    )


def test_roles_and_names():
    shop = schema()
    assert (shop.user.label, shop.item.label, [x.label for x in shop.entities]) == (
        "Reader",
        "Book",
        ["Author"],
    )
    assert shop.relation("BY").tail == "Author"
    with pytest.raises(GraphSchemaError, match="no label Film in this graph; it has Reader, Book, Author"):
        shop.label("Film")
    with pytest.raises(GraphSchemaError, match="no relation STARS"):
        shop.relation("STARS")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"labels": ("Book:item", "Author:entity")}, "exactly one label with the role user, not none"),
        ({"labels": ("Reader:user", "Book:item", "Film:item", "Author:entity")}, "exactly one label"),
        ({"labels": ("Reader:user", "Book:item", "Book:entity")}, "label Book is given twice"),
        ({"labels": ("Reader:user", "Book:item")}, "joins the unknown label Author"),
        ({"interactions": ("BY",)}, "relation type BY is given twice"),
        ({"interactions": ()}, "at least 1"),
    ],
)
def test_a_graph_that_cannot_be(changes, problem):
    with pytest.raises(ValidationError, match=problem):
        schema(**changes)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            "9lives",
            "_x",
            " Film",
            "Film ",
            "a`b",
            "a:b",
            "a.b",
            "a/b",
            "a,b",
            "a*b",
            "a~b",
            "a\\b",
            "🎬",
        ),
        *("n) DETACH DELETE (n", "A`) DETACH DELETE n //", "TrailmixSchema", "TRAILMIXRUN"),
        *(
            "a\tb",
            "a\nb",
            "a\x00b",
            "a\u00a0b",
            "a\u200bb",
            "a\u200db",
            "a\u202eb",
            "\ufeffa",
            "a\u3164",
            "a\ufe0f",
        ),
        *("a\ud800", "\u0301a", "x" * 64, "é" * 32, "作" * 22),
    ],
)
def test_only_safe_names_reach_cypher(name):
    with pytest.raises(ValidationError):
        LabelSchema(label=name, role="entity")
    with pytest.raises(ValidationError):
        InteractionSchema(type=name)


def test_merging_keeps_both_and_lets_newer_words_win():
    newer = GraphSchema(
        labels=(*schema().labels, LabelSchema(label="Shop", role="entity")),
        relations=(
            RelationSchema(
                type="BY", head="Book", tail="Author", phrase=Phrase(out="penned by", back="who penned")
            ),
            RelationSchema(type="SOLD_IN", head="Book", tail="Shop", phrase=WORDS),
        ),
        interactions=(InteractionSchema(type="READ"),),
    )
    both = schema().merged(newer)
    assert [x.label for x in both.labels] == ["Reader", "Book", "Author", "Shop"]
    assert [x.type for x in both.relations] == ["BY", "SOLD_IN"]
    assert both.relation("BY").phrase.out == "penned by"
    assert [x.type for x in both.interactions] == ["BOUGHT", "READ"]
    assert both.merged(newer) == both


def test_merging_what_disagrees():
    with pytest.raises(GraphSchemaError, match="label Reader has the role user in this graph, not entity"):
        schema().merged(schema(labels=("Author:user", "Book:item", "Reader:entity"), relations=()))
    turned = schema().model_copy(
        update={"relations": (RelationSchema(type="BY", head="Author", tail="Book", phrase=WORDS),)}
    )
    with pytest.raises(GraphSchemaError, match="BY joins Book to Author"):
        schema().merged(turned)
    with pytest.raises(GraphSchemaError, match="does not fit the graph"):
        schema().merged(schema(labels=("Viewer:user", "Book:item", "Author:entity")))


@pytest.mark.parametrize(
    "name",
    ["Kochbuch Größe", "作者", "Film Noir", "R&B", "Children's Book", "Sci-Fi", "हिन्दी", "x" * 63, "作" * 21],
)
def test_names_of_any_script_are_taken(name):
    assert LabelSchema(label=name, role="entity", name_property=name).label == name
    assert InteractionSchema(type=name).type == name


def test_a_name_is_kept_in_its_composed_form():
    assert LabelSchema(label="Gro\u0308\u00dfe", role="entity").label == "Gr\u00f6\u00dfe"


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ("Author", "author", "the labels 'Author X' and 'author X' differ only by case"),
        ("Straße", "STRASSE", "the labels 'Straße X' and 'STRASSE X' differ only by case"),
        ("Film", "\uff26ilm", "differ only by case or by the form of letters"),
        ("Gr\u00f6\u00dfe", "Gro\u0308\u00dfe", "label Gr\u00f6\u00dfe X is given twice"),
    ],
)
def test_labels_that_are_alike_are_refused(one, other, problem):
    with pytest.raises(ValidationError, match=problem):
        schema(labels=("Reader:user", "Book:item", "Author:entity", f"{one} X:entity", f"{other} X:entity"))


def test_relation_types_that_are_alike_are_refused_but_not_a_label_and_a_type():
    with pytest.raises(ValidationError, match="the relation types 'BY' and 'by' differ only by case"):
        schema(interactions=("by",))
    assert schema(interactions=("BOOK",)).interactions[0].type == "BOOK"
