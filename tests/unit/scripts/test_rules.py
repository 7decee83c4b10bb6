"""`trailmix rules`: what it stores, prints and refuses, with a graph that answers as told."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from fake_rules import FakeRuleGraph

from kg.errors import StatementRefusedError, UnknownIdError, UsageError
from kg.settings import Settings
from scripts import rules

QUERY = "MATCH (m:Movie {genre: $g}) RETURN m.id AS id"


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRuleGraph:
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path))
    graph = FakeRuleGraph(rows=["m1", "m2", "zz"])
    monkeypatch.setattr("scripts.rules.open_store", graph)
    return graph


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_rule_is_put_listed_shown_and_removed(
    graph: FakeRuleGraph, capsys: pytest.CaptureFixture[str]
) -> None:
    rules.list_rules()
    assert lines(capsys) == ["no rule yet: trailmix rules put --help"]
    rules.put("no-horror", QUERY, "boost", ["g=Horror"], weight=-1, applies="always")
    assert graph.asked == [(QUERY, {"g": "Horror"})]
    (line,) = lines(capsys)
    assert line.startswith("no-horror  boost  always   2 items (1 other ids are no items)  20")
    rules.list_rules()
    assert lines(capsys) == [line]
    rules.list_rules(json=True)
    listed = json.loads(capsys.readouterr().out)
    rules.show("no-horror")
    shown = json.loads(capsys.readouterr().out)
    assert listed == shown
    assert (shown["rule"]["parameters"], shown["rule"]["weight"]) == ({"g": "Horror"}, -1.0)
    rules.remove("no-horror")
    assert lines(capsys) == ["removed no-horror"]
    with pytest.raises(UnknownIdError, match="no rule has the id 'no-horror'"):
        rules.show("no-horror")


def test_check_stores_nothing(
    graph: FakeRuleGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules.check(QUERY, param=["g=Horror"])
    assert lines(capsys) == ["2 items in 0.25 s: m1, m2; 1 other ids are no items"]
    graph.rows = []
    rules.check(QUERY, param=["g=Horror"])
    assert lines(capsys) == ["0 items in 0.25 s"]
    assert not Settings(home=tmp_path).rules_folder.exists()


def test_a_query_is_read_from_a_file_or_from_standard_input(
    graph: FakeRuleGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rule.cypher").write_text("RETURN 1 AS id;\n")
    rules.check(f"@{tmp_path}/rule.cypher")
    monkeypatch.setattr("sys.stdin", io.StringIO("RETURN 2 AS id"))
    rules.check("-")
    assert [x for x, _ in graph.asked] == ["RETURN 1 AS id", "RETURN 2 AS id"]
    with pytest.raises(UsageError, match=r"nowhere\.cypher: .*No such file"):
        rules.check("@nowhere.cypher")


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("a b", {}, "a rule cannot be called 'a b': a name has letters"),
        ("a", {"weight": 2}, "rule: weight is for a boost; leave it out of a rule to deny"),
        ("a", {"effect": "boost", "weight": 11}, "weight: Input should be less than or equal to 10"),
        ("a", {"param": ["g"]}, "--param 'g' is not name=value"),
        ("a", {"param": ['g={"a": 1}']}, r"parameters\.g"),
    ],
)
def test_what_is_wrong_is_named(graph: FakeRuleGraph, name: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        rules.put(name, QUERY, **{"effect": "deny", **fields})
    assert not graph.asked


def test_refresh_tells_which_rules_fail(graph: FakeRuleGraph, capsys: pytest.CaptureFixture[str]) -> None:
    rules.put("a", QUERY, "deny", ["g=Horror"])
    rules.put("b", QUERY, "deny", ["g=Horror"])
    graph.rows = ["m1"]
    rules.refresh("a")
    rules.refresh()
    assert [x.split("  ")[-2] for x in lines(capsys)[2:]] == ["1 item"] * 3
    graph.rows = StatementRefusedError("it was ended after 10 s; narrow it, or add LIMIT")
    with structlog.testing.capture_logs(), pytest.raises(typer.Exit) as caught:
        rules.refresh("a")
    assert caught.value.exit_code == 1
    (line,) = lines(capsys)
    assert "1 item" in line
    assert line.endswith("Z: it was ended after 10 s; narrow it, or add LIMIT")
