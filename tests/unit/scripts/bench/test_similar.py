"""How the tables of `trailmix bench similar` read, and which similarities are asked for."""

import pytest

from embeddings.evaluation.bootstrap import Comparison, Interval
from embeddings.evaluation.similar_items import DEFAULT_SIMILARITIES, SimilarItemsRow, SimilarItemsTable
from kg.errors import UsageError
from scripts.bench.similar import _names, cells


def test_a_table_reads() -> None:
    ndcg, recall = Interval(0.25, 0.2, 0.3), Interval(0.5, 0.4, 0.6)
    versus = Comparison("text", Interval(0.1, 0.0, 0.2), Interval(2.0, 1.5, 2.5))
    rows = (SimilarItemsRow("model", ndcg, recall, None), SimilarItemsRow("text", ndcg, recall, versus))
    heading, headings, lines = cells(SimilarItemsTable("new items", 1234, 5.25, 10, rows))
    assert heading == "new items: 1,234 with 5.2 partners on average; 95 % intervals"
    assert headings == ["", "NDCG@10", "95 %", "recall@10", "95 %", "model / it", "95 %"]
    figures = ["0.2500", "0.2000 to 0.3000", "0.5000", "0.4000 to 0.6000"]
    assert lines == [["model", *figures, "", ""], ["text", *figures, "2.00", "1.50 to 2.50"]]


def test_names_of_similarities() -> None:
    assert _names(None) == list(DEFAULT_SIMILARITIES)
    assert _names(["text", "kge", "text"]) == ["text", "kge"]
    with pytest.raises(UsageError, match="'txt'"):
        _names(["txt"])
