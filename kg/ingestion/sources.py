"""Tables on disk, read in chunks: CSV, TSV, JSON, Parquet and Excel, optionally compressed.

A row that cannot be read (too many values, undecodable bytes, invalid JSON) becomes a problem, and reading
continues; a file that cannot be read to its end raises DataError.
"""

import glob
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import pyarrow as pa

from kg.errors import DataError
from kg.ingestion import csv_reader, excel_reader, json_reader, parquet_reader
from kg.ingestion.chunks import Chunk
from kg.ingestion.content_kind import check_content, zip_problem
from kg.ingestion.mapping import Mapping
from kg.ingestion.packing import ENCODING_ADVICE, file_format
from kg.ingestion.source_mapping import FORMATS, SourceMapping
from kg.nearest_name import nearest_name


class _Reader(Protocol):
    """A module that reads files of one format."""

    def names(self, path: Path, source: SourceMapping) -> list[str] | None:
        """The names of the columns; None if the file does not tell."""

    def read(self, path: Path, source: SourceMapping, columns: list[str]) -> Iterator[Chunk]:
        """All rows with these columns."""


_READERS: dict[str, _Reader] = {
    "csv": csv_reader,
    "tsv": csv_reader,
    "jsonl": json_reader,
    "ndjson": json_reader,
    "json": json_reader,
    "parquet": parquet_reader,
    "xlsx": excel_reader,
}
_UNREADABLE = (OSError, EOFError, pa.ArrowException, BadZipFile, zlib.error, LZMAError, NotImplementedError)


@dataclass(frozen=True)
class Table:
    """One file of a source."""

    path: Path
    mapping: SourceMapping

    def format(self) -> str:
        """The format of the file, or the suffix of its name if there is no such format.

        Raises:
            DataError: it is a zip archive that cannot be read.
        """
        with self._readable():
            return file_format(self.path, self.mapping).name

    def columns(self) -> list[str] | None:
        """The names of the columns; None for a JSON file without any object.

        Raises:
            DataError: the file is missing, empty, of another format or unreadable, or names a column twice.
        """
        with self._readable():
            check_content(self.path, self.mapping)
            names = self._reader().names(self.path, self.mapping)
        if names is not None and (twice := sorted({x for x in names if names.count(x) > 1})):
            problem = f"has two columns {twice[0]!r}; each needs a name of its own"
            raise DataError(f"{self.path}: {problem}{self.hint('')}")
        return names

    def hint(self, column: str) -> str:
        """The end of a message about a missing column: where the file seems to have it, or ""."""
        with self._readable():
            if self._reader() is csv_reader:
                return csv_reader.delimiter_hint(self.path, self.mapping, column)
            if self._reader() is json_reader:
                return json_reader.nesting_hint(self.path, self.mapping, column)
        return ""

    def chunks(self, columns: list[str]) -> Iterator[Chunk]:
        """All rows, at most `CHUNK_ROWS` at a time, with these columns.

        Raises:
            DataError: the file cannot be read any further.
        """
        last = 0
        with self._readable(lambda: f" after row {last:,}" if last else ""):
            for chunk in self._reader().read(self.path, self.mapping, columns):
                last = chunk.last
                yield chunk

    def digest(self) -> str:
        """A hash of the file's bytes.

        Raises:
            DataError: it cannot be read.
        """
        with self._readable(), self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _reader(self) -> _Reader:
        return _READERS[file_format(self.path, self.mapping).name]

    @contextmanager
    def _readable(self, where: Callable[[], str] = str) -> Iterator[None]:
        try:
            yield
        except UnicodeError as error:
            problem = f"is not {self.mapping.encoding} ({error}); {ENCODING_ADVICE}"
            raise DataError(f"{self.path}: {problem}") from None
        except _UNREADABLE as error:
            raise DataError(f"{self.path}: {self._problem(error, where())}") from None

    def _problem(self, error: Exception, where: str) -> str:
        """A readable message for an error of the operating system or of the library that reads the file."""
        if self.path.is_dir():
            return "is a folder; name the files in it, such as `folder/*.csv`"
        if isinstance(error, BadZipFile):
            return zip_problem(self.path, self.mapping)
        words = _system_words(error)
        if words is None:
            words = f"{' '.join(str(error).split()).rstrip('.')}; is the file whole?"
        return f"cannot be read{where}: {words}"


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
    for name in mapping.sources:
        tables[name] = _files(mapping, name, folder)
        for table in tables[name]:
            _check_columns(mapping, name, table)
    return tables


def _files(mapping: Mapping, name: str, folder: Path) -> list[Table]:
    source = mapping.sources[name]
    paths = [folder / source.file]
    if glob.has_magic(source.file) and not paths[0].exists():
        found = glob.glob(source.file, root_dir=folder, recursive=True)  # noqa: PTH207 Path.glob is stricter
        paths = sorted(folder / x for x in found)
    if not paths:
        raise mapping.error(("sources", name, "file"), f"no file fits {source.file!r} in {folder}")
    if problem := _encoding_problem(source.encoding):
        raise mapping.error(("sources", name, "encoding"), problem)
    tables = [Table(path, source) for path in paths]
    for table in tables:
        if (suffix := table.format()) not in FORMATS:
            raise mapping.error(
                ("sources", name, "file"), f"cannot read {table.path.name!r}{_format_advice(suffix)}"
            )
    return tables


def _format_advice(suffix: str) -> str:
    """The end of a message about a suffix that is no format."""
    if suffix in ("xls", "xlsb", "ods"):
        return "; save the table as .xlsx or CSV"
    return f"{nearest_name(suffix, FORMATS)}; or say what it holds, such as `format: csv`"


def _encoding_problem(encoding: str) -> str | None:
    """The problem with a source's encoding, or None."""
    try:
        b"\n".decode(encoding, "replace").encode(encoding, "replace")
        b"\xff".decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return f"there is no encoding {encoding!r}; utf-8, latin-1, cp1252 and utf-16 are some"
    return None


def _check_columns(mapping: Mapping, source: str, table: Table) -> None:
    found = table.columns()
    for key, name, column in mapping.columns():
        if found is not None and name == source and column not in found:
            advice = table.hint(column) or nearest_name(column, found)
            raise mapping.error(key, f"{table.path} has no column {column!r}{advice}")
