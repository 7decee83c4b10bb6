"""The lists that `trailmix evaluate` measures are the lists that people get, item by item, score by score."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from service.app import create_app

USERS, ITEMS, TASTES = 60, 80, 4
WORDS = ("space rockets", "courtly love", "murder at night", "talking animals")


@pytest.fixture(scope="module")
def pairs() -> pd.DataFrame:
    """12 to 24 items a user, mostly of their own taste (the item modulo 4), popular ones more."""
    rng = np.random.default_rng(7)
    rows = []
    for user in range(USERS):
        weight = (
            np.where(np.arange(ITEMS) % TASTES == user % TASTES, 4.0, 0.5) / (3 + np.arange(ITEMS)) ** 0.4
        )
        weight[-3:] = 0  # three items that nobody has met
        items = rng.choice(ITEMS, int(rng.integers(12, 25)), replace=False, p=weight / weight.sum())
        rows += [(user, int(item), 10_000 + 50 * user + n) for n, item in enumerate(items)]
    return pd.DataFrame(rows, columns=["user", "item", "timestamp"])


def write(folder: Path, name: str, table: pd.DataFrame) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / name, sep="\t", index=False)


def write_graph(folder: Path, events: pd.DataFrame) -> None:
    """Users, items, facts and texts of all, and some events."""
    items = range(ITEMS)
    write(folder, "interactions.tsv", events)
    write(folder, "users.tsv", pd.DataFrame({"uid": range(USERS)}))
    write(folder, "items.tsv", pd.DataFrame({"iid": items, "name": [f"Tale {n}" for n in items]}))
    facts = [(f"i:{n}", "written_by", f"p:{n % 9}") for n in items] + [
        (f"i:{n}", "has_genre", f"g:{n % TASTES}") for n in items
    ]
    write(folder, "kg.tsv", pd.DataFrame(facts, columns=["head", "relation", "tail"]))
    texts = [f"Tale {n}, of {WORDS[n % TASTES]}" for n in items]
    write(folder, "text.tsv", pd.DataFrame({"iid": items, "text": texts}).iloc[2:])


@pytest.fixture(scope="module")
def split(pairs) -> dict[str, pd.DataFrame]:
    """The last tenth of each user's items is the test, the tenth before is validation."""
    by_user = pairs.groupby("user")["timestamp"]
    newest_first = by_user.rank(ascending=False) - 1
    tenth = np.round(0.1 * by_user.transform("size"))
    test, valid = newest_first < tenth, (newest_first >= tenth) & (newest_first < 2 * tenth)
    return {"train": pairs[~test & ~valid], "valid": pairs[valid]}


@pytest.fixture(scope="module")
def folders(pairs, split, tmp_path_factory) -> tuple[Path, Path]:
    """The benchmark, and what may be learnt of it."""
    benchmark, train = tmp_path_factory.mktemp("benchmark"), tmp_path_factory.mktemp("train")
    write_graph(benchmark, pairs)
    write_graph(train, split["train"])
    return benchmark, train


def lists(path: Path) -> dict[str, list[tuple[str, float]]]:
    table = pd.read_csv(path, sep="\t", dtype={"user": str, "item": str})
    found = defaultdict(list)
    for row in table.sort_values(["user", "rank"]).itertuples():
        found[row.user].append((row.item, round(row.ranking_score, 6)))
    return found


@pytest.mark.parametrize("server", ["arcadedb"], indirect=True)
def test_lists_of_evaluate_recommend_and_the_service_are_one(
    store_settings, trailmix_here, folders, split, tmp_path
) -> None:
    benchmark, train = folders
    measure = ("--protocol", "next", "--scorer", "trailmix", "--seed", "3", "--export-lists", str(tmp_path))
    trailmix_here("evaluate", "--benchmark", str(benchmark), *measure)
    measured = lists(tmp_path / "next.tsv")
    assert len(measured) == USERS

    trailmix_here("ingest", str(train))
    trailmix_here("train", "--no-measure", "--seed", "3")
    client = create_app(store_settings).test_client()
    out = split["valid"].astype(str).groupby("user")["item"].agg(set)  # evaluation leaves these out as well

    def shown(answer) -> list[tuple[str, float]]:
        return [(x["item_id"], x["ranking_score"]) for x in answer["items"]]

    for user, expected in measured.items():
        answer = client.post("/recommend", json={"user_id": user, "k": ITEMS, "explain": False})
        found = [(item, score) for item, score in shown(answer.json) if item not in out[user]]
        assert [item for item, _ in found] == [item for item, _ in expected], user
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=1.5e-6)
    for user in ("0", "37"):
        printed = trailmix_here(
            "recommend", user, "--k", str(ITEMS), "--score-contributions", "--json"
        ).stdout
        answer = client.post("/recommend", json={"user_id": user, "k": ITEMS, "score_contributions": True})
        assert json.loads(printed)["items"] == answer.json["items"]
        for item in answer.json["items"]:
            shares = item["score_contributions"].values()
            np.testing.assert_allclose(sum(shares), item["ranking_score"], atol=1e-4)
