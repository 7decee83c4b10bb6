"""A hand-made folder: 12 users, 12 items on a checkerboard, item 29 new, user 11 new."""

import numpy as np
import pytest

from embeddings.evaluation.protocols import MOST_REVEALED, PROTOCOLS, BenchmarkTrials, ProtocolConfig
from kg.adapters.benchmark import Benchmark

USERS, ITEMS, NEW_USER, NEW_ITEM = 12, 30, 11, 29


def table(pairs):
    return "user\titem\n" + "".join(f"{u}\t{i}\n" for u, i in sorted(pairs))


@pytest.fixture(scope="module")
def parts():
    """Each user has 15 of the 30 items; the splits by a rule that can be read."""
    everything = {(u, i) for u in range(USERS) for i in range(ITEMS) if (u + i) % 2 == 0}
    place = {(u, i): i // 2 for u, i in everything}
    known = {p for p in everything if p[1] != NEW_ITEM}
    old = {p for p in everything if p[0] != NEW_USER}
    mine = sorted(p for p in everything if p[0] == NEW_USER)
    return {
        "interactions": everything,
        "warm/train": {p for p in everything if place[p] >= 2},
        "warm/valid": {p for p in everything if place[p] == 0},
        "warm/test": {p for p in everything if place[p] == 1},
        "user_cold/train": {p for p in old if place[p] > 0},
        "user_cold/valid": {p for p in old if place[p] == 0},
        "user_cold/test": set(mine[5:]),
        **{f"user_cold/reveal_{k}": set(mine[:k]) for k in (1, 3, 5)},
        "item_cold/train": {p for p in known if place[p] > 0},
        "item_cold/valid": {p for p in known if place[p] == 0},
        "item_cold/test": everything - known,
    }


def times(pairs):
    """Users come one after the other and meet items in their order; item 28 comes after all else."""
    rows = "".join(f"{u}\t{i}\t{100 * u + i if i != 28 else 5000 + u}\n" for u, i in sorted(pairs))
    return f"user\titem\ttimestamp\n{rows}"


@pytest.fixture(scope="module")
def benchmark(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "interactions.tsv").write_text(times(parts["interactions"]))
    for name, pairs in parts.items():
        if name == "interactions":
            continue
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.tsv").write_text(table(pairs))
    facts = "".join(f"i:{i}\tgenre\tg:{i % 2}\n" for i in range(ITEMS))
    (folder / "kg.tsv").write_text(f"head\trelation\ttail\n{facts}")
    (folder / "item_cold" / "cold_items.tsv").write_text(f"item\n{NEW_ITEM}\n")
    return Benchmark(folder)


@pytest.fixture(scope="module")
def by_name(benchmark):
    text = np.zeros((ITEMS, 3), np.float32)
    folder = BenchmarkTrials(benchmark, text)
    return {name: protocol(folder) for name, protocol in PROTOCOLS.items()}


@pytest.fixture
def pairs(benchmark):
    def of(matrix):
        user, item = matrix.nonzero()
        return set(
            zip(benchmark.user_numbers[user].tolist(), benchmark.item_numbers[item].tolist(), strict=True)
        )

    return of


@pytest.mark.parametrize(
    ("protocol", "learnt", "out", "relevant"),
    [
        ("warm", ["warm/train"], ["warm/train", "warm/valid"], ["warm/test"]),
        *(
            (
                f"new_users_{k}",
                ["user_cold/train", "user_cold/valid"],
                ["user_cold/reveal_5"],
                ["user_cold/test"],
            )
            for k in (1, 3, 5)
        ),
        ("new_items", ["item_cold/train"], ["item_cold/train", "item_cold/valid"], ["item_cold/test"]),
        ("mixed", ["item_cold/train"], ["item_cold/train"], ["item_cold/valid", "item_cold/test"]),
    ],
)
def test_a_protocol_is_as_agreed(by_name, pairs, parts, protocol, learnt, out, relevant) -> None:
    task = by_name[protocol].test
    assert pairs(task.dataset.liked) == set().union(*(parts[x] for x in learnt))
    assert pairs(task.excluded) == set().union(*(parts[x] for x in out))
    assert pairs(task.relevant) == set().union(*(parts[x] for x in relevant))


def test_next_hides_the_last_of_each_user(by_name, pairs, parts) -> None:
    """15 items a user: round(1.5) = 2 for the test, 2 for validation, the first 11 for training."""
    newest = {u: sorted((i for v, i in parts["interactions"] if v == u), reverse=True) for u in range(USERS)}
    trial = by_name["next"]
    assert pairs(trial.test.relevant) == {(u, i) for u, items in newest.items() for i in items[:2]}
    assert pairs(trial.valid.relevant) == {(u, i) for u, items in newest.items() for i in items[2:4]}
    assert pairs(trial.test.dataset.liked) == {(u, i) for u, items in newest.items() for i in items[4:]}


def test_future_hides_the_last_of_all(by_name, pairs, parts) -> None:
    """The last 18 of 180 events are 6 of item 28 and the last 12 of user 11."""
    trial = by_name["future"]
    of_28 = [(u, 28) for u in range(0, USERS, 2)]
    in_order = sorted(parts["interactions"] - set(of_28))
    assert pairs(trial.test.relevant) == {*of_28, *in_order[-12:]}
    assert pairs(trial.valid.relevant) == set(in_order[-30:-12])
    assert pairs(trial.test.dataset.liked) == set(in_order[:-30])
    assert pairs(trial.parts["old items"].relevant) == set(in_order[-12:])
    assert pairs(trial.parts["new items"].relevant) == set(of_28)
    assert np.diff(trial.parts["new items"].relevant.indptr).sum() == 6


@pytest.mark.parametrize("k", [1, 3, 5])
def test_histories_of_new_users_are_what_they_reveal(by_name, pairs, parts, k) -> None:
    assert pairs(by_name[f"new_users_{k}"].test.histories.matrix) == parts[f"user_cold/reveal_{k}"]


def test_a_new_user_states_the_genre_of_the_revealed_items(by_name, pairs, parts) -> None:
    """User 11 likes 15 odd items: 7 are revealed, the genre of all odd items is stated, 8 are relevant."""
    task = by_name["stated_likes"].test
    own = {p for p in parts["interactions"] if p[0] == NEW_USER}
    assert (len(pairs(task.excluded)), len(pairs(task.relevant))) == (7, 8)
    assert pairs(task.excluded) | pairs(task.relevant) == own
    assert not task.histories.lengths.any()
    rows, nodes = task.histories.likes.nonzero()
    assert set(nodes) == {ITEMS + 1}
    assert len(rows) == 1
    assert task.left_out == 0


def test_only_new_items_are_ranked_among_new(by_name, benchmark) -> None:
    assert benchmark.item_numbers[by_name["new_items"].test.candidates].tolist() == [NEW_ITEM]
    assert all(by_name[p].test.candidates is None for p in PROTOCOLS if p != "new_items")


def test_mixed_tells_old_and_new_apart(by_name, pairs, parts) -> None:
    halves = by_name["mixed"].parts
    assert pairs(halves["old items"].relevant) == parts["item_cold/valid"]
    assert pairs(halves["new items"].relevant) == parts["item_cold/test"]
    assert all(half.dataset is by_name["mixed"].test.dataset for half in halves.values())


def test_what_is_learnt_from_is_shared(by_name) -> None:
    assert by_name["new_items"].test.dataset is by_name["mixed"].test.dataset
    assert by_name["new_items"].valid.dataset is by_name["mixed"].valid.dataset
    assert len({id(by_name[f"new_users_{k}"].test.dataset) for k in (1, 3, 5)}) == 1
    assert by_name["stated_likes"].test.dataset is by_name["new_users_1"].test.dataset
    assert by_name["stated_likes"].valid.dataset is by_name["new_users_1"].valid.dataset
    assert by_name["warm"].valid.dataset is by_name["warm"].test.dataset


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_chosen_by_the_test(by_name, pairs, parts, protocol) -> None:
    trial = by_name[protocol]
    test = pairs(trial.test.relevant)
    assert trial.valid.relevant.nnz
    assert not pairs(trial.valid.relevant) & (test | pairs(trial.valid.dataset.liked))
    assert not pairs(trial.valid.dataset.liked) & test
    assert not pairs(trial.test.dataset.liked) & test


def test_hidden_users_show_as_many_as_new_users_do(by_name, pairs) -> None:
    for k in (1, 3, 5):
        valid = by_name[f"new_users_{k}"].valid
        hidden = np.unique(valid.relevant.nonzero()[0])
        whole = by_name["new_users_1"].test.dataset
        assert len(hidden) == round(0.1 * (USERS - 1))
        assert (valid.histories.lengths[hidden] == k).all()
        assert (np.diff(valid.excluded.indptr)[hidden] == MOST_REVEALED).all()
        assert (whole.histories.lengths[hidden] >= ProtocolConfig().min_events).all()
        assert not valid.dataset.histories.lengths[hidden].any()
        assert pairs(valid.histories.matrix) <= pairs(valid.excluded)


def test_hidden_items_are_candidates_alone(by_name) -> None:
    valid = by_name["new_items"].valid
    assert not valid.dataset.degrees[valid.candidates].any()
    assert set(valid.relevant.nonzero()[1]) <= set(valid.candidates)
    assert len(valid.candidates) == round(0.1 * (ITEMS - 1))


def test_the_seed_decides_what_is_hidden(benchmark) -> None:
    text = np.zeros((ITEMS, 3), np.float32)
    hidden = [
        BenchmarkTrials(benchmark, text, seed).new_items().valid.candidates.tolist() for seed in (1, 1, 2)
    ]
    assert hidden[0] == hidden[1] != hidden[2]
