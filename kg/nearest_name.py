"""The nearest known name, for messages about unknown names."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known name, or all known names."""
    names = [name if name.isprintable() else ascii(name) for name in (str(k)[:100] for k in known)]
    lower = {k.lower(): k for k in names}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {lower[close[0]]!r}?"
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return f"; there is {', '.join(names[:20]) or 'none'}{more}"
