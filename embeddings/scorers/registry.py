"""Every scorer by its name."""

from typing import Any

from embeddings.scorers.als import Als
from embeddings.scorers.attributes import ContentCosine, ContentPearson
from embeddings.scorers.base import Scorer
from embeddings.scorers.content import Text
from embeddings.scorers.ease import Ease
from embeddings.scorers.graph import Gnn, Kge
from embeddings.scorers.lightgcn import LightGcn
from embeddings.scorers.neighbours import ItemKnn
from embeddings.scorers.popularity import Popularity

SCORERS: dict[str, type[Scorer[Any]]] = {
    scorer.name: scorer
    for scorer in (Popularity, ItemKnn, Ease, Als, Text, ContentCosine, ContentPearson, Kge, Gnn, LightGcn)
}
