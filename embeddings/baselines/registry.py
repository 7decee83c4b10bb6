"""The methods that are only measured against, by name; a module is imported when its method is looked up."""

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from typing import Any

from typing_extensions import override

from embeddings.scorers.base import Scorer

BASELINES: dict[str, str] = {
    "biased_als": "embeddings.baselines.biased_als:BiasedAls",
    "blend": "embeddings.baselines.blend:Blend",
    "content_cosine": "embeddings.baselines.attributes:ContentCosine",
    "content_pearson": "embeddings.baselines.attributes:ContentPearson",
    "ease_with_content": "embeddings.baselines.ease_with_content:EaseWithContent",
    "lightgcn": "embeddings.baselines.lightgcn:LightGcn",
    "liked_ease": "embeddings.baselines.likes:LikedEase",
    "liked_facts": "embeddings.baselines.likes:LikedFacts",
    "liked_text": "embeddings.baselines.likes:LikedText",
    "ncf": "embeddings.baselines.ncf:Ncf",
    "nmf": "embeddings.baselines.nmf:Nmf",
    "sasrec": "embeddings.baselines.sasrec:SasRec",
}
"""Where each class is, as `module:Class`."""


class LazyScorers(Mapping[str, type[Scorer[Any]]]):
    """Scorers by name, from classes and paths `module:Class`; some of the modules load torch or scikit-learn.

    Iterating gives the names and imports nothing.
    """

    def __init__(self, entries: Mapping[str, type[Scorer[Any]] | str]) -> None:
        self._entries = entries

    @override
    def __getitem__(self, name: str) -> type[Scorer[Any]]:
        entry = self._entries[name]
        found: type[Scorer[Any]] = resolve_name(entry) if isinstance(entry, str) else entry
        return found

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @override
    def __len__(self) -> int:
        return len(self._entries)
