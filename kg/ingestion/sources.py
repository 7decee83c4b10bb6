"""Tables on disk, read in chunks: CSV, TSV, JSON Lines and Parquet, optionally compressed by gzip or zstd.

A row that cannot be read (too many values, undecodable bytes, invalid JSON) becomes a problem, and reading
continues; a file that cannot be read to its end raises DataError.
"""

import glob
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from kg.errors import DataError
from kg.ingestion import csv_reader, record_reader
from kg.ingestion.chunks import BLOCK_BYTES, FORMATS, Chunk, file_format
from kg.ingestion.mapping import Mapping
from kg.ingestion.source_mapping import SourceMapping
from kg.nearest_name import nearest_name


@dataclass(frozen=True)
class Table:
    """One file of a source."""

    path: Path
    mapping: SourceMapping

    def columns(self) -> list[str] | None:
        """The names of the columns; None for a JSON Lines file without any object.

        Raises:
            DataError: the file is missing, empty or cannot be read, or names a column twice.
        """
        with self._readable():
            match file_format(self.path.name)[0]:
                case ".parquet":
                    names = record_reader.parquet_names(self.path)
                case ".jsonl" | ".ndjson":
                    return record_reader.json_names(self.path, self.mapping)
                case _:
                    names = csv_reader.names(self.path, self.mapping)
        if twice := sorted({x for x in names if names.count(x) > 1}):
            raise DataError(f"{self.path}: has two columns {twice[0]!r}; each needs a name of its own")
        return names

    def chunks(self, columns: list[str]) -> Iterator[Chunk]:
        """All rows, at most `CHUNK_ROWS` at a time, with these columns.

        Raises:
            DataError: the file cannot be read any further.
        """
        readers = {".parquet": record_reader.read_parquet} | dict.fromkeys(
            (".jsonl", ".ndjson"), record_reader.read_json
        )
        read = readers.get(file_format(self.path.name)[0], csv_reader.read)
        last = 0
        with self._readable(lambda: f" after row {last:,}" if last else ""):
            for chunk in read(self.path, self.mapping, columns):
                last = chunk.last
                yield chunk

    def digest(self) -> str:
        """A hash of the file's bytes.

        Raises:
            DataError: it cannot be read.
        """
        with self._readable(), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _readable(self, where: Callable[[], str] = str) -> Iterator[None]:
        try:
            yield
        except UnicodeError as error:
            problem = f"is not {self.mapping.encoding} ({error}); name its `encoding` in the mapping"
            raise DataError(f"{self.path}: {problem}") from None
        except (OSError, EOFError, pa.ArrowException) as error:
            raise DataError(f"{self.path}: {self._problem(error, where())}") from None

    def _problem(self, error: Exception, where: str) -> str:
        """A readable message for an error of pyarrow or the operating system."""
        if self.path.is_dir():
            return "is a folder; name the files in it, such as `folder/*.csv`"
        words = _system_words(error) or str(error)
        if "Empty CSV file" in words:
            empty = self.path.stat().st_size <= BLOCK_BYTES
            return f"{'is empty' if empty else _TOO_LONG}; its first line must name the columns"
        if "straddl" in words:
            words = f"{_TOO_LONG}; is a quote not closed? `quote: null` in the mapping takes quotes as text"
        elif _system_words(error) is None:
            words = (
                f"{' '.join(words.split()).rstrip('.')}; is the file whole, and what its name's ending says?"
            )
        return f"cannot be read{where}: {words}"


_TOO_LONG = "has a line of more than 4 MB"


def _system_words(error: Exception) -> str | None:
    """The operating system's message for an error; pyarrow's own message would repeat the path."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number is not None else None


def open_tables(mapping: Mapping, folder: Path) -> dict[str, list[Table]]:
    """The files of each source; checks that they have every column that the mapping names.

    Raises:
        MappingError: a format, an encoding or a column is unknown, or no file matches a pattern.
        DataError: a file cannot be read.
    """
    tables = {}
    for name, source in mapping.sources.items():
        tables[name] = [Table(path, source) for path in _files(mapping, name, folder)]
        for table in tables[name]:
            _check_columns(mapping, name, table)
    return tables


def _files(mapping: Mapping, name: str, folder: Path) -> list[Path]:
    source = mapping.sources[name]
    paths = [folder / source.file]
    if glob.has_magic(source.file) and not paths[0].exists():
        found = glob.glob(source.file, root_dir=folder, recursive=True)  # noqa: PTH207 Path.glob is stricter
        paths = sorted(folder / x for x in found)
    if not paths:
        raise mapping.error(("sources", name, "file"), f"no file fits {source.file!r} in {folder}")
    for path in paths:
        suffix = file_format(path.name)[0]
        if suffix not in FORMATS:
            raise mapping.error(
                ("sources", name, "file"), f"cannot read {path.name!r}{nearest_name(suffix, FORMATS)}"
            )
        if problem := _encoding_problem(source.encoding, suffix):
            raise mapping.error(("sources", name, "encoding"), problem)
    return paths


def _encoding_problem(encoding: str, suffix: str) -> str | None:
    """The problem with a source's encoding for files of this suffix, or None."""
    try:
        line_end = b"\n".decode(encoding, "replace").encode(encoding, "replace")
        b"\xff".decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return f"there is no encoding {encoding!r}; utf-8, latin-1, cp1252 and utf-16 are some"
    if suffix in (".jsonl", ".ndjson") and line_end != b"\n":
        return f"JSON Lines cannot be read as {encoding}, only CSV can; write them as utf-8"
    return None


def _check_columns(mapping: Mapping, source: str, table: Table) -> None:
    found = table.columns()
    for key, name, column in mapping.columns():
        if found is not None and name == source and column not in found:
            raise mapping.error(key, f"{table.path} has no column {column!r}{nearest_name(column, found)}")
