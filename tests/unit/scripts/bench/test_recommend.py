"""What `trailmix bench recommend` times."""

from scripts.bench.recommend import WARM_UP, added_milliseconds, milliseconds


def test_each_user_is_timed_once(recommender, monkeypatch) -> None:
    asked = []
    real = recommender.recommend

    def counted(request, *, request_id):
        asked.append((request.user_id, request.k, request.explain))
        return real(request, request_id=request_id)

    monkeypatch.setattr(recommender, "recommend", counted)
    users = list(recommender.snapshot.users.ids)
    found = milliseconds(recommender, users, 2, explain=True)
    first = [(user, 2, True) for user in users[:WARM_UP]]
    assert asked == first + [(user, 2, True) for user in users]
    assert 0 < found["p50"] <= found["p95"] <= found["p99"]


def test_each_field_is_timed_right_after_a_request_without_it(recommender, monkeypatch) -> None:
    asked = []
    real = recommender.recommend

    def counted(request, *, request_id):
        asked.append(request)
        return real(request, request_id=request_id)

    model = recommender._model
    monkeypatch.setattr(type(model), "contribution_names", ("popularity",))
    monkeypatch.setattr(recommender, "recommend", counted)
    found = added_milliseconds(recommender, ["u1"], 2)
    assert list(found) == ["diversity", "novelty", "explore", "weights", "max_per", "calibrated"]
    assert [x.model_fields_set - {"user_id", "k", "explain"} for x in asked[0::2]] == [set()] * 12
    assert asked[1].diversity == 0.5
    assert asked[-1].calibrated.relation == "DIRECTED_BY"
