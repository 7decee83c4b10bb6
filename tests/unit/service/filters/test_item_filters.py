import json

import numpy as np
import pytest
from filter_reference import Library, fill_library, random_filters

from kg.snapshot import read_snapshot
from service.contract import RecommendRequest
from service.filters.item_filters import ItemFilters


def parsed(expression):
    return RecommendRequest.model_validate_json(json.dumps({"filter": expression})).filter


@pytest.fixture
def library(fake_store):
    fill_library(fake_store)
    return fake_store


def test_random_filters_keep_what_the_slow_reference_keeps(library):
    snapshot, plain = read_snapshot(library), Library(library)
    filters, ids = ItemFilters(snapshot), np.array(snapshot.items.ids)
    sizes = []
    for expression in random_filters(400, seed=1):
        mask = filters.kept(parsed(expression), "/filter").mask
        assert set(ids[mask].tolist()) == plain.kept(expression), expression
        sizes.append(int(mask.sum()))
    assert sum(0 < size < snapshot.n_items for size in sizes) > 250
    assert len(set(sizes)) > 40
