"""`POST /similar`: by taste, facts and texts, of items and entities, with reasons."""

from dataclasses import replace
from math import log1p, sqrt
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from kg.errors import InvalidFieldsError
from kg.explanation.adjacency import FactAdjacency
from kg.graph import GraphSnapshot
from service.found.contract import SimilarAnswer, SimilarRequest
from service.found.similar import Examples, Similar
from service.recommender import Recommender, SinceSnapshot


def similar(recommender: Recommender, *positive: str, **fields: Any) -> SimilarAnswer:
    request = SimilarRequest(positive=list(positive), **fields)
    return recommender.finder.similar(request, request_id="r")


def hits(answer: SimilarAnswer) -> list[str]:
    return [f"{hit.label}:{hit.id}" for hit in answer.hits]


def cosines(answer: SimilarAnswer, kind: str) -> dict[str, float]:
    return {hit.id: hit.similarities[kind] for hit in answer.hits}


def test_by_what_the_same_people_like(recommender: Recommender) -> None:
    """u1 likes m1 m4; u2 m1 m6; u3 m1 m6; u4 m1 to m5: they count 1/2, 1/2, 1/2 and 1/5 in products.
    The node vectors are orthogonal and say nothing."""
    answer = similar(recommender, "Movie:m1", by="taste")
    length = sqrt(3 / 2 + 1 / 5)
    assert cosines(answer, "co_likes") == pytest.approx(
        {
            "m6": 1 / (length * sqrt(1)),
            "m4": (1 / 2 + 1 / 5) / (length * sqrt(1 / 2 + 1 / 5)),
            "m2": (1 / 5) / (length * sqrt(1 / 5)),
            "m3": (1 / 5) / (length * sqrt(1 / 5)),
            "m5": (1 / 5) / (length * sqrt(1 / 5)),
        },
        abs=1e-6,
    )
    assert hits(answer) == ["Movie:m6", "Movie:m4", "Movie:m2", "Movie:m3", "Movie:m5"]
    assert [w.detail for w in answer.warnings] == ["only 5 are similar at all"]


