"""Years, months, days and moments in ISO 8601 as spans of microseconds since 1970."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_TIME = re.compile(r"[T :]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


def time_span(text: str) -> tuple[int, int] | None:
    """The first and the last microsecond of a year, month, day or moment, "1989", "1989-05" and so on.

    A moment without a time zone is one in UTC. None: the text is no date from the year 1 to 9999.
    """
    try:
        if match := _MONTH.fullmatch(text):
            year, first, last = int(match[1]), int(match[2] or 1), int(match[2] or 12)
            begin = datetime(year, first, 1, tzinfo=UTC)
            end = datetime(year, last, monthrange(year, last)[1], tzinfo=UTC)
            return _microseconds(begin), _microseconds(end) + _DAY - 1
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    start = _microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return start, start if _TIME.search(text) else start + _DAY - 1


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
