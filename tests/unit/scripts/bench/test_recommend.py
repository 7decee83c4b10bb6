"""What `trailmix bench recommend` times."""

from scripts.bench.recommend import WARM_UP, milliseconds


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
