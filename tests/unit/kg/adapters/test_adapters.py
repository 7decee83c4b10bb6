# ruff: noqa: E501 -- rows stand as they are published
"""Published formats, a few rows each in the very form they are published in, into the graph they should make."""

from pathlib import Path

import pytest
from published import AMAZON, LASTFM

from kg.adapters.facts import relation_type
from kg.adapters.ntriples import Triple, parse
from kg.adapters.registry import ADAPTERS, adapted
from kg.errors import DataError, UsageError
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping

TOY = (
    "1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy%20Story%20(1995)"
    "|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
)
AIME = (
    "543|Misérables, Les (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Mis%E9rables%2C%20Les%20%281995%29"
    "|0|0|0|0|0|0|0|0|1|0|0|0|1|0|0|0|0|0|0\n"
)
NAMELESS = "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
GENRES_100K = (
    "unknown|0\nAction|1\nAdventure|2\nAnimation|3\nChildren's|4\nComedy|5\nCrime|6\nDocumentary|7\nDrama|8\n"
    "Fantasy|9\nFilm-Noir|10\nHorror|11\nMusical|12\nMystery|13\nRomance|14\nSci-Fi|15\nThriller|16\nWar|17\n"
    "Western|18\n\n"
)
MOVIELENS_100K = {
    "u.item": (TOY + AIME + NAMELESS).encode("latin-1"),
    "u.genre": GENRES_100K,
    "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
    "u.data": "1\t1\t5\t874965758\n2\t543\t3\t888550871\n1\t267\t1\t875692785\n",
}
MOVIELENS_1M = {
    "movies.dat": "1::Toy Story (1995)::Animation|Children's|Comedy\n"
    "73::Misérables, Les (1995)::Drama|Musical\n".encode("latin-1"),
    "users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n",
    "ratings.dat": "1::1::5::978824268\n2::73::4::978298124\n",
}
MOVIELENS_CSV = {
    "movies.csv": "movieId,title,genres\n"
    "1,Toy Story (1995),Adventure|Animation|Children|Comedy|Fantasy\n"
    '11,"American President, The (1995)",Comedy|Drama|Romance\n'
    '"131166",WWII IN HD,(no genres listed)\n',
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,11,3.5,964981247\n2,131166,0.5,1445714835\n",
    "tags.csv": 'userId,movieId,tag,timestamp\n2,1,Pixar,1445714994\n1,1,pixar,1445714996\n7,11,"quirky, fun",1445715\n',
    "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n",
}
RECBOLE = {
    "ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "242\tKolya\t1996\tComedy\n302\tL.A. Confidential\t1997\tCrime Film-Noir Mystery Thriller\n",
    "ml-100k.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n196\t49\tM\twriter\t55105\n",
    "ml-100k.link": "item_id:token\tentity_id:token\n242\tm.0dtfn\n302\tm.03kxj2\n9999\tm.0x\n",
    "ml-100k.kg": "head_id:token\trelation_id:token\ttail_id:token\n"
    "m.0dtfn\tfilm.film.genre\tm.01z4y\nm.03kxj2\tfilm.film.genre\tm.01z4y\nm.01z4y\tmedia.genre.films\tm.03kxj2\n"
    "m.01z4y\tmedia.genre.parent\tm.0\n",
}
KGAT = {
    "train.txt": "0 0 1\n1 1\n",
    "test.txt": "0 2\n1\n",
    "kg_final.txt": "0 13 3\n1 13 3\n3 9 1\n3 0 4\n",
    "item_list.txt": "org_id remap_id freebase_id\n0553092626 0 m.045wq1q\n0393316041 1 m.03_28m\n038548254X 2 m.0h2q1cq\n",
    "entity_list.txt": "org_id remap_id\nm.045wq1q 0\nm.03_28m 1\nm.0h2q1cq 2\nm.02xlf 3\nm.0kpv11 4\n",
    "relation_list.txt": "org_id remap_id\nhttp://rdf.freebase.com/ns/type.object.type 0\n"
    "http://rdf.freebase.com/ns/media_common.literary_genre.books_in_this_genre 9\n"
    "http://rdf.freebase.com/ns/book.book.genre 13\n",
    "user_list.txt": "org_id remap_id\nA3RTKL9KB8KLID 0\nA38LAIK2N83NH0 1\n",
}
KGCN = {
    "ratings_final.txt": "0\t0\t1\n0\t2\t0\n1\t1\t1\n",
    "kg_final.txt": "0\t0\t3\n1\t0\t3\n2\t1\t1\n",
    "item_index2entity_id.txt": "1\tm.0dl567\n7\tm.07hp4\n15\tm.01x\n",
    "kg.txt": "m.0dl567\tmusic.artist.genre\tm.06by7\nm.07hp4\tmusic.artist.genre\tm.06by7\nm.01x\tmusic.artist.label\tm.07hp4\n",
}
DBPEDIA = """\
# started 2015-11-02
<http://dbpedia.org/resource/Alien_(film)> <http://www.w3.org/2000/01/rdf-schema#label> "Alien"@en .
<http://dbpedia.org/resource/Alien_(film)> <http://www.w3.org/2000/01/rdf-schema#label> "Alien, le huiti\\u00E8me passager"@fr .
<http://dbpedia.org/resource/Alien_(film)> <http://www.w3.org/2000/01/rdf-schema#comment> "A \\"horror\\" film."@en .
<http://dbpedia.org/resource/Alien_(film)> <http://dbpedia.org/ontology/director> <http://dbpedia.org/resource/Ridley_Scott> .
<http://dbpedia.org/resource/Alien_(film)> <http://dbpedia.org/ontology/runtime> "7020.0"^^<http://www.w3.org/2001/XMLSchema#double> .
<http://dbpedia.org/resource/Aliens> <http://dbpedia.org/ontology/previousWork> <http://dbpedia.org/resource/Alien_(film)> .

_:b0 <http://dbpedia.org/ontology/starring> <http://dbpedia.org/resource/Sigourney_Weaver>.
"""
NTRIPLES = {
    "facts.nt": DBPEDIA,
    "interactions.csv": "user,item,rating\nu1,http://dbpedia.org/resource/Alien_(film),5\n"
    "u2,<http://dbpedia.org/resource/Aliens>,3\n",
}


