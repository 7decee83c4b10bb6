"""Settings that affect an answer but are not part of the model."""

from dataclasses import dataclass, field, replace

from embeddings.reranking.criteria import RerankingConfig
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
    longest_name: int = 20
    """The most words of a name that is looked for."""
    shortest_single_word: int = 3
    """The fewest characters of a name of one word."""
    most_rejected: int = 8
    """The most rejected clauses of one text whose meaning counts; their names all count."""


@dataclass(frozen=True)
class RejectionConfig:
    """How far items that are near to what a text rejects are ranked down.

    Chosen on 16 rejections ("vampires", "violence", "sad endings") over 9,066 films with all-MiniLM-L6-v2:
    220 to 430 films lie 2 deviations or more above the mean, and 24 to 93 lie 3 or more.
    """

    weight: float = 1.0
    """Ranks an item down by this, times `scale`, for each standard deviation above `tolerated`."""
    tolerated: float = 1.0
    """Standard deviations above the mean cosine with a rejected clause that cost an item nothing."""
    meant: float = 0.5
    """The same for an item with a fact to an entity that the clause means in other words."""
    scale: float = 3.0
    """In standard deviations of the best scores, as stated preferences are."""
    best_scores: int = 100
    """How many of the best scores that deviation is taken of."""

    def times(self, factor: float) -> "RejectionConfig":
        """The same, `factor` times as far."""
        return replace(self, weight=factor * self.weight, meant=factor * self.meant)


@dataclass(frozen=True)
class BoostConfig:
    """How far a boost of a request ranks items up or down."""

    scale: float = 3.0
    """What a weight of 1 adds, in standard deviations of the best scores, as stated preferences are."""
    best_scores: int = 100
    """How many of the best scores that deviation is taken of."""


@dataclass(frozen=True)
class RecommenderConfig:
    """How a recommender reads a request, describes the user and explains its items.

    Scores and ranks depend on `understanding` and `rejections` alone, where a request has a free text, and on
    `boosts`, where it has any.
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
    rejections: RejectionConfig = field(default_factory=RejectionConfig)
    """How items near to what a text rejects are ranked down."""
    dislikes: RejectionConfig = field(default_factory=lambda: RejectionConfig(weight=0.3))
    """How items like those that a user disliked are ranked down."""
    boosts: BoostConfig = field(default_factory=BoostConfig)
    """How far the boosts of a request rank items up or down."""

    mutes: RejectionConfig = field(default_factory=lambda: RejectionConfig(meant=1.0))
    """How items are ranked down that have a fact to what a user muted."""

    reranking: RerankingConfig = field(default_factory=RerankingConfig)
    """How a list is put together from the ranking."""

    def __post_init__(self) -> None:
        if self.hot_from < 1 or self.paths_per_item < 0 or self.history_interaction < 0:
            raise ValueError("hot_from is at least 1; paths_per_item and history_interaction are at least 0")
        if not 0 < self.oldest_weight <= 1:
            raise ValueError(f"oldest_weight is in (0, 1], not {self.oldest_weight}")
