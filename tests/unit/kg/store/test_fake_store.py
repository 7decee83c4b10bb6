"""The fake store keeps the promises of the servers, so what passes with it passes with them."""

import pytest
from fake_store import FakeStore
from store_contract import StoreContract


class TestFakeStore(StoreContract):
    @pytest.fixture
    def store(self, fake_store: FakeStore) -> FakeStore:
        return fake_store
