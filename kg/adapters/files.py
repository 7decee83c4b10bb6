"""Reads published files line by line and writes the CSV tables of a mapping."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kg.errors import DataError


def lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and lines without line ends; a .gz file is decompressed.

    Raises:
        DataError: the file is missing, not in that encoding, or an incomplete archive.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        # titles contain other characters that Python would treat as line ends
        with opened(path, "rt", encoding=encoding, newline="\n") as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip("\r\n")
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not {encoding} ({error.reason})") from None


def rows(
    path: Path, separator: str | None, width: int, encoding: str = "utf-8", *, header: bool = False
) -> Iterator[list[str]]:
    """The values of each non-empty line, split at the separator (None: whitespace).

    Raises:
        DataError: the file cannot be read, or a line has fewer than `width` values.
    """
    for number, line in lines(path, encoding):
        if (header and number == 1) or not line.strip():
            continue
        values = line.split(separator)
        if len(values) < width:
            raise DataError(f"{path}, line {number}: has {len(values)} values, not {width}")
        yield values


def write_table(path: Path, header: Sequence[str], found: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with a header line."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(found)


def one_of(folder: Path, *patterns: str) -> Path:
    """The only file in the folder that matches one of the patterns.

    Raises:
        DataError: no file or several files match.
    """
    found = sorted({x for pattern in patterns for x in folder.glob(pattern)})
    if len(found) != 1:
        found_text = f"has {', '.join(x.name for x in found)}" if found else "has none"
        raise DataError(f"{folder}: one file {' or '.join(patterns)} is needed; it {found_text}")
    return found[0]