def test_scores_are_sums_of_standard_scores(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    """The texts of m2 and m5 have the cosine 1 with that of m1, those of m3 and m4 .6, and the others have no
    text: the scores are arcsinh of the standard scores among four."""
    vectors = np.zeros((8, 2), np.float32)
    vectors[[0, 1, 4]], vectors[[2, 3]] = [1, 0], [0.6, 0.8]
    model.text_vectors = vectors
    answer = similar(Recommender(films, model, encoder), "Movie:m1", by="text")
    values = np.array([1, 0.6, 0.6, 1])
    standard = np.arcsinh((values - values.mean()) / values.std())
    assert hits(answer) == ["Movie:m2", "Movie:m5", "Movie:m3", "Movie:m4"]
    assert [hit.score for hit in answer.hits] == pytest.approx(
        [standard[0]] * 2 + [standard[1]] * 2, abs=1e-5
    )


def test_facts_are_cosines_of_neighbours(recommender: Recommender, films: GraphSnapshot) -> None:
    """A slow reference: the node itself and its neighbours, by ln(1 + 8 / degree) / ln(9)."""
    facts = films.triples
    pairs = {(int(a), int(b)) for a, b in zip(facts.head, facts.tail, strict=True)}
    near: dict[int, set[int]] = {n: set() for n in range(films.first_user)}
    for one, other in pairs:
        near[one].add(other)
        near[other].add(one)
    weight = {n: log1p(8 / max(len(own), 1)) / log1p(8) for n, own in near.items()}

    def cosine(one: int, other: int) -> float:
        rows = [{m: weight[m] for m in {n, *near[n]}} for n in (one, other)]
        dot = sum(rows[0][m] * rows[1][m] for m in rows[0].keys() & rows[1].keys())
        return dot / sqrt(np.prod([sum(x * x for x in row.values()) for row in rows]))

    item = {x: films.node("Movie", x) for x in films.items.ids}
    found = cosines(similar(recommender, "Movie:m1", by="facts"), "facts")
    assert found == pytest.approx({x: cosine(0, n) for x, n in item.items() if x in found}, abs=1e-5)
    assert len(found) == 7, "all have a genre or the language in common"
    # an entity with c facts counts c / (c + 5)
    p1 = films.node("Person", "p1")
    people = cosines(similar(recommender, "Person:p1", by="facts"), "facts")
    expected = {}
    for x in ("p2", "p3", "p4"):
        n = films.node("Person", x)
        expected[x] = cosine(p1, n) * len(near[n]) / (len(near[n]) + 5)
    assert people == pytest.approx({x: v for x, v in expected.items() if v}, abs=1e-5)


def test_a_hit_says_why(recommender: Recommender) -> None:
    answer = similar(recommender, "Movie:m1", by="facts", k=1)
    (hit,) = answer.hits
    assert (hit.rank, hit.id, hit.display_name) == (1, "m4", "Aliens")
    assert hit.paths[0].text == "like *Alien*, starring *Sigourney Weaver*, who is also in *Aliens*"
    assert [node.id for node in hit.paths[0].nodes] == ["m1", "p2", "m4"]
    (hit,) = similar(recommender, "Person:p2", k=1).hits
    assert (hit.label, hit.id) == ("Person", "p3"), "the director of Aliens"
    assert [node.id for node in hit.paths[0].nodes] == ["p2", "m4", "p3"]
    assert similar(recommender, "Movie:m1", k=1, explain=False).hits[0].paths == []


def test_an_entity_finds_items_and_entities_find_entities(recommender: Recommender) -> None:
    assert {hit.label for hit in similar(recommender, "Genre:g1").hits} == {"Genre"}
    found = similar(recommender, "Person:p3", by="facts", label="Movie", k=2)
    assert sorted(hits(found)) == ["Movie:m4", "Movie:m5"], "directed by James Cameron"
    assert found.hits[0].paths[0].text.startswith("like *James Cameron*, who directed *")
    assert {hit.label for hit in similar(recommender, "Genre:g1", "Person:p1").hits} == {"Movie"}


def test_negative_examples_rank_down(recommender: Recommender) -> None:
    """m6 is liked with m1 by u2 and u3 and has the genre of drama; u4 likes m4 and m3 too."""
    plain = cosines(similar(recommender, "Movie:m1", by="taste"), "co_likes")
    answer = similar(recommender, "Movie:m1", negative=["Movie:m3"], by="taste")
    found = cosines(answer, "co_likes")
    with_m3 = (1 / 5) / (sqrt(1 / 5) * sqrt(1 / 2 + 1 / 5))
    assert found["m4"] == pytest.approx(plain["m4"] - with_m3 / 2, abs=1e-5)
    assert found["m6"] == pytest.approx(plain["m6"], abs=1e-5)
    assert "m3" not in found
    assert "m2" not in found, "its cosine with m3 is 1, and 1 / sqrt(1.7 x 5) with m1"


def test_vectors_of_items_and_entities(films: GraphSnapshot, model: Any, encoder: Any) -> None:
    """m1 points to the first axis, m7 and p4 nearly so, at an angle whose cosine is .8."""
    model.item_vectors = np.zeros((8, 2), np.float32)
    model.item_vectors[[0, 6]] = [[1, 0], [0.8, 0.6]]
    model.entity_vectors = np.zeros((12, 2), np.float32)
    model.entity_vectors[3] = [0.8, 0.6]
    recommender = Recommender(films, model, encoder)
    assert cosines(similar(recommender, "Movie:m1", by="taste"), "vectors")["m7"] == pytest.approx(0.8)
    (hit,) = similar(recommender, "Movie:m1", by="taste", label="Person").hits
    assert (hit.id, hit.similarities) == ("p4", {"vectors": pytest.approx(0.8 * 2 / (2 + 5), abs=1e-6)})


def test_neither_the_examples_nor_near_duplicates_of_them(
    films: GraphSnapshot, model: Any, encoder: Any
) -> None:
    """m1 and m6 are one group, m2 and m3 another, and m4 was deleted: of the five that are similar to m1, m2
    and m5 stay."""
    grouped = replace(films, same_as=("a", "b", "b", "", "", "a", "", ""))
    gone = SinceSnapshot(1, np.arange(8) == 3)
    answer = similar(Recommender(grouped, model, encoder, since=gone), "Movie:m1", by="taste")
    assert hits(answer) == ["Movie:m2", "Movie:m5"]
    with pytest.raises(InvalidFieldsError, match="nothing in the graph has the id 'm4'"):
        similar(Recommender(films, model, encoder, since=gone), "m4")


def test_only_allowed_items(recommender: Recommender) -> None:
    allowed = np.isin(np.arange(8), [1, 5])
    request = SimilarRequest(positive=["m1"], by="taste")
    found = recommender.finder.similar(request, request_id="r", allowed_items=allowed)
    assert hits(found) == ["Movie:m6", "Movie:m2"]


def test_unknown_examples(recommender: Recommender) -> None:
    """As in likes: what is left out is a warning, and without any example there is nothing to find."""
    answer = similar(recommender, "zz", "Movie:m1", "5", negative=["yy", "Movie:m1"])
    assert [w.pointer for w in answer.warnings][:4] == [
        "/positive/0",
        "/positive/2",
        "/negative/0",
        "/negative",
    ]
    assert answer.warnings[0].detail == "nothing in the graph has the id 'zz'; it was left out"
    assert "could be Person:5, Genre:5" in answer.warnings[1].detail
    assert answer.hits
    with pytest.raises(InvalidFieldsError) as error:
        similar(recommender, "zz", "yy")
    assert [pointer for pointer, _ in error.value.fields] == ["/positive/0", "/positive/1"]


def test_nothing_is_known(recommender: Recommender) -> None:
    """m8 was liked by nobody, and no item has a text."""
    for by in ("taste", "text"):
        answer = similar(recommender, "Movie:m8", by=by)
        assert answer.hits == []
        assert [(w.pointer, w.detail) for w in answer.warnings] == [("/k", "only 0 are similar at all")]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/positive"),
        ({"positive": []}, 422, "/positive"),
        ({"positive": ["m1"] * 101}, 422, "/positive"),
        ({"positive": ["m1"], "by": "colour"}, 422, "/by"),
        ({"positive": ["m1"], "label": "Movi"}, 422, "/label"),
        ({"positive": ["m1"], "label": "User"}, 422, "/label"),
        ({"positive": ["zz"]}, 422, "/positive/0"),
        ({"positive": ["m1"], "k": 0}, 422, "/k"),
        ({"positiv": ["m1"]}, 422, "/positive"),
    ],
)
def test_a_wrong_request(real: FlaskClient, body: Any, status: int, pointer: str) -> None:
    response = real.post("/similar", json=body)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.get_json()["errors"][0]["pointer"] == pointer


