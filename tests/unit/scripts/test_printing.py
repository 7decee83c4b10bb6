"""What a terminal's reader sees."""

import pytest

from scripts.printing import print_recommendation
from service.contract import RecommendRequest
from service.recommender import Recommender


def test_plain_lines_where_no_terminal_is(
    recommender: Recommender, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = recommender.recommend(RecommendRequest(user_id="u2", history=["zz"], k=1), request_id="r")
    print_recommendation("user u2", recommender.liked("u2"), answer)
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "user u2 liked: The Godfather, Alien"
    assert lines[1].startswith("Recommended for user u2 (warm")
    assert lines[2].split() == ["1.", "Blade", "Runner", "0.500"]
    assert lines[3].strip().startswith("because you liked *Alien*, directed by *Ridley Scott*")
    assert printed.err == "note: no Movie has the id 'zz'; it was left out\n"


def test_score_contributions_are_a_line_of_their_own(
    recommender: Recommender, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = recommender.recommend(
        RecommendRequest(history=["m1"], k=1, score_contributions=True), request_id="r"
    )
    print_recommendation("you", [], answer)
    assert capsys.readouterr().out.splitlines()[-1].strip() == "ranking score: fixed +7.000"
    many = {f"e{n}": 1.0 - n / 10 for n in range(8)}
    item = answer.items[0].model_copy(update={"score_contributions": many})
    print_recommendation("you", [], answer.model_copy(update={"items": [item]}))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("e5 +0.500, the rest +0.700"), "0.4 + 0.3"


def test_rules_are_a_line_of_their_own(recommender: Recommender, capsys: pytest.CaptureFixture[str]) -> None:
    answer = recommender.recommend(RecommendRequest(k=2, explain=False), request_id="r")
    both = [
        x.model_copy(update={"rules": names})
        for x, names in zip(answer.items, (["a", "b"], ["c"]), strict=True)
    ]
    print_recommendation("you", [], answer.model_copy(update={"items": both}))
    lines = capsys.readouterr().out.splitlines()
    assert [lines[2].strip(), lines[4].strip()] == ["by the rules a, b", "by the rule c"]


def test_a_long_history_is_cut(recommender: Recommender, capsys: pytest.CaptureFixture[str]) -> None:
    answer = recommender.recommend(RecommendRequest(k=1), request_id="r")
    print_recommendation("you", [f"film {n}" for n in range(10)], answer)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("you liked: film 9, film 8, ")
    assert first.endswith("film 2 and 2 more")


def test_a_table_on_a_terminal(
    recommender: Recommender, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    answer = recommender.recommend(RecommendRequest(history=["m1"], k=1), request_id="r")
    print_recommendation("[you]", ["Alien [1979]"], answer)
    printed = capsys.readouterr().out
    assert "Alien [1979]" in printed
    assert "Blade Runner" in printed
    assert "Ridley Scott" in printed
