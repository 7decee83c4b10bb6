"""What goes over the wire of a user's profile."""

from pydantic import Field

from service.contract import Contract, PathNode, UserState


class Interest(Contract):
    """An entity in what a user liked or did not like."""

    id: str
    name: str
    weight: float = Field(ge=0, le=1, description="The share of the user's liked items that have it.")
    lately: float = Field(ge=0, le=1, description="The same of the last liked items, a fifth and at least 5.")
    lift: float = Field(
        ge=0, description="How many times more often liked items have it than items of the catalogue do."
    )
    liked_items: int = Field(ge=0, description="How many liked items have it.")
    other_items: int = Field(ge=0, description="How many other items that the user turned to have it.")
    items: list[PathNode] = Field(description="The last of these liked items, at most 5, the newest first.")


class StatedProfile(Contract):
    """What the user stated: entities and items."""

    likes: list[PathNode]
    mutes: list[PathNode]
    blocks: list[PathNode]


class ProfileAnswer(Contract):
    """What the service believes of a user, and where it comes from."""

    user_id: str
    user_state: UserState
    liked_items: int = Field(ge=0)
    disliked: list[PathNode] = Field(description="Items that the user disliked since the last training.")
    stated: StatedProfile
    interests: dict[str, list[Interest]] = Field(
        description="By label, entities that liked items have more often than the catalogue, the strongest"
        " first: its interest vector. Strength is weight times the logarithm of lift."
    )
    avoided: dict[str, list[Interest]] = Field(
        description="By label, entities of at least 3 items that the user did something with, of which they"
        " liked less than half as many as of all."
    )