@pytest.fixture
def load(fake_store, tmp_path):
    """Write the files, adapt and ingest them; returns the store."""

    def run(name, files):
        folder = tmp_path / "published"
        folder.mkdir(exist_ok=True)
        for file, content in files.items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        mapping = adapted(name, folder, tmp_path / "work")
        assert ingest(load_mapping(mapping), mapping.parent, fake_store).rejected == 0
        return fake_store

    return run


def pairs(store, kind):
    return set(store.edges[kind])


def test_movielens_100k(load):
    store = load("movielens-100k", MOVIELENS_100K)
    assert store.nodes["Movie"]["1"] == {
        "title": "Toy Story",
        "year": 1995,
        "released": "1995-01-01",
        "text": "Toy Story (1995). Genres: Animation, Children's, Comedy.",
    }
    assert store.nodes["Movie"]["543"]["title"] == "Misérables, Les"
    assert store.nodes["Movie"]["267"] == {"title": "unknown", "text": ""}
    assert store.nodes["User"]["1"] == {
        "name": "User 1",
        "age": 24,
        "gender": "M",
        "occupation": "technician",
    }
    assert ("543", "Musical") in pairs(store, "HAS_GENRE")
    assert len(store.edges["HAS_GENRE"]) == 5
    assert store.edges["RATED"]["1", "1"] == {"value": 5.0, "time": 874965758}


def test_movielens_1m(load):
    store = load("movielens-1m", MOVIELENS_1M)
    assert store.nodes["Movie"]["73"]["title"] == "Misérables, Les"
    assert store.nodes["User"]["1"]["occupation"] == "K-12 student"
    assert store.nodes["User"]["2"] == {
        "name": "User 2",
        "age": 56,
        "gender": "M",
        "occupation": "self-employed",
    }
    assert pairs(store, "HAS_GENRE") >= {("1", "Children's"), ("73", "Drama")}
    assert store.edges["RATED"]["2", "73"] == {"value": 4.0, "time": 978298124}


def test_movielens_csv(load):
    store = load("movielens", MOVIELENS_CSV)
    assert store.nodes["Movie"]["11"]["title"] == "American President, The"
    assert store.nodes["Movie"]["131166"] == {"title": "WWII IN HD", "text": ""}
    assert len(store.edges["HAS_GENRE"]) == 8
    assert pairs(store, "HAS_TAG") == {("1", "pixar"), ("11", "quirky, fun")}
    assert store.edges["RATED"]["1", "11"] == {"value": 3.5, "time": 964981247}


def test_movielens_csv_needs_no_tags(load):
    files = {name: content for name, content in MOVIELENS_CSV.items() if name != "tags.csv"}
    assert "HAS_TAG" not in load("movielens", files).edges


def test_hetrec_lastfm(load):
    store = load("hetrec-lastfm", LASTFM)
    assert store.nodes["Artist"]["99"]["name"] == '"Weird Al'
    assert store.nodes["Tag"]["9"] == {"name": "música"}
    assert pairs(store, "HAS_TAG") == {("51", "1"), ("51", "9")}
    assert pairs(store, "FRIEND_OF") == {("2", "3"), ("3", "2")}
    assert store.edges["LISTENED_TO"]["2", "51"] == {"value": 13883.0}


