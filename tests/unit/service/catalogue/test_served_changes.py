"""Changes of items and users in what a service answers, without training."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_library import ThemeEncoder
from two_models import linked_home, served_from, trained_twice

from kg.errors import UnknownIdError
from kg.item_changes import ItemChange
from kg.settings import Settings
from service.catalogue.change_log import ChangeLog, StoredChange
from service.contract import RecommendRequest
from service.events.outbox import StoredEvent
from service.loading import load_recommender
from service.recommender import Recommender
from service.serving import Serving


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    return trained_twice(tmp_path_factory.mktemp("home"))


@pytest.fixture
def settings(trained: tuple[Path, str, str], tmp_path: Path) -> Settings:
    return linked_home(trained, tmp_path)


@pytest.fixture
def serving(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.setattr("service.catalogue.live.LOOK_INTERVAL", 0.0)
    with served_from(settings, monkeypatch) as found:
        yield found


def change(serving: Serving, kind: str, *changes: ItemChange) -> None:
    serving.change([StoredChange.of(kind, x) for x in changes])


def asked(serving: Serving, **known: Any) -> Any:
    return serving.recommender.recommend(RecommendRequest(**known), request_id="r")


def ids(answer: Any) -> list[str]:
    return [x.item_id for x in answer.items]


NEW = ItemChange("new", "put", {"name": "Solaris Two", "text": "planets 2"}, {"WRITTEN_BY": ("Lem",)})


def test_a_new_item_is_recommended_and_explained(serving: Serving) -> None:
    before = serving.recommender.state
    change(serving, "item", NEW)
    assert serving.recommender.state != before
    found = asked(serving, likes=["Author:Lem"], k=10)
    assert "new" in ids(found)
    (item,) = (x for x in found.items if x.item_id == "new")
    assert item.title == "Solaris Two"
    assert [(n.label, n.id) for n in item.paths[0].nodes] == [("Author", "Lem"), ("Book", "new")]


def test_a_new_item_is_liked_by_name_and_by_event(serving: Serving) -> None:
    change(serving, "item", NEW)
    found = asked(serving, text="something like Solaris Two", k=5)
    assert "new" not in ids(found), "what is named is not recommended"
    assert found.user_state == "warm"
    serving.outbox.add([StoredEvent("e", "somebody", "new", "BORROWED", 5, int(time.time()), "{}")])
    answer = asked(serving, user_id="somebody", k=5)
    assert answer.user_state == "warm"
    assert any(path.nodes[0].id == "new" for item in answer.items for path in item.paths)


def test_a_deleted_item_is_gone_until_it_is_put_again(serving: Serving) -> None:
    (best, *_) = ids(asked(serving, user_id="r1", k=5))
    change(serving, "item", ItemChange(best, "delete"))
    assert best not in ids(asked(serving, user_id="r1", k=29))
    change(serving, "item", ItemChange(best, "put", {"name": "Back"}, {"WRITTEN_BY": ("Lem",)}))
    found = asked(serving, user_id="r1", k=29)
    assert {x.item_id: x.title for x in found.items}[best] == "Back"


def test_a_deleted_user_is_a_new_one(serving: Serving) -> None:
    serving.outbox.add([StoredEvent("e", "r1", "b03", "BORROWED", 5, int(time.time()), "{}")])
    assert asked(serving, user_id="r1").user_state != "cold"
    change(serving, "user", ItemChange("r1", "delete"))
    found = asked(serving, user_id="r1")
    assert found.user_state == "cold"
    assert "yet" in found.warnings[0].detail
    serving.outbox.add([StoredEvent("f", "r1", "b04", "BORROWED", 5, int(time.time()), "{}")])
    assert asked(serving, user_id="r1").user_state == "warm"


def test_what_another_process_changes_is_taken_up(
    serving: Serving, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.store.connect.open_store", None)
    serving.start()
    ChangeLog(settings.outbox_folder).add([StoredChange.of("item", NEW)])
    end = time.monotonic() + 10
    while "new" not in ids(asked(serving, likes=["Author:Lem"], k=10)):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_changes_outlast_a_restart_and_another_model(
    serving: Serving, settings: Settings, trained: tuple[Path, str, str]
) -> None:
    change(serving, "item", NEW)
    again = Serving(settings, load_recommender)
    again.refresh()
    assert "new" in ids(asked(again, likes=["Author:Lem"], k=10))
    _, _, second = trained
    again.activate(second)
    assert "new" in ids(asked(again, likes=["Author:Lem"], k=10))


def test_nothing_is_done_where_nothing_changed(serving: Serving) -> None:
    before = serving.recommender
    serving.take_up_changes()
    assert serving.recommender is before


def test_a_changed_price_rebuilds_nothing(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    change(serving, "item", NEW)
    expected = asked(serving, user_id="r1", k=5)
    monkeypatch.setattr(Recommender, "with_changes", None)
    change(serving, "item", ItemChange("new", "patch", {"price": 2.5}))
    change(
        serving, "item", ItemChange("b01", "patch", {"price": 3}), ItemChange("new", "patch", {"price": 4})
    )
    recommender = serving.recommender
    prices = recommender.snapshot.item_properties.columns["price"]
    assert [prices.value(n) for n in (0, 1, recommender.snapshot.items.index("new"))] == [None, 3, 4]
    assert asked(serving, user_id="r1", k=5) == expected
    assert recommender.state.endswith("/4/0")


def test_a_changed_price_counts_in_the_next_filter(serving: Serving) -> None:
    cheap = {"property": "price", "to": 3}
    change(
        serving, "item", ItemChange("b01", "patch", {"price": 3}), ItemChange("b02", "patch", {"price": 4})
    )
    assert ids(asked(serving, filter=cheap)) == ["b01"]
    change(serving, "item", ItemChange("b02", "patch", {"price": 2}))
    assert set(ids(asked(serving, filter=cheap))) == {"b01", "b02"}
    change(serving, "item", ItemChange("b01", "patch", {"price": None}))
    assert ids(asked(serving, filter=cheap)) == ["b02"]


def test_a_delivery_changes_nothing(serving: Serving) -> None:
    change(serving, "item", NEW)
    before = serving.recommender
    serving.changes.delivered([1])
    serving.take_up_changes()
    assert serving.recommender is before
    assert before.state.endswith("/1/0")


def test_changes_of_properties_and_others_come_together(serving: Serving) -> None:
    change(serving, "item", ItemChange("b01", "patch", {"price": 3}))
    change(serving, "item", NEW, ItemChange("new", "patch", {"price": 4}))
    change(serving, "item", ItemChange("b01", "patch", {"price": None}))
    properties = serving.recommender.snapshot.item_properties
    assert properties.of(serving.recommender.snapshot.items.index("new")) == {"price": 4}
    assert properties.of(1) == {}


def patch_user(serving: Serving, user: str, **properties: Any) -> None:
    change(serving, "user", ItemChange(user, "patch", properties))


def test_the_next_list_obeys_a_profile(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recommender, "with_changes", None)
    patch_user(serving, "r1", profile_blocks=["Author:Lem"], profile_likes=["Author:Gaiman"])
    found = asked(serving, user_id="r1", k=29)
    authors = [int(x[1:]) % 6 for x in ids(found)]
    assert 3 not in authors, "Lem is blocked"
    assert any(path.nodes[0].id == "Gaiman" for item in found.items for path in item.paths)
    patch_user(serving, "r1", profile_blocks=None)
    assert 3 in [int(x[1:]) % 6 for x in ids(asked(serving, user_id="r1", k=29))]


def test_what_is_muted_comes_later(serving: Serving) -> None:
    def mean_place(answer: Any) -> float:
        places = [n for n, x in enumerate(ids(answer)) if int(x[1:]) % 6 == author]
        return sum(places) / len(places)

    before = asked(serving, user_id="r1", k=29)
    author = int(ids(before)[0][1:]) % 6
    name = ("Pratchett", "Gaiman", "Le Guin", "Lem", "Wodehouse", "Christie")[author]
    patch_user(serving, "r1", profile_mutes=[f"Author:{name}"])
    after = asked(serving, user_id="r1", k=29)
    assert set(ids(after)) == set(ids(before))
    assert mean_place(after) > mean_place(before)


def test_a_profile_is_shown_and_outlasts_a_restart(serving: Serving, settings: Settings) -> None:
    patch_user(serving, "r1", profile_blocks=["Author:Lem"], profile_mutes=["Book:b01"])
    patch_user(serving, "r1", profile_mutes=None)
    again = Serving(settings, load_recommender)
    again.refresh()
    for one in (serving, again):
        profile = one.recommender.profile("r1")
        assert [(x.label, x.id, x.name) for x in profile.stated.blocks] == [("Author", "Lem", "Lem")]
        assert not profile.stated.mutes
        assert profile.liked_items > 0
        assert profile.interests["Author"]


def test_users_that_nobody_knows_have_no_profile(serving: Serving) -> None:
    with pytest.raises(UnknownIdError):
        serving.recommender.profile("nobody")
    change(serving, "user", ItemChange("nobody", "put", {"name": "N"}))
    assert serving.recommender.profile("nobody").user_state == "cold"
    assert not asked(serving, user_id="nobody", k=1).warnings
    change(serving, "user", ItemChange("nobody", "delete"))
    with pytest.raises(UnknownIdError):
        serving.recommender.profile("nobody")


def test_the_first_text_after_a_change_waits_for_nothing(serving: Serving) -> None:
    change(serving, "item", NEW)
    end = time.monotonic() + 10
    while not {"understanding"} <= vars(serving.recommender._lookups).keys():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_changes_that_could_not_be_taken_up_are_tried_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(Recommender, "with_changes", None)
        with pytest.raises(TypeError):
            change(serving, "item", NEW)
    serving.take_up_changes()
    assert "new" in ids(asked(serving, likes=["Author:Lem"], k=10))


def test_a_model_that_cannot_take_up_changes_is_not_half_in_use(
    serving: Serving, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(serving, "item", NEW)
    before, (_, _, second) = serving.recommender, trained
    with monkeypatch.context() as failing:
        failing.setattr(Recommender, "with_changes", None)
        with pytest.raises(TypeError):
            serving.activate(second)
    change(serving, "item", ItemChange("new", "patch", {"text": "planets 3"}))
    assert serving.recommender.model_version == before.model_version
    serving.activate(second)
    assert serving.recommender.model_version == second


def test_events_of_a_deleted_user_go_before_the_deletion_is_known(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.outbox.add([StoredEvent("e", "r1", "b03", "BORROWED", 5, int(time.time()), "{}")])
    left: list[int] = []
    add = serving.changes.add
    monkeypatch.setattr(
        serving.changes, "add", lambda given: (left.append(len(serving.outbox.of_user("r1"))), add(given))[1]
    )
    change(serving, "user", ItemChange("r1", "delete"))
    assert left == [0]
    assert serving.last_operation("user", "r1") == "delete"


def test_texts_of_earlier_changes_are_not_encoded_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(serving, "item", NEW)
    encoded: list[str] = []
    original = ThemeEncoder.encode

    def counting(self: ThemeEncoder, texts: Any, *rest: Any) -> Any:
        encoded.extend(texts)
        return original(self, texts, *rest)

    monkeypatch.setattr(ThemeEncoder, "encode", counting)
    for text in ("robots 4", "robots 5"):
        change(serving, "item", ItemChange("other", "put", {"text": text}))
    assert encoded == ["robots 4", "robots 5"]
    found = asked(serving, likes=["Author:Lem"], k=10)
    assert "new" in ids(found)
