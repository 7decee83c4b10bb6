"""The nearest known name, for messages about unknown names."""

from collections.abc import Iterable, Sequence

_LEAST_LIKE = 50
"""Of 100, how like a name has to be to be named in a message."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known name, or all known names."""
    from rapidfuzz import fuzz, process  # a tenth of a second to import, for messages alone

    names = [name if name.isprintable() else ascii(name) for name in (str(k)[:100] for k in known)]
    lower = {k.lower(): k for k in names}
    close = process.extractOne(name.lower(), list(lower), scorer=fuzz.ratio, score_cutoff=_LEAST_LIKE)
    if close:
        return f"; did you mean {lower[close[0]]!r}?"
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return f"; there is {', '.join(names[:20]) or 'none'}{more}"


def nearest_of_many(name: str, known: Sequence[str]) -> str:
    """The same where the known names are of things, such as people: a part of one is like it, too.

    Empty if none is like it. Takes some hundredths of a second for 100,000 names.
    """
    from rapidfuzz import fuzz, process, utils

    close = process.extractOne(
        name[:100], known, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=_LEAST_LIKE
    )
    return f"; did you mean {close[0][:100]!r}?" if close else ""
