"""Why a list is shorter than asked for, in words."""

import numpy as np

from kg.graph import BoolArray
from service.query_context import QueryContext


def short_list_reason(context: QueryContext, allowed: BoolArray, n_listed: int) -> str:
    """How many items are left, and for each reason how many are not; an item counts for its first reason.

    `allowed` has the items that no reason excludes and that are the best of their group, bool [n_items].
    """
    counts, left = [], np.ones_like(allowed)
    for reason, items in context.exclusions:
        counts.append((int(np.count_nonzero(left & items)), reason))
        left &= ~items
    counts.append((int(np.count_nonzero(left & context.excluded)), "left out"))
    left &= ~context.excluded
    counts.append((int(np.count_nonzero(left & ~allowed)), "of a group that has a better one"))
    counts.append((int(np.count_nonzero(allowed)) - n_listed, "more than `max_per` admits"))
    why = ", ".join(f"{count:,} {reason}" for count, reason in counts if count)
    what = "item is" if n_listed == 1 else "items are"
    only = f"only {n_listed:,} {what} left to recommend"
    return f"{only}; of {len(allowed):,}, {why}" if why else f"{only}; there are no others"
