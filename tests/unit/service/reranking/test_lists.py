"""How a list is put together: eight films, m1 ranks first with the score 8, m8 last with 1."""

from typing import Any

import numpy as np
import pytest

from embeddings.reranking.criteria import RerankingConfig
from kg.errors import InvalidFieldsError
from service.config import RecommenderConfig
from service.contract import Recommendation, RecommendRequest
from service.recommender import Recommender


def ask(recommender: Recommender, request_id: str = "r1", **fields: Any) -> Recommendation:
    return recommender.recommend(RecommendRequest(**fields), request_id=request_id)


def ids(answer: Recommendation) -> list[str]:
    return [item.item_id for item in answer.items]


def stages(answer: Recommendation) -> list[tuple[str, str | None]]:
    return [(item.stage, item.stage_reason) for item in answer.items]


def test_without_any_field_the_ranker_gives_every_place(recommender: Recommender) -> None:
    answer = ask(recommender, user_id="u1", k=3)
    assert ids(answer) == ["m2", "m3", "m5"]
    assert stages(answer) == [("ranked", None)] * 3


def test_strengths_of_zero_answer_as_without_the_fields(recommender: Recommender) -> None:
    plain = ask(recommender, user_id="u1", k=4)
    zeros = {"diversity": 0, "novelty": 0, "explore": 0, "max_per": {}, "weights": {}, "seed": 3}
    found = ask(recommender, user_id="u1", k=4, **zeros)
    assert found.model_copy(update={"cursor": plain.cursor}) == plain, "a cursor is of one request"
    mix = {"relation": "HAS_GENRE", "strength": 0}
    assert ids(ask(recommender, user_id="u1", k=4, calibrated=mix)) == ids(plain)


def test_max_per_is_exact_down_the_ranking(recommender: Recommender) -> None:
    """m1, m2 and m3 are by Ridley Scott, m4 and m5 by James Cameron, the others by nobody known."""
    answer = ask(recommender, user_id="nobody", k=5, max_per={"DIRECTED_BY": 1})
    assert ids(answer) == ["m1", "m4", "m6", "m7", "m8"]
    nothing = "nothing is known of the user"
    moved = "of the ranking; moved by max_per"
    assert stages(answer) == [
        ("fallback", nothing),
        *(("fallback", f"{nothing}; rank {rank} {moved}") for rank in (4, 6, 7, 8)),
    ]


def test_max_per_of_two_relations(recommender: Recommender) -> None:
    """Of Sci-Fi (m1, m2, m4, m5, m8) and of Drama (m3, m6, m7) two each, of the rest of m1's genres any."""
    answer = ask(recommender, k=8, max_per={"HAS_GENRE": 2, "DIRECTED_BY": 2})
    assert ids(answer) == ["m1", "m2", "m6", "m7"]
    assert answer.warnings[-1].model_dump() == {
        "pointer": "/k",
        "detail": "only 4 items are left to recommend; of 8, 4 more than `max_per` admits",
    }


def test_every_reason_for_a_short_list_is_counted(recommender: Recommender) -> None:
    """u1 has seen m1, m4 and m6; the text rejects m1, m2 and m3; m8 is of the genre of m5."""
    answer = ask(recommender, user_id="u1", text="nothing by Ridley Scott", k=8, max_per={"HAS_GENRE": 1})
    assert ids(answer) == ["m5", "m7"]
    assert answer.warnings[-1].detail == (
        "only 2 items are left to recommend; of 8, 3 rejected by the text, 2 seen or named by the request,"
        " 1 more than `max_per` admits"
    )


def test_a_full_list_has_no_such_warning(recommender: Recommender) -> None:
    assert not ask(recommender, history=["m1"], k=3, max_per={"HAS_GENRE": 2}).warnings


def test_caps_reach_below_the_pool(films: Any, model: Any, encoder: Any) -> None:
    """Of a pool of two, both by Ridley Scott, one is admitted; the others come from below."""
    config = RecommenderConfig(reranking=RerankingConfig(pool=2, pool_per_place=0))
    recommender = Recommender(films, model, encoder, config)
    answer = ask(recommender, history=["m8"], k=4, max_per={"DIRECTED_BY": 1})
    assert ids(answer) == ["m1", "m4", "m6", "m7"]
    assert stages(answer)[1] == ("reranked", "rank 4 of the ranking; moved by max_per")


def test_diversity_leaves_out_what_is_alike(films: Any, model: Any, encoder: Any) -> None:
    """m1, m2 and m3 have the same vector, m4 and the others have their own."""
    vectors = np.eye(8, dtype=np.float32)
    vectors[1] = vectors[2] = vectors[0]
    model.item_vectors = vectors
    recommender = Recommender(films, model, encoder)
    answer = ask(recommender, history=["m8"], k=3, diversity=0.5)
    assert ids(answer) == ["m1", "m4", "m5"]
    assert [item.ranking_score for item in answer.items] == [8, 5, 4]
    assert stages(answer)[1] == ("reranked", "rank 4 of the ranking; moved by diversity")


