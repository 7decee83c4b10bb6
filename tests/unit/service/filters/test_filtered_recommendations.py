"""Filters, candidates and boosts in an answer; m1 has the highest score, 8, and m8 the lowest, 1."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_serving import FakeServing
from small_library import ThemeEncoder, library

from embeddings.training.config import TrainingConfig
from embeddings.training.train import train_unmeasured
from kg.graph import GraphSnapshot
from kg.property_columns import item_properties
from kg.settings import Settings
from service.app import create_app
from service.contract import Recommendation, RecommendRequest
from service.events.outbox import Outbox
from service.recommender import Recommender

SCI_FI = {"relation": "HAS_GENRE", "any": ["Sci-Fi"]}
"""m1, m2, m4, m5 and m8."""
DRAMA = {"relation": "HAS_GENRE", "any": ["Drama"]}
"""m3, m6 and m7."""


def ask(recommender: Recommender, **fields: Any) -> Recommendation:
    return recommender.recommend(RecommendRequest.model_validate(fields), request_id="r1")


def ids(answer: Recommendation) -> list[str]:
    return [item.item_id for item in answer.items]


def test_only_what_a_filter_keeps(recommender: Recommender, model: Any) -> None:
    answer = ask(recommender, filter=DRAMA)
    assert ids(answer) == ["m3", "m6", "m7"]
    assert model.asked[0].excluded.tolist() == [True, True, False, True, True, False, False, True]
    assert [w.pointer for w in answer.warnings] == ["/k"]


def test_what_is_seen_stays_out(recommender: Recommender) -> None:
    """u1 rated m1, m4 and m6."""
    assert ids(ask(recommender, user_id="u1", filter=DRAMA)) == ["m3", "m7"]
    assert ids(ask(recommender, user_id="u1", filter=DRAMA, exclude_seen=False)) == ["m3", "m6", "m7"]


def test_without_a_restriction_the_model_excludes_nothing(recommender: Recommender, model: Any) -> None:
    ask(recommender, user_id="u1")
    model.scores = model.scores - 10
    ask(recommender, user_id="u1", candidates={"exclude": []}, boost=[{"filter": DRAMA, "weight": 1}])
    assert [query.excluded for query in model.asked] == [None, None]


def test_candidates_by_id(recommender: Recommender) -> None:
    answer = ask(recommender, candidates={"include": ["m7", "zz", "m2", "m3"], "exclude": ["m2", "yy"]})
    assert ids(answer) == ["m3", "m7"]
    assert [w.model_dump() for w in answer.warnings[:2]] == [
        {"pointer": "/candidates/include/1", "detail": "no Movie has the id 'zz'; it was left out"},
        {"pointer": "/candidates/exclude/1", "detail": "no Movie has the id 'yy'; it was left out"},
    ]
    assert ids(ask(recommender, candidates={"include": ["zz"]})) == []
    both = ask(recommender, candidates={"include": ["m1", "m3"]}, filter=DRAMA)
    assert ids(both) == ["m3"]


def test_an_allowed_item_stays_where_a_better_one_of_its_group_is_not_allowed(
    films: GraphSnapshot, model: Any, encoder: Any
) -> None:
    grouped = replace(films, same_as=("one", "", "one", "", "", "", "", ""))
    recommender = Recommender(grouped, model, encoder)
    assert ids(ask(recommender, k=3)) == ["m1", "m2", "m4"], "m3 is of the group of m1"
    assert ids(ask(recommender, filter=DRAMA, k=1)) == ["m3"]
    assert ids(ask(recommender, candidates={"exclude": ["m1"]}, k=2)) == ["m2", "m3"]


@pytest.mark.parametrize(
    ("boosts", "best"),
    [
        ([], ["m1", "m2", "m3"]),
        ([(DRAMA, 0.5)], ["m3", "m1", "m2"]),
        ([(DRAMA, 1)], ["m3", "m6", "m7"]),
        ([(SCI_FI, -1)], ["m3", "m6", "m7"]),
        ([(DRAMA, 1), ({"property": "year", "from": 1985}, -1)], ["m6", "m1", "m2"]),
    ],
)
def test_boosts_worked_out_by_hand(
    films: GraphSnapshot, model: Any, encoder: Any, boosts: list[Any], best: list[str]
) -> None:
    """The deviation of 8 .. 1 is sqrt(63 / 12) = 2.29, so a weight of 1 adds 6.87: m6 gets 3 + 6.87 = 9.87.

    m7 gets 8.87, and m3 gets 6 + 6.87 = 12.87, or 9.44 by half the weight; of 1985 and later are m3, m4 and
    m7. All scores are ten less, because of what the fake model makes of them.
    """
    model.scores = model.scores - 10
    years = {"year": [1979, 1982, 2000, 1986, 1984, 1972, 1985, 1972]}
    known = replace(films, item_properties=item_properties(films.schema.item, years))
    given = [{"filter": x, "weight": weight} for x, weight in boosts]
    answer = ask(Recommender(known, model, encoder), boost=given, k=3, score_contributions=True)
    assert ids(answer) == best
    assert answer.meta.calibrated is (not boosts)
    for item in answer.items:
        assert item.score_contributions is not None
        assert sum(item.score_contributions.values()) == pytest.approx(item.ranking_score, abs=1e-5)


def test_a_boost_is_one_of_the_contributions(recommender: Recommender, model: Any) -> None:
    model.scores = model.scores - 10
    boost = [{"filter": DRAMA, "weight": 1}, {"filter": {"not": SCI_FI}, "weight": -0.5}]
    answer = ask(recommender, boost=boost, candidates={"include": ["m3", "m1"]}, score_contributions=True)
    deviation = (63 / 12) ** 0.5
    first, second = answer.items
    assert first.score_contributions == pytest.approx({"boost": 1.5 * deviation, "fixed": -4}, abs=1e-5)
    assert (second.item_id, second.score_contributions) == ("m1", {"fixed": -2})


def test_an_unknown_name_is_a_problem_with_pointers(recommender: Recommender, tmp_path: Path) -> None:
    serving = FakeServing(recommender, Outbox(tmp_path / "outbox"))
    client = create_app(Settings(home=tmp_path), serving).test_client()
    boosts = [{"filter": SCI_FI, "weight": 1}, {"filter": {"not": {"relation": "STAR"}}, "weight": 1}]
    for body, pointer, detail in (
        (
            {"filter": {"all": [DRAMA, {"property": "yaer"}]}},
            "/filter/all/1/property",
            "the model's snapshot has no property of a Movie",
        ),
        (
            {"boost": boosts},
            "/boost/1/filter/not/relation",
            "no relation 'STAR' of a Movie; did you mean 'STARS'?",
        ),
        (
            {"filter": {"relation": "HAS_GENRE", "any": ["Sci-Fi", "Dramma"]}},
            "/filter/any/1",
            "no Genre has the id",
        ),
    ):
        found = client.post("/recommend", json=body)
        assert (found.status_code, found.mimetype) == (422, "application/problem+json")
        [error] = found.get_json()["errors"]
        assert error["pointer"] == pointer
        assert error["detail"].startswith(detail)
    assert client.post("/recommend", json={"filter": DRAMA}).status_code == 200


def test_a_model_ranks_the_few_that_are_left() -> None:
    """Whatever is left stands in the order of the whole list; nothing else comes, and nothing is missing."""
    rng = np.random.default_rng(0)
    loans = sorted({(reader, int(book)) for reader in range(12) for book in rng.permutation(30)[:6]})
    snapshot = library(loans, readers=12)
    model = train_unmeasured(snapshot, ThemeEncoder(), TrainingConfig())
    recommender = Recommender(snapshot, model, ThemeEncoder())
    for reader in range(12):
        whole = ids(ask(recommender, user_id=f"r{reader}", k=30))
        for count in (1, 3, 12):
            allowed = rng.permutation(whole)[:count].tolist()
            answer = ask(recommender, user_id=f"r{reader}", candidates={"include": allowed}, k=30)
            assert ids(answer) == [x for x in whole if x in allowed]
            assert not answer.meta.calibrated
