"""What goes over the wire to look at items, to search, and to find what is similar."""

from pydantic import Field

from kg.explanation.paths import Direction
from service.contract import Contract, PathNode


class ItemFact(Contract):
    """One fact of an item; "out" goes from the item to the node as stored."""

    relation: str
    direction: Direction
    node: PathNode


class ItemAnswer(Contract):
    """What the graph knows of an item."""

    item_id: str
    label: str
    title: str
    """The name as stored; other items may have the same."""
    display_title: str = Field(
        description="The title, with the year or the id where another item has the same title."
    )
    text: str
    """What the item is, in words; "" without a text."""
    facts: list[ItemFact]
    likes: int = Field(ge=0, description="How many users liked it, as the model's snapshot knows.")
    near_duplicates: list[PathNode] = Field(description="The other items of its `same_as` group.")
