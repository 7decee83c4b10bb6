"""Every scorer by its name."""

from typing import Any

from embeddings.baselines.attributes import ContentCosine, ContentPearson
from embeddings.baselines.lightgcn import LightGcn
from embeddings.baselines.ncf import Ncf
from embeddings.baselines.nmf import Nmf
from embeddings.baselines.sasrec import SasRec
from embeddings.scorers.als import Als, BiasedAls
from embeddings.scorers.base import Scorer
from embeddings.scorers.content import Text
from embeddings.scorers.cooccurrence import Cooccurrence
from embeddings.scorers.ease import Ease
from embeddings.scorers.graph import Gnn, Kge
from embeddings.scorers.neighbours import ItemKnn, UserKnn
from embeddings.scorers.popularity import Popularity
from embeddings.scorers.profile import Profile
from embeddings.scorers.svd import GraphFilter, Svd
from embeddings.scorers.time_popularity import TimePopularity

SCORERS: dict[str, type[Scorer[Any]]] = {
    scorer.name: scorer
    for scorer in (
        *(Popularity, ItemKnn, UserKnn, Ease, Als, BiasedAls, Nmf, Svd, GraphFilter),
        *(
            TimePopularity,
            Cooccurrence,
            Text,
            ContentCosine,
            ContentPearson,
            Profile,
            Kge,
            Gnn,
            LightGcn,
            Ncf,
            SasRec,
        ),
    )
}