def test_amazon_2023(load):
    store = load("amazon-2023", AMAZON)
    item = store.nodes["Item"]["B01CUPMQZE"]
    assert item["title"] == "Howard LC0008 Leather Conditioner, 8-Ounce (4-Pack)"
    assert item["department"] == "All Beauty"
    assert "price" not in item
    assert item["text"] == (
        "Howard LC0008 Leather Conditioner, 8-Ounce (4-Pack). By Howard Products. "
        "Beauty / Care, Leather. Cleans and conditions"
    )
    assert store.nodes["Item"]["B081TJ8YS3"] == {"title": "B081TJ8YS3", "text": ""}
    assert pairs(store, "SOLD_BY") == {("B01CUPMQZE", "Howard Products")}
    assert pairs(store, "IN_CATEGORY") == {("B01CUPMQZE", "Beauty / Care"), ("B01CUPMQZE", "Leather")}
    reviewed = store.edges["REVIEWED"]["AGKHLEW2SOWHNMFQIJGBECAF7INQ", "B01CUPMQZE"]
    assert reviewed == {"value": 5.0, "time": 1588687728}


def test_recbole(load):
    store = load("recbole", RECBOLE)
    assert store.nodes["Item"]["302"] == {
        "name": "L.A. Confidential",
        "text": "L.A. Confidential. release year: 1997. class: Crime Film-Noir Mystery Thriller.",
    }
    assert store.edges["INTERACTED"]["196", "242"] == {"value": 3.0, "time": 881250949}
    assert pairs(store, "FILM_FILM_GENRE") == {("242", "m.01z4y"), ("302", "m.01z4y")}
    assert pairs(store, "MEDIA_GENRE_FILMS") == {("m.01z4y", "302")}
    assert store.schema().relation("MEDIA_GENRE_PARENT").tail == "Entity"
    assert set(store.nodes["Entity"]) == {"m.01z4y", "m.0"}


def test_recbole_with_interactions_alone(load):
    store = load("recbole", {"x.inter": "user_id:token\titem_id:token\nu\ti\n"})
    assert store.nodes["Item"] == {"i": {"name": "i"}}
    assert store.edges == {"INTERACTED": {("u", "i"): {"value": 1.0}}}


def test_kgat(load):
    store = load("kgat", KGAT)
    assert pairs(store, "INTERACTED") == {("0", "0"), ("0", "1"), ("0", "2"), ("1", "1")}
    assert store.nodes["Item"]["2"]["name"] == "038548254X"
    assert store.nodes["Entity"] == {"3": {"name": "m.02xlf"}, "4": {"name": "m.0kpv11"}}
    assert pairs(store, "BOOK_BOOK_GENRE") == {("0", "3"), ("1", "3")}
    assert pairs(store, "MEDIA_COMMON_LITERARY_GENRE_BOOKS_IN_THIS_GENRE"[:50]) == {("3", "1")}
    assert pairs(store, "TYPE_OBJECT_TYPE") == {("3", "4")}


def test_kgcn(load):
    store = load("kgcn", KGCN)
    assert pairs(store, "INTERACTED") == {("0", "0"), ("1", "1")}
    assert {external: x["name"] for external, x in store.nodes["Item"].items()} == {
        "0": "m.0dl567",
        "1": "m.07hp4",
        "2": "m.01x",
    }
    assert pairs(store, "MUSIC_ARTIST_GENRE") == {("0", "3"), ("1", "3")}
    assert pairs(store, "MUSIC_ARTIST_LABEL") == {("2", "1")}
    assert store.schema().relation("MUSIC_ARTIST_LABEL").tail == "Item"


