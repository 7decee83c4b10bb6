"""Filters on the data of each server."""

import json

import numpy as np
from filter_reference import Library, fill_library, random_filters

from kg.snapshot import SnapshotCache
from service.contract import RecommendRequest
from service.filters.item_filters import ItemFilters


def test_filters_keep_what_the_slow_reference_keeps(store, tmp_path):
    """300 expressions over a snapshot that was read from the server and then from disk."""
    fill_library(store)
    cache = SnapshotCache(tmp_path)
    snapshot = cache.by_fingerprint(cache.load(store).fingerprint)
    plain, filters, ids = Library(store), ItemFilters(snapshot), np.array(snapshot.items.ids)
    for expression in random_filters(300, seed=2):
        request = RecommendRequest.model_validate_json(json.dumps({"filter": expression}))
        mask = filters.kept(request.filter, "/filter").mask
        assert set(ids[mask].tolist()) == plain.kept(expression), expression
