"""Pages of one list: together the list of the first page, whatever comes between them."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_serving import FakeServing

from kg.errors import CursorError, CursorExpiredError
from kg.graph import GraphSnapshot
from kg.settings import Settings
from service.app import create_app
from service.contract import MAX_CURSOR, MAX_SHOWN, Recommendation, RecommendRequest
from service.events.histories import LiveHistories
from service.events.live import LiveEvents
from service.events.outbox import Outbox, StoredEvent
from service.paging import Cursors, Page, id_hashes, signing_key
from service.recommender import Recommender

IDS = [f"m{n}" for n in range(1, 9)]
KEY = b"k" * 32


def event(number: int, item_id: str, value: float = 5, user_id: str = "u9") -> StoredEvent:
    return StoredEvent(f"e{number}", user_id, item_id, "RATED", value, 1_700_000_000 + number, "{}")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


@pytest.fixture
def paged(films: GraphSnapshot, model: Any, encoder: Any, outbox: Outbox) -> Recommender:
    """Ranks m1 to m8 in this order for everyone."""
    live = LiveHistories(LiveEvents(outbox), films.schema, {}, 0)
    return Recommender(films, model, encoder, live=live, cursors=Cursors(lambda: KEY))


def page(recommender: Recommender, cursor: str | None = None, k: int = 3, **fields: Any) -> Recommendation:
    return recommender.recommend(RecommendRequest(cursor=cursor, k=k, **fields), request_id="r")


def ids(answer: Recommendation) -> list[str]:
    return [x.item_id for x in answer.items]


def test_pages_are_the_list(paged: Recommender) -> None:
    """8 items: 3, then 2, then the last 3; ranks and scores go on."""
    first = page(paged)
    second = page(paged, first.cursor, k=2, explain=False)
    third = page(paged, second.cursor)
    assert [ids(x) for x in (first, second, third)] == [IDS[:3], IDS[3:5], IDS[5:]]
    assert [x.rank for x in (*first.items, *second.items, *third.items)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert third.cursor is None
    whole = page(paged, k=8)
    assert whole.cursor is None
    assert [x.score for x in whole.items[3:5]] == [x.score for x in second.items]


def test_events_between_pages_change_neither_order_nor_items(paged: Recommender, outbox: Outbox) -> None:
    """u9 likes m7 before the first page, so it is not offered; what comes after that page does not count."""
    outbox.add([event(1, "m7")])
    first = page(paged, user_id="u9")
    assert ids(first) == IDS[:3]
    outbox.add([event(2, "m5"), event(3, "m2", -1), event(4, "m1")])
    second = page(paged, first.cursor, k=5, user_id="u9")
    assert ids(second) == ["m4", "m5", "m6", "m8"]
    assert second.cursor is None
    assert ids(page(paged, k=8, user_id="u9")) == ["m3", "m4", "m6", "m8"], "a new list knows them"


def test_another_model_between_pages(
    films: GraphSnapshot, model: Any, encoder: Any, paged: Recommender
) -> None:
    """The other model ranks the other way round: what was shown stays away, and all others come."""
    first = page(paged)
    other = replace(model, scores=model.scores[::-1].copy())
    other.manifest = model.manifest.model_copy(update={"model_version": "v2"})
    turned = Recommender(films, other, encoder, cursors=Cursors(lambda: KEY))
    second = page(turned, first.cursor)
    third = page(turned, second.cursor)
    assert [ids(second), ids(third)] == [["m8", "m7", "m6"], ["m5", "m4"]]
    assert third.cursor is None


def test_all_pages_are_ranked_by_the_same_query(paged: Recommender, model: Any) -> None:
    """What was shown is scored as before; a filter tells the model which items it ranks."""
    fields: dict[str, Any] = {"filter": {"relation": "HAS_GENRE", "any": ["Sci-Fi"]}, "history": ["m2"]}
    first = page(paged, k=2, **fields)
    second = page(paged, first.cursor, k=2, **fields)
    assert [ids(first), ids(second)] == [["m1", "m4"], ["m5", "m8"]]
    assert second.cursor is None
    one, other = model.asked[-2:]
    assert list(one.excluded) == list(other.excluded) == [x not in ["m1", "m4", "m5", "m8"] for x in IDS]


def test_an_order_that_is_made_for_each_page(paged: Recommender) -> None:
    """At most one film of a director a page: m1, m2 and m3 are Ridley Scott's, m4 and m5 James Cameron's."""
    cursor, shown = None, []
    while cursor or not shown:
        found = page(paged, cursor, k=4, max_per={"DIRECTED_BY": 1})
        shown.append(ids(found))
        cursor = found.cursor
    assert shown == [["m1", "m4", "m6", "m7"], ["m2", "m5", "m8"], ["m3"]]


def test_near_duplicates_of_what_was_shown_do_not_come(
    films: GraphSnapshot, model: Any, encoder: Any
) -> None:
    """m1 and m4 are one group, and so are m2 and m6: each of two comes once."""
    grouped = replace(films, same_as=("a", "b", "", "a", "", "b", "", ""))
    recommender = Recommender(grouped, model, encoder)
    first = page(recommender, k=2)
    second = page(recommender, first.cursor, k=8)
    assert [ids(first), ids(second)] == [["m1", "m2"], ["m3", "m5", "m7", "m8"]]


def test_a_cursor_of_another_request_or_service(paged: Recommender, recommender: Recommender) -> None:
    cursor = page(paged, likes=["Genre:g1"]).cursor
    assert cursor
    with pytest.raises(CursorError, match="belongs to another request"):
        page(paged, cursor, likes=["Genre:g2"])
    with pytest.raises(CursorError, match="no cursor of this service"):
        page(recommender, cursor, likes=["Genre:g1"])
    for n in range(0, len(cursor), 7):
        changed = cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :]
        with pytest.raises(CursorError, match="no cursor of this service"):
            page(paged, changed, likes=["Genre:g1"])
    assert page(paged, cursor, likes=["Genre:g1"])


def test_a_cursor_expires_with_its_model() -> None:
    kept = {"v1"}
    cursors = Cursors(lambda: KEY, kept.__contains__)
    cursor = cursors.write(Page("v1", 7, id_hashes(["m1"])), RecommendRequest(k=3))
    assert cursor
    found = cursors.read(cursor, RecommendRequest(k=4, explain=False, cursor=cursor))
    assert (found.model_version, found.last_event, list(found.shown)) == ("v1", 7, list(id_hashes(["m1"])))
    kept.clear()
    with pytest.raises(CursorExpiredError, match="has expired: the model"):
        cursors.read(cursor, RecommendRequest())


def test_a_cursor_is_bounded() -> None:
    """2,000 hashes of 8 bytes are 16,000 bytes, in base64 4 / 3 of it; there are no pages after them."""
    cursors = Cursors(lambda: KEY)
    shown = np.arange(MAX_SHOWN, dtype="<u8")
    longest = cursors.write(Page("v" * 16, 2**53, shown[:-1]), RecommendRequest())
    assert longest
    assert 21_000 < len(longest) < MAX_CURSOR
    assert cursors.write(Page("v1", 0, shown), RecommendRequest()) is None


def test_a_list_that_ends_says_so(paged: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.paging.MAX_SHOWN", 5)
    first = page(paged)
    second = page(paged, first.cursor, k=2)
    assert (ids(second), second.cursor) == (["m4", "m5"], None)
    assert "there are no pages after" in second.warnings[-1].detail


def test_over_http(paged: Recommender, outbox: Outbox) -> None:
    client = create_app(Settings(), FakeServing(paged, outbox)).test_client()
    cursor = client.post("/recommend", json={"k": 3}).get_json()["cursor"]
    body = {"k": 3, "cursor": cursor}
    assert [x["rank"] for x in client.post("/recommend", json=body).get_json()["items"]] == [4, 5, 6]
    assert client.post("/recommend/validate", json=body).get_json()["understood"]["items_left"] == 5
    for path in ("/recommend", "/recommend/validate"):
        response = client.post(path, json={"cursor": "abc.def"})
        assert response.status_code == 422
        assert response.content_type == "application/problem+json"
        assert response.get_json()["errors"][0]["pointer"] == "/cursor"
    line = client.post("/recommend/batch", json=[{"cursor": "x"}, {}]).text.splitlines()[0]
    assert '"pointer":"/cursor"' in line
    paged._lookups.cursors._has_model = lambda _: False
    assert client.post("/recommend", json=body | {"explain": False}).status_code == 410


def test_all_processes_of_a_home_have_one_key(tmp_path: Path) -> None:
    path = tmp_path / "home" / "cursor.key"
    key = signing_key(path)
    assert len(key) == 32
    assert signing_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [x.name for x in path.parent.iterdir()] == ["cursor.key"]


def test_a_damaged_key_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "cursor.key"
    path.write_bytes(b"short")
    assert len(signing_key(path)) == 32
    assert path.read_bytes() == b"short"
