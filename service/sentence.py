"""The first item of an answer as a sentence."""

import re
from collections.abc import Sequence

from service.contract import RecommendedItem

_NAME = re.compile(r"\*(.+?)(?<=\S)\*(?=[,\s]|$)")
"""A name as the texts of paths mark it; it may have asterisks itself."""


def recommendation_sentence(items: Sequence[RecommendedItem]) -> str:
    """The first item, with the reason that its best path gives, if it has one."""
    if not items:
        return "There is nothing to recommend."
    first = items[0]
    reason = f", {_NAME.sub(lambda found: found[1], first.paths[0].text)}" if first.paths else ""
    sentence = f"I recommend {first.display_title}{reason}"
    return sentence if sentence.endswith((".", "!", "?", "\u2026")) else f"{sentence}."