def test_over_http(real: FlaskClient) -> None:
    body = real.post("/similar", json={"positive": ["m1"], "k": 2}, headers={"X-Request-ID": "r3"}).get_json()
    assert [x["rank"] for x in body["hits"]] == [1, 2]
    assert body["meta"] == {"request_id": "r3", "model_version": "v1"}
    assert real.post("/similar", data="x", content_type="text/plain").status_code == 415
    assert real.post("/similar", data="x", content_type="application/json").status_code == 400


def test_the_text_of_an_entity_is_the_mean_of_its_items(films: GraphSnapshot, model: Any) -> None:
    """p3 directed m4 and m5, at right angles: its vector is between them, at cos 45°."""
    texts = np.zeros((8, 2), np.float32)
    texts[3], texts[4] = [1, 0], [0, 1]
    own = Similar(films, FactAdjacency(films), model.node_vectors, texts)
    found = own.similarities("text", Examples([films.node("Person", "p3")]), slice(0, 8))["text"]
    assert found.tolist() == pytest.approx([0, 0, 0, sqrt(0.5), sqrt(0.5), 0, 0, 0])


def test_a_filter_keeps_similar_items(real: FlaskClient) -> None:
    drama = {"relation": "HAS_GENRE", "any": ["Drama"]}
    found = real.post("/similar", json={"positive": ["Movie:m1"], "filter": drama, "k": 9}).get_json()
    assert {x["id"] for x in found["hits"]} <= {"m3", "m6", "m7"}
    assert found["hits"]
    wrong = real.post("/similar", json={"positive": ["Movie:m1"], "filter": {"relation": "X"}})
    assert wrong.get_json()["errors"][0]["pointer"] == "/filter/relation"
