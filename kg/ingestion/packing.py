"""Opens files: the format by name, decompression, and the decoding of text.

Everything here runs in the thread of the caller: a thread of pyarrow that reads from a Python stream could
outlive the interpreter and abort it.
"""

import codecs
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import pyarrow as pa

from kg.errors import DataError
from kg.ingestion.source_mapping import COMPRESSIONS, FORMATS, SourceMapping

BLOCK_BYTES = 4 * 2**20
"""Bytes that are read from a file at a time."""

MARK = "\ufdd0"
"""Replaces an undecodable byte; a Unicode noncharacter, which valid text does not contain."""
ENCODING_ADVICE = "add its encoding to the source, such as `encoding: cp1252`"
"""What to do where text is not in the encoding of the source."""
_MARKING = "trailmix-mark"


def _marked(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError | UnicodeEncodeError)
    return MARK, error.end


codecs.register_error(_MARKING, _marked)


@dataclass(frozen=True)
class FileFormat:
    """The format of a file, by its name or by the mapping."""

    name: str
    """One of `FORMATS`, or the unknown suffix of the file name."""
    compression: str | None


def file_format(path: Path, source: SourceMapping) -> FileFormat:
    """The format that the mapping or the file's name says; for "orders.csv.gz", csv and gzip.

    Raises:
        DataError: the file is a zip archive that does not hold exactly one file.
        OSError: it cannot be read.
    """
    suffixes = _suffixes(path.name)
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    if source.format is not None:
        name, _, packed = source.format.partition(".")
        return FileFormat(name, COMPRESSIONS[packed] if packed else compression)
    if compression == "zip" and not (suffixes and suffixes[-1] in FORMATS):
        with ZipFile(path) as archive:
            suffixes = _suffixes(_only_file(archive, path).filename)
    return FileFormat(suffixes[-1] if suffixes else "", compression)


def _suffixes(name: str) -> list[str]:
    return [suffix[1:].lower() for suffix in Path(name).suffixes]


def _only_file(archive: ZipFile, path: Path) -> ZipInfo:
    """The only file of an archive, apart from what macOS adds of its own."""
    files = [
        x
        for x in archive.infolist()
        if not (x.is_dir() or x.filename.startswith("__MACOSX/") or Path(x.filename).name == ".DS_Store")
    ]
    if any(x.filename.startswith("xl/") for x in files):
        raise DataError(f"{path}: is an Excel workbook, not a zip archive of a file; rename it to .xlsx")
    if not files:
        raise DataError(f"{path}: is a zip archive without a file in it")
    if len(files) > 1:
        some = ", ".join(ascii(x.filename) for x in files[:3]) + (", ..." if len(files) > 3 else "")
        raise DataError(
            f"{path}: is a zip archive of {len(files)} files ({some}); unpack it, and name the file to read"
        )
    if files[0].flag_bits & 1:
        raise DataError(f"{path}: is an encrypted zip archive; unpack it, and name the file that it holds")
    if _suffixes(files[0].filename)[-1:] in ([x] for x in COMPRESSIONS):
        raise DataError(f"{path}: holds a file that is compressed again, {files[0].filename!a}; unpack it")
    return files[0]


@contextmanager
def unpacked(path: Path, source: SourceMapping) -> Iterator[Any]:
    """A stream of the file's decompressed bytes."""
    compression = file_format(path, source).compression
    if compression == "zip":
        with ZipFile(path) as archive, archive.open(_only_file(archive, path)) as stream:
            yield stream
    else:
        with pa.input_stream(str(path), compression=compression) as stream:
            yield stream


@contextmanager
def unpacked_file(path: Path, source: SourceMapping) -> Iterator[Path]:
    """The path of the decompressed file, for random access; a temporary file if it was compressed."""
    if file_format(path, source).compression is None:
        yield path
        return
    with tempfile.NamedTemporaryFile() as plain:
        with unpacked(path, source) as stream:
            shutil.copyfileobj(stream, plain, BLOCK_BYTES)
        plain.flush()
        yield Path(plain.name)


@contextmanager
def decoded(path: Path, source: SourceMapping, newline: str) -> Iterator[io.TextIOWrapper]:
    """The text, with `MARK` for undecodable bytes; `newline` says where lines end, as in `open`."""
    with (
        unpacked(path, source) as stream,
        io.BufferedReader(stream, BLOCK_BYTES) as raw,
        io.TextIOWrapper(raw, source.encoding, _MARKING, newline) as text,
    ):
        yield text


def visible(text: str) -> str:
    """The beginning of a text for a message, with undecodable bytes shown as replacement characters."""
    return text[:60].replace(MARK, "\ufffd")
