"""The fake store keeps the promises of the servers, so what passes with it passes with them."""

import pytest
from fake_store import FakeStore, NoId
from foreign_contract import ForeignDataContract, Outsider
from store_contract import StoreContract, fill

from kg.errors import DataError


class TestFakeStore(StoreContract):
    @pytest.fixture
    def store(self, fake_store: FakeStore) -> FakeStore:
        return fake_store


class TestForeignData(ForeignDataContract):
    @pytest.fixture
    def store(self, fake_store: FakeStore) -> FakeStore:
        return fake_store

    @pytest.fixture
    def outsider(self, fake_store: FakeStore) -> Outsider:
        return _OutsiderOfFake(fake_store)

    def test_two_ids_of_one_text_are_named(self, fake_store: FakeStore) -> None:
        fill(fake_store)
        for external in (12, "12"):
            fake_store.nodes["Book"][external] = {}
        with pytest.raises(DataError, match="Book: two nodes have the id '12', as integer and text"):
            fake_store.read_nodes("Book")


class _OutsiderOfFake:
    def __init__(self, store: FakeStore) -> None:
        self._store = store

    def node(self, label, **properties):
        key = properties.pop("id", NoId())
        self._store.nodes.setdefault(label, {})[key] = properties

    def relation(self, kind, head, tail, **properties):
        self._store.edges.setdefault(kind, {})[head[1], tail[1]] = properties
