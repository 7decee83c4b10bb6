"""Who may change which model is active."""

import pytest

from kg.settings import Settings
from service.models import may_administer

AWAY = "10.0.0.9"


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_only_this_machine_may(token: str | None) -> None:
    """An empty variable sets none."""
    settings = Settings(admin_token=token)
    for address in ("127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"):
        assert may_administer(settings, address, {})
    for other in (AWAY, "::ffff:10.0.0.9", "", None, "unix:"):
        assert not may_administer(settings, other, {})
        assert not may_administer(settings, other, {"Authorization": "Bearer "})


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "Origin"])
def test_neither_through_a_proxy_nor_from_a_page_in_a_browser(header: str) -> None:
    assert not may_administer(Settings(), "127.0.0.1", {header: "x"})


def test_with_a_token_whoever_bears_it_may() -> None:
    settings = Settings(admin_token="päss")
    sent = "päss".encode().decode("latin-1")
    for header in (f"Bearer {sent}", f"bearer {sent}", f"BEARER  {sent} "):
        assert may_administer(settings, AWAY, {"Authorization": header, "Via": "proxy"})
    for header in ("", "Bearer", "Bearer ", "Bearer wrong", sent, f"Basic {sent}", "Bearer \u20ac"):
        assert not may_administer(settings, "127.0.0.1", {"Authorization": header})
    assert "päss" not in repr(settings)
