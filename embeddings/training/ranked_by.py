"""What a model ranks by where there is too little to learn from, in words; and what cannot be trained."""

from embeddings.data.dataset import Dataset
from embeddings.ranking.ranker import Ranker
from kg.errors import DataError
from kg.graph import GraphSnapshot


def check_items(snapshot: GraphSnapshot) -> None:
    """Check that there is something to recommend.

    Raises:
        DataError: the graph has no item.
    """
    if not snapshot.n_items:
        raise DataError(
            f"the graph has no {snapshot.schema.item.label}, so there is nothing to recommend: "
            "ingest items, then train"
        )


def ranked_by(ranker: Ranker, dataset: Dataset) -> str:
    """Why no ranker was learnt and what ranks instead, in one line; empty if one was learnt."""
    if ranker.learnt:
        return ""
    present = {"text": dataset.has_text.any(), "facts": dataset.links.nnz > 0}
    known = " and ".join(name for name, found in present.items() if found)
    if likes := dataset.liked.nnz:
        users = len(set(dataset.events.user[dataset.events.liked].tolist()))
        others = ", ".join([*(name for name, found in present.items() if found), "popularity"])
        by = f"weights of {others} and EASE"
        how = f"{by}, kept close to fixed ones" if ranker.shrunk_weights else f"fixed {by}"
        return (
            f"too few events to learn a ranker from (likes: {likes:,}, users: {users:,}): items are "
            f"ranked by {how}"
        )
    events = len(dataset.events)
    why = f"none of the {events:,} events counts as liked" if events else "no events to learn from"
    if not known:
        return f"{why}, and neither text nor facts of items: nothing tells the items apart"
    return f"{why}: items are ranked by what is known of them ({known}) alone"
