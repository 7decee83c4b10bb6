"""Which relations of a batch are created without a search."""

from kg.store.bolt_runs import _by_clause


def test_relations_of_a_node_that_is_new_at_either_end_are_created() -> None:
    rows = [
        {"head": head, "tail": tail} for head, tail in (("new", "b"), ("a", "new"), ("a", "b"), ("c", "d"))
    ]
    found = dict(_by_clause(rows, {"new"}, {"new", "a"}))
    assert found == {"CREATE": rows[:2], "MERGE": rows[2:]}


def test_a_batch_that_repeats_a_pair_is_merged() -> None:
    rows = [{"head": "new", "tail": "b"}] * 2
    assert dict(_by_clause(rows, {"new"}, ())) == {"MERGE": rows}
