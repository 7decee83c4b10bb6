"""Figures that others published on folders of KGAT's layout, each with its source.

A data set is recognised by its numbers of users, items, and different training and test events: another
split of the same data has other figures. A method that is missing here has no figure that could be read at
its source: LightGCN and EASE on these splits, and the tables of the papers, of which KGAT's and KGIN's
figures here are the authors' own reruns.
"""

from dataclasses import dataclass
from typing import Literal

Ndcg = Literal["ndcg", "kgat_ndcg"]
"""Which of `PaperMetrics` an NDCG is."""


@dataclass(frozen=True)
class PublishedFigure:
    """Recall@20 and NDCG@20 of one method, of the training step that is best on the test events."""

    method: str
    recall: float
    ndcg: float
    definition: Ndcg
    source: str


@dataclass(frozen=True)
class PublishedData:
    """A data set with what was published on it."""

    name: str
    counts: tuple[int, int, int, int]
    """As `KgatFolder.counts`."""
    figures: tuple[PublishedFigure, ...]


_KGAT = "github.com/xiangwang1223/knowledge_graph_attention_network, Log/training_log_{}.log"
_KGIN = "github.com/huangtinglin/Knowledge_Graph_based_Intent_Network, training_log/{}.txt"
_KGCL = "github.com/yuh-yang/KGCL-SIGIR22, log/{}.log"

PUBLISHED = (
    PublishedData(
        "Amazon-Book",
        (70_679, 24_915, 652_514, 193_920),
        (
            PublishedFigure("KGAT", 0.1503, 0.1016, "kgat_ndcg", _KGAT.format("amazon-book")),
            PublishedFigure("KGIN", 0.1688, 0.0915, "ndcg", _KGIN.format("Amazon-Book")),
            PublishedFigure("KGCL", 0.1496, 0.0791, "ndcg", _KGCL.format("Amazon-Book")),
        ),
    ),
    PublishedData(
        "Last-FM",
        (23_566, 48_123, 1_289_003, 423_635),
        (
            PublishedFigure("KGAT", 0.0882, 0.1366, "kgat_ndcg", _KGAT.format("last-fm")),
            PublishedFigure("KGIN", 0.0979, 0.0848, "ndcg", _KGIN.format("last-fm")),
        ),
    ),
    PublishedData(
        "Alibaba-iFashion",
        (114_737, 30_040, 1_380_510, 400_583),
        (PublishedFigure("KGIN", 0.1147, 0.0716, "ndcg", _KGIN.format("Alibaba-iFashion")),),
    ),
)


def published_on(counts: tuple[int, int, int, int]) -> PublishedData | None:
    """The data set with these counts; None: nothing is known of it."""
    return next((data for data in PUBLISHED if data.counts == counts), None)
