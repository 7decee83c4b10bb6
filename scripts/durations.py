"""Spans of time as options take them."""

import re

from kg.errors import UsageError


def parse_duration(text: str, option: str) -> float:
    """Seconds of `90s`, `10m`, `1h30m`; a bare number is seconds.

    Raises:
        UsageError: it is none of these, or nothing.
    """
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    parts = found.groups() if found else ()
    seconds = sum(int(n or 0) * unit for n, unit in zip(parts, (3600, 60, 1), strict=False))
    if not seconds:
        raise UsageError(f"{option} {text!r}: write a time such as 90s, 10m or 1h30m")
    return float(seconds)