def test_novelty_lifts_what_few_like(recommender: Recommender) -> None:
    """Of five users four like m1, two m4 and m6 and one m2, m3 and m5; nobody likes m7 and m8."""
    answer = ask(recommender, k=2, novelty=1)
    assert ids(answer) == ["m7", "m8"]
    assert ids(ask(recommender, k=8, novelty=1)) == ["m7", "m8", "m2", "m3", "m5", "m4", "m6", "m1"]


def test_a_list_is_calibrated_to_the_history(recommender: Recommender) -> None:
    """The history is Drama alone (m3 and m6), of which m7 is left; any other list has less of it."""
    plain = ask(recommender, history=["m3", "m6"], k=1)
    answer = ask(recommender, history=["m3", "m6"], k=1, calibrated={"relation": "HAS_GENRE", "strength": 1})
    assert (ids(plain), ids(answer)) == (["m1"], ["m7"])


def test_liked_entities_are_part_of_the_mix(recommender: Recommender) -> None:
    mix = {"relation": "HAS_GENRE", "strength": 1}
    assert ids(ask(recommender, likes=["Genre:g2"], k=3, calibrated=mix)) == ["m3", "m6", "m7"]


def test_a_user_without_a_mix_is_told(recommender: Recommender) -> None:
    answer = ask(recommender, k=2, calibrated={"relation": "HAS_GENRE"})
    assert ids(answer) == ["m1", "m2"]
    assert answer.warnings[-1].model_dump() == {
        "pointer": "/calibrated",
        "detail": "nothing that the user likes has a HAS_GENRE, so it does not count",
    }


def test_explored_items_say_so_and_come_again_with_the_seed(recommender: Recommender) -> None:
    answer = ask(recommender, history=["m8"], k=4, explore=0.5)
    explored = [item for item in answer.items if item.stage == "explored"]
    assert len(explored) == 2
    assert {item.item_id for item in explored} <= {"m5", "m6", "m7"}, "below the first four"
    for item in explored:
        assert item.stage_reason == f"drawn from rank {int(item.item_id[1:])} of the ranking"
    assert ask(recommender, history=["m8"], k=4, explore=0.5) == answer
    seeded = {
        ask(recommender, f"r{n}", history=["m8"], k=4, explore=0.5, seed=7).items.__repr__() for n in range(5)
    }
    others = {ask(recommender, f"r{n}", history=["m8"], k=4, explore=0.5).items.__repr__() for n in range(5)}
    assert len(seeded) == 1
    assert len(others) > 1


def test_paths_and_contributions_are_those_of_the_items(recommender: Recommender) -> None:
    answer = ask(recommender, history=["m3"], k=3, max_per={"DIRECTED_BY": 1}, score_contributions=True)
    assert ids(answer) == ["m1", "m4", "m6"]
    assert [item.score_contributions for item in answer.items] == [{"fixed": 8}, {"fixed": 5}, {"fixed": 3}]
    for item in answer.items:
        assert item.paths, item.item_id
        assert all(path.nodes[-1].id == item.item_id for path in item.paths)


def test_unknown_names_are_refused_with_the_nearest(recommender: Recommender) -> None:
    with pytest.raises(InvalidFieldsError) as error:
        ask(
            recommender,
            max_per={"DIRECTED": 1},
            calibrated={"relation": "GENRE"},
            weights={"fixd": 2, "reject": 1, "STARS/~": 1},
        )
    assert error.value.fields == (
        ("/max_per/DIRECTED", "no relation is called 'DIRECTED'; did you mean 'DIRECTED_BY'?"),
        ("/calibrated/relation", "no relation is called 'GENRE'; did you mean 'HAS_GENRE'?"),
        ("/weights/fixd", "no scorer is called 'fixd'; did you mean 'fixed'?"),
        ("/weights/reject", "no scorer is called 'reject'; did you mean 'rejected'?"),
        ("/weights/STARS~1~0", "no scorer is called 'STARS/~'; there is fixed, likes, rejected"),
    )


def test_weights_reach_the_model(recommender: Recommender, model: Any) -> None:
    ask(recommender, weights={"fixed": 2}, k=1)
    assert model.asked[-1].weights == {"fixed": 2}
    ask(recommender, k=1)
    assert not model.asked[-1].weights


def test_the_weight_of_rejections(recommender: Recommender, model: Any) -> None:
    """A text near m1 and m2 rejects them by meaning; with the factor 0 nothing is ranked down."""
    model.near_text = np.array([1, 1, 0, 0, 0, 0, 0, 0], np.float32)
    rejecting = {"history": ["m8"], "text": "without any dragons", "k": 2}
    assert ids(ask(recommender, **rejecting)) != ["m1", "m2"]
    assert ids(ask(recommender, **rejecting, weights={"rejected": 0})) == ["m1", "m2"]
