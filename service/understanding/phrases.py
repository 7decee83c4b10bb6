"""The moods and subjects of a text: its telling words that name nothing, as phrases."""

import re
from collections.abc import Sequence

from embeddings.text.names import Word
from service import cues
from service.understanding.contract import UnderstoodPhrase
from service.understanding.lexicon import FUNCTION_WORDS

_BREAK = re.compile(r"[,.;:!?()\[\]\n\u2013\u2014&/]|\s-+\s")
_INSIDE = frozenset(
    ["in", "of", "the", "a", "an", "is", "on", "at", "to", "s", "his", "her", "their", "with"]
)
_TOLD = cues.word_set(
    """
    similar vein style lines along reminds remind spirit close watched loved adore adores adored hate
    hated hates
    overrated genius actress actor actors actresses thing things stand recommendation whatever else
    different next think believe guess says
    say saying made makes make makes makes watches after before since between please pls thx thanks ok
    basically just
    right soft spot guilty pleasure level best top picks pick today tonight weekend now then kind sort
    really feel
    again too very much many lots bit little anything something nothing everything one two three four
    five ones both
    us me night evening moment minute minutes single haha lol hi hello hey yo well anyway otherwise ideally
    preferably perhaps maybe first last who what why how directed written starring director writer matter
    matters
    couldn't can't don't won't isn't doesn't i'd i'm i've it's that's he's she's we're they're i'll
    what's whats don
    dont cant wont want wants wanted fine easy search find look looking showing keep pushing exclude
    remove drop
    strictly exclusively only must narrow possible if case live cinema fond crazy keen swears
    disappointed been
    """
)

_ADJECTIVES = frozenset({"fun", "big", "super", "same"})
"""Words that say something of a film, though most often they do not."""


def phrases_in(
    text: str, found: Sequence[Word], labels: Sequence[str], taken: Sequence[bool], label: str
) -> list[UnderstoodPhrase]:
    """The phrases of the words of one label that are not taken by names."""
    phrases: list[UnderstoodPhrase] = []
    run: list[int] = []

    def close() -> None:
        while run and not _is_telling(found[run[-1]]):
            run.pop()
        if run:
            start, end = found[run[0]].start, found[run[-1]].end
            phrases.append(UnderstoodPhrase(words=text[start:end], start=start, end=end, confidence=0.7))
        run.clear()

    for n, word in enumerate(found):
        if n and _BREAK.search(text[found[n - 1].end : word.start]):
            close()
        own = labels[n] == label and not taken[n]
        if own and (_is_telling(word) or (run and word.folded in _INSIDE)):
            run.append(n)
        else:
            close()
    close()
    return phrases


def _is_telling(word: Word) -> bool:
    folded = word.folded
    if folded in _ADJECTIVES:
        return True
    if folded in cues.GENERIC or folded in FUNCTION_WORDS or folded in _TOLD:
        return False
    return len(folded) > 1 and not folded.isdigit()
