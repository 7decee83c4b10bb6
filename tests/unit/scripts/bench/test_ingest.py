import pytest

from scripts.bench.ingest import summary


def test_the_ratio_is_the_stores_speed_beside_the_drivers():
    found = summary({"store": [1.0, 3.0], "driver": [1.0, 1.0]}, size=100)
    assert found["store_relations_per_second"] == 2 * 100 / 4
    assert found["driver_relations_per_second"] == 2 * 100 / 2
    assert found["ratio"] == 2 / 4
    assert found["ratio_median"] == pytest.approx((1 / 1 + 1 / 3) / 2)
