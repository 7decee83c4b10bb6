"""What changes an answer and is no part of the model."""

from dataclasses import dataclass, field

from kg.explanation.base import PathConfig


@dataclass(frozen=True)
class RecommenderConfig:
    """How a recommender describes the user and explains its items; scores and ranks do not depend on it."""

    hot_from: int = 5
    """A user with at least this many liked items is hot: the user's own history outweighs popularity."""
    paths_per_item: int = 3
    """The most paths that explain one item."""
    oldest_weight: float = 0.85
    """The weight in paths, in (0, 1], of the item liked first; the weight rises evenly to 1 for the last."""
    history_interaction: int = 0
    """The interaction, by its index in the schema, whose verb words the `history` of a request in a path."""
    paths: PathConfig = field(default_factory=PathConfig)
    """How paths are searched and scored."""

    def __post_init__(self) -> None:
        if self.hot_from < 1 or self.paths_per_item < 0 or self.history_interaction < 0:
            raise ValueError("hot_from is at least 1; paths_per_item and history_interaction are at least 0")
        if not 0 < self.oldest_weight <= 1:
            raise ValueError(f"oldest_weight is in (0, 1], not {self.oldest_weight}")
