"""The commands on a graph with no events, with one, with none that is liked, and without items."""

import json
from pathlib import Path

import pytest

MAPPING = """\
sources:
  books: {file: books.csv, lists: [authors], separator: ";"}
  orders: {file: orders.csv}
nodes:
  Book: {role: item, source: books, id: isbn, name: title, text: ["{title} by {authors[:1]}.", "{blurb}"]}
  Reader: {role: user}
  Author:
relations:
  AUTHORED_BY: {from: Book, to: Author, source: books, head: isbn, tail: authors}
interactions:
  BOUGHT: {source: orders, user: reader, item: book, value: stars, liked_at_least: 3}
"""
AUTHORS = {
    "Terry Pratchett": "dragons and magic in a flat world",
    "Neil Gaiman": "gods walking among people",
    "Ursula K. Le Guin": "anarchist planets and ansibles",
    "Stanislaw Lem": "sentient oceans and robots",
    "Agatha Christie": "a murder on a train",
    "Jane Austen": "marriage and good manners",
}
PRATCHETT = {f"b{n:02}" for n in range(0, 30, 6)}

pytestmark = pytest.mark.parametrize("server", ["arcadedb"], indirect=True)


@pytest.fixture
def ingested(store, trailmix_here, tmp_path):
    """Ingest 30 books, of which every sixth is by the same author, and the given orders."""

    def ingest(orders: str, books: int = 30) -> Path:
        about = list(AUTHORS.items())
        rows = [
            f'b{n:02},Tale {n},{about[n % 6][0]},"A story about {about[n % 6][1]}, number {n}."'
            for n in range(books)
        ]
        (tmp_path / "books.csv").write_text("\n".join(["isbn,title,authors,blurb", *rows, ""]))
        (tmp_path / "orders.csv").write_text(f"reader,book,stars\n{orders}")
        (tmp_path / "mapping.yaml").write_text(MAPPING)
        trailmix_here("ingest", str(tmp_path / "mapping.yaml"))
        return tmp_path

    return ingest


def recommended(trailmix_here, *arguments):
    """The ids that are listed, and all that is remarked on."""
    answer = json.loads(trailmix_here("recommend", *arguments, "--json").stdout)
    return [item["item_id"] for item in answer["items"]], [x["detail"] for x in answer["warnings"]]


def test_without_events_what_is_known_of_the_books_ranks(ingested, trailmix_here) -> None:
    ingested("")
    trained = trailmix_here("train")
    rests = "no events to learn from: items are ranked by what is known of them (text and facts) alone"
    assert f"model: {rests}\n" in trained.stderr
    assert trained.stdout.startswith("model ")
    for asked in (["--text", "dragons and magic"], ["--like", "Author:Terry Pratchett"]):
        listed, remarks = recommended(trailmix_here, *asked, "--k", "5")
        assert set(listed) == PRATCHETT
        assert remarks == [rests]
    listed, remarks = recommended(trailmix_here, "--history", "b00", "--k", "4")
    assert set(listed) == PRATCHETT - {"b00"}
    _, remarks = recommended(trailmix_here, "a stranger")
    assert remarks[1:] == [
        rests,
        "nothing that is known tells these items apart: their order is fixed but arbitrary",
    ]
    failed = trailmix_here("evaluate", status=1)
    assert failed.stderr.splitlines()[-1] == (
        "trailmix: trial random: no liked event is held out, so there is nothing to measure"
    )


def test_from_the_first_event_on_what_is_similar_comes_first(ingested, trailmix_here) -> None:
    ingested("r1,b00,5\n")
    trained = trailmix_here("train")
    assert "too few events to learn a ranker from (likes: 1, users: 1)" in trained.stderr
    answer = json.loads(trailmix_here("recommend", "r1", "--k", "4", "--json").stdout)
    assert {item["item_id"] for item in answer["items"]} == PRATCHETT - {"b00"}
    assert all(item["ranking_score"] > 0.1 and item["paths"] for item in answer["items"])
    assert answer["warnings"] == []
    assert "model: unchanged inputs, reused" in trailmix_here("train").stderr
    assert json.loads(trailmix_here("train", "--refresh", "--json").stdout)["ranked_by"]


def test_events_that_are_no_likes_are_none_to_learn_from(ingested, trailmix_here) -> None:
    ingested("r1,b00,1\nr2,b01,2\n")
    assert "none of the 2 events counts as liked" in trailmix_here("train", "--no-measure").stderr
    listed, _ = recommended(trailmix_here, "r1", "--text", "dragons and magic", "--k", "4")
    assert set(listed) == PRATCHETT - {"b00"}


def test_without_items_there_is_one_line(ingested, trailmix_here) -> None:
    ingested("", books=0)
    for command in (["train"], ["train", "--no-measure"], ["evaluate"]):
        failed = trailmix_here(*command, status=1)
        assert failed.stderr.splitlines()[-1] == (
            "trailmix: the graph has no Book, so there is nothing to recommend: ingest items, then train"
        )
