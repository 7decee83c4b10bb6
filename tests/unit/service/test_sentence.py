"""The first item of an answer in words."""

import pytest

from service.contract import Path, RecommendedItem
from service.sentence import recommendation_sentence


def item(title: str, *texts: str) -> RecommendedItem:
    paths = [Path(score=1.0, text=text, nodes=[], edges=[]) for text in texts]
    return RecommendedItem(
        item_id="1", rank=1, score=0.5, ranking_score=1.0, title=title, display_title=title, paths=paths,
        score_contributions=None,
    )  # fmt: skip


def test_the_first_item_with_its_best_reason() -> None:
    first = item("Alien (1979)", "because you liked *Solaris*, of the genre *Sci-Fi*", "because of another")
    assert (
        recommendation_sentence([first, item("Stalker")])
        == "I recommend Alien (1979), because you liked Solaris, of the genre Sci-Fi."
    )


def test_without_a_reason_and_without_an_item() -> None:
    assert recommendation_sentence([item("Alien")]) == "I recommend Alien."
    assert recommendation_sentence([]) == "There is nothing to recommend."


@pytest.mark.parametrize(
    "name",
    ["61*", "B*A*P*S", "M*A*S*H", "Sex * But Were Afraid", "What the #$*! Do We Know", "*batteries", "a"],
)
def test_asterisks_of_a_name_stay(name: str) -> None:
    told = recommendation_sentence(
        [item("X", f"because you liked *{name}*, by *Y*, who also wrote *{name}*")]
    )
    assert told == f"I recommend X, because you liked {name}, by Y, who also wrote {name}."


@pytest.mark.parametrize("title", ["Monsters, Inc.", "Help!", "Who?"])
def test_one_full_stop(title: str) -> None:
    assert recommendation_sentence([item(title)]) == f"I recommend {title}"
