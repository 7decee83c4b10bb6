import pytest

from scripts.bench.kge import summary


def test_medians_and_ours_as_a_share_of_the_others():
    runs = [
        {"method": method, "mrr": mrr, "hits@10": 2 * mrr, "seconds": 1.0}
        for method, values in {"trailmix": (0.1, 0.4, 0.3), "pykeen own": (0.2, 0.2, 0.9)}.items()
        for mrr in values
    ]
    ours, theirs = summary("transe", runs)
    assert (ours["mrr"], theirs["mrr"]) == (0.3, 0.2)
    assert theirs["hits@10"] == 2 * 0.2
    assert ours["ours_by_it"] == 1
    assert theirs["ours_by_it"] == pytest.approx(0.3 / 0.2)
