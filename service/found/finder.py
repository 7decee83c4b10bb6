"""What can be found beside recommendations: items by their id."""

from kg.explanation.search import PathFinder
from service.found.contract import ItemAnswer
from service.found.item import ItemView
from service.request_reader import Lookups


class Finder:
    """Finds over one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(self, lookups: Lookups, paths: PathFinder) -> None:
        self._items = ItemView(lookups, paths.facts)

    def item(self, item_id: str) -> ItemAnswer:
        """What the graph knows of an item.

        Raises:
            UnknownIdError: there is none of this id.
        """
        return self._items.show(item_id)