def test_ntriples(load):
    store = load("ntriples", NTRIPLES)
    alien, aliens = "http://dbpedia.org/resource/Alien_(film)", "http://dbpedia.org/resource/Aliens"
    assert store.nodes["Item"][alien] == {"name": "Alien", "text": 'Alien. A "horror" film.'}
    assert store.nodes["Item"][aliens] == {"name": aliens, "text": ""}
    assert pairs(store, "DIRECTOR") == {(alien, "http://dbpedia.org/resource/Ridley_Scott")}
    assert pairs(store, "PREVIOUS_WORK") == {(aliens, alien)}
    assert pairs(store, "STARRING") == {("_:b0", "http://dbpedia.org/resource/Sigourney_Weaver")}
    assert store.nodes["Entity"]["http://dbpedia.org/resource/Ridley_Scott"]["name"] == "Ridley_Scott"
    assert store.edges["INTERACTED"]["u2", aliens] == {"value": 3.0}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<a:s> <a:p> <a:o> .", ("a:s", "a:p", "a:o", None, None)),
        ("_:s1 <a:p> _:o.1. # said", ("_:s1", "a:p", "_:o.1", None, None)),
        ('<a:s> <a:p> "x\\ty \\U0001F3AC\\\\ \\"q\\"" .', ("a:s", "a:p", None, 'x\ty 🎬\\ "q"', None)),
        ('<a:s><a:p>"x"@en-GB.', ("a:s", "a:p", None, "x", "en")),
        ('<a:s> <a:p> "1"^^<a:int> .', ("a:s", "a:p", None, "1", None)),
        ("<a:\\u00E9> <a:p> <a:o> .", ("a:é", "a:p", "a:o", None, None)),
    ],
)
def test_triples_as_the_grammar_has_them(line, expected):
    assert parse(line) == Triple(*expected)


@pytest.mark.parametrize(
    "line", ["<a:s> <a:p> .", "<a:s> <a:p> <a:o>", '<a:s> "p" <a:o> .', "<a:s> <a:p> 5 ."]
)
def test_what_is_no_triple_is_refused(line):
    with pytest.raises(ValueError, match="is no triple"):
        parse(line)


def test_predicates_become_types():
    assert relation_type("http://dbpedia.org/ontology/birthPlace") == "BIRTH_PLACE"
    assert relation_type("http://www.w3.org/1999/02/22-rdf-syntax-ns#type") == "TYPE"
    assert relation_type("13") == "R_13"
    assert relation_type("http://www.w3.org/ns/") == "NS"


def test_predicates_of_one_name_are_two_types(load):
    facts = "<i:1> <a:x/by> <e:1> .\n<i:1> <b:y/by> <e:1> .\n<i:1> <a:x/by> <i:2> .\n"
    store = load("ntriples", {"f.nt": facts, "interactions.csv": "user,item\nu,i:1\nu,i:2\n"})
    assert {kind: pairs(store, kind) for kind in ("BY", "BY_2", "BY_3")} == {
        "BY": {("i:1", "e:1")},
        "BY_2": {("i:1", "e:1")},
        "BY_3": {("i:1", "i:2")},
    }


def test_again_gives_the_same_files(load, tmp_path):
    load("recbole", RECBOLE)
    first = {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir()}
    load("recbole", RECBOLE)
    assert {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir()} == first


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("movielens", {"movies.csv": ""}, "has no ratings.csv; the format movielens needs"),
        ("movielens", {**MOVIELENS_CSV, "movies.csv": "movieId,title,genres\n1,Toy\n"}, "movies.csv, line 2"),
        (
            "movielens-1m",
            {**MOVIELENS_1M, "users.dat": "1::F::1::77::4\n"},
            "is not as movielens-1m is published",
        ),
        (
            "movielens-1m",
            {**MOVIELENS_1M, "ratings.dat": "1,1,5,9\n"},
            "ratings.dat, line 1: has 1 values, not 4",
        ),
        ("movielens-100k", {**MOVIELENS_100K, "u.data": b"\xff\xfe"}, "u.data: is not utf-8"),
        ("amazon-2023", {"All_Beauty.jsonl": "{}"}, "meta_"),
        ("amazon-2023", {**AMAZON, "meta_All_Beauty.jsonl": "{"}, "line 1: is no JSON"),
        (
            "amazon-2023",
            {**AMAZON, "All_Beauty.jsonl.gz": b"no archive"},
            "All_Beauty.jsonl.gz: cannot be read",
        ),
        ("recbole", {}, "one file *.inter is needed; it has none"),
        ("recbole", {"a.inter": "user:token\n"}, "line 1: has no field 'user_id'; it has user"),
        ("recbole", {"a.inter": "user_id:token\titem_id:token\nu\n"}, "line 2: has 1 values, not 2"),
        ("kgat", {**KGAT, "item_list.txt": "org_id remap_id\nx y\n"}, "has no remap_id"),
        ("ntriples", {**NTRIPLES, "facts.nt": "nonsense\n"}, "line 1: 'nonsense' is no triple"),
        ("ntriples", {**NTRIPLES, "interactions.csv": "a,b\n"}, "has no column 'user'"),
    ],
)
def test_what_is_not_as_published_is_said(load, name, files, said):
    with pytest.raises(DataError) as error:
        load(name, files)
    assert said in str(error.value)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'movielens'"):
        adapted("movielense", tmp_path, tmp_path / "work")


def test_every_format_is_documented():
    table = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text()
    for name in ADAPTERS:
        assert f"| `{name}` |" in table
