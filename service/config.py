"""Settings that affect an answer but are not part of the model."""

from dataclasses import dataclass, field

from kg.explanation.base import PathConfig


@dataclass(frozen=True)
class UnderstandingConfig:
    """How a free text is read.

    The cosines were chosen on 23 sentences with all-MiniLM-L6-v2, where a name is encoded as "Sci-Fi
    genre": "I like to watch science fiction movies" reaches .53 for Sci-Fi, "something scary for
    halloween" .62 for Horror, "I want to cook pasta" .33.
    """

    small_vocabulary: int = 2_000
    """Labels with at most this many nodes are vocabularies of words, such as genres and countries."""
    least_cosine: float = 0.45
    """The lowest cosine of a text and a name of a small vocabulary that the text means."""
    near_best: float = 0.08
    """The most that the cosine of such a name may be below that of the nearest name."""
    longest_name: int = 8
    """The most words of a name that is looked for."""
    shortest_single_word: int = 3
    """The fewest characters of a name of one word."""
    negation_reach: int = 3
    """A name is rejected if a negation is among this many words before it."""


@dataclass(frozen=True)
class RecommenderConfig:
    """How a recommender reads a request, describes the user and explains its items.

    Scores and ranks depend on `understanding` alone, and only where a request has a free text.
    """

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
    understanding: UnderstandingConfig = field(default_factory=UnderstandingConfig)
    """How the free text of a request is read."""

    def __post_init__(self) -> None:
        if self.hot_from < 1 or self.paths_per_item < 0 or self.history_interaction < 0:
            raise ValueError("hot_from is at least 1; paths_per_item and history_interaction are at least 0")
        if not 0 < self.oldest_weight <= 1:
            raise ValueError(f"oldest_weight is in (0, 1], not {self.oldest_weight}")
