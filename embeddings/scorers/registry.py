"""Every scorer by its name."""

from typing import Any

from embeddings.scorers.als import Als, BiasedAls
from embeddings.scorers.attributes import ContentCosine, ContentPearson
from embeddings.scorers.base import Scorer
from embeddings.scorers.content import Text
from embeddings.scorers.ease import Ease
from embeddings.scorers.eras import Era
from embeddings.scorers.graph import Gnn, Kge
from embeddings.scorers.lightgcn import LightGcn
from embeddings.scorers.ncf import Ncf
from embeddings.scorers.neighbours import ItemKnn, UserKnn
from embeddings.scorers.nmf import Nmf
from embeddings.scorers.popularity import Popularity
from embeddings.scorers.profile import Profile
from embeddings.scorers.sasrec import SasRec
from embeddings.scorers.sequence import Adjacency
from embeddings.scorers.svd import GraphFilter, Svd

SCORERS: dict[str, type[Scorer[Any]]] = {
    scorer.name: scorer
    for scorer in (
        *(Popularity, ItemKnn, UserKnn, Ease, Als, BiasedAls, Nmf, Svd, GraphFilter),
        *(Era, Adjacency, Text, ContentCosine, ContentPearson, Profile, Kge, Gnn, LightGcn, Ncf, SasRec),
    )
}
