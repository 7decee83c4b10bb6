"""Recognises what a file holds by its first bytes, for files that are not what their names say."""

import codecs
import json
import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from kg.errors import DataError
from kg.ingestion.packing import FileFormat, file_format, unpacked
from kg.ingestion.source_mapping import FORMATS, SourceMapping

HEAD_BYTES = 64 * 2**10

_UNPACK = "unpack it, and name the file that it holds"
_CONVERT = "convert it to CSV or Parquet"
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"PAR1", "parquet"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (4, b"1AY&SY", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (257, b"ustar", "tar"),
    (0, b"%PDF-", "pdf"),
    (0, b"SQLite format 3\0", "sqlite"),
    (0, b"ARROW1", "arrow"),
    (0, b"ORC", "orc"),
    (0, b"Obj\x01", "avro"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x89PNG\r\n\x1a\n", "image"),
    (0, b"\xff\xd8\xff", "image"),
    (0, b"GIF8", "image"),
)
"""Offset and bytes that begin a file of each kind."""

_WORDS = {
    "gzip": ("a gzip file", _UNPACK),
    "zstd": ("a zstd file", _UNPACK),
    "zip": ("a zip archive", _UNPACK),
    "parquet": ("a Parquet file", "add `format: parquet` to the source"),
    "xlsx": ("an Excel workbook", "add `format: xlsx` to the source"),
    "json": ("a JSON array", "add `format: json` to the source"),
    "jsonl": ("JSON Lines", "add `format: jsonl` to the source"),
    "list": ("a JSON array", "write each row as an object that names its columns"),
    "object": ("one JSON object", "write its rows as JSON Lines: one object a line"),
    "xls": ("an old Excel workbook (.xls) or another Office file", "save the table as .xlsx or CSV"),
    "office": ("an Office document", "save the table as .xlsx or CSV"),
    "bzip2": ("a bzip2 file", _UNPACK),
    "xz": ("an xz file", _UNPACK),
    "lz4": ("an lz4 file", _UNPACK),
    "7z": ("a 7z archive", _UNPACK),
    "rar": ("a rar archive", _UNPACK),
    "tar": ("a tar archive", "unpack it, and name the files that it holds"),
    "pdf": ("a PDF", "export the table as CSV"),
    "sqlite": ("an SQLite database", "export its table as CSV: sqlite3 -csv -header FILE 'SELECT ...'"),
    "arrow": ("an Arrow (Feather) file", _CONVERT),
    "orc": ("an ORC file", _CONVERT),
    "avro": ("an Avro file", _CONVERT),
    "hdf5": ("an HDF5 file", _CONVERT),
    "image": ("an image", "name the file of the table"),
    "html": ("an HTML page", "open it in a browser: if it is no table, download the file again"),
    "xml": ("an XML file", _CONVERT),
    "text": ("plain text", "if it is a table, add `format: csv` to the source"),
    "unknown": ("something unknown", "is it whole?"),
}
"""What each kind is called, and what to do with a file of that kind."""

_TITLES = {
    "csv": "CSV",
    "tsv": "TSV",
    "jsonl": "JSON Lines",
    "ndjson": "JSON Lines",
    "json": "a JSON array",
    "parquet": "Parquet",
    "xlsx": "an Excel workbook",
    "gzip": "gzip",
    "zstd": "zstd",
    "zip": "a zip archive",
}
_READS = {
    "csv": ("text", "list", "unknown"),
    "tsv": ("text", "list", "unknown"),
    "jsonl": ("jsonl", "text", "list", "unknown"),
    "ndjson": ("jsonl", "text", "list", "unknown"),
    "json": ("json", "jsonl", "list"),
    "parquet": ("parquet",),
    "xlsx": ("xlsx",),
}
"""The kinds that the reader of each format accepts."""
_TEXTS = ("text", "unknown", "json", "jsonl", "list")
_SUFFIXES = {"gzip": "gz", "zstd": "zst", "zip": "zip"}
_CONTROLS = bytes([*range(9), *range(14, 27)])
"""Bytes that no text has, unless its letters take several bytes."""
_ENCODINGS: dict[bytes, tuple[str, ...]] = {
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF8: ("utf-8", "utf-8-sig"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
}
"""The encodings that fit a byte order mark; the first one is named in messages."""


def check_content(path: Path, source: SourceMapping) -> None:
    """Check that a file begins like a file of its format; an empty file is left to the reader.

    Raises:
        DataError: it is something else; the message says what, and what to do.
        OSError: it cannot be read.
    """
    form = file_format(path, source)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        _check_may_be_empty(path, form)
        return
    kind = _outer_kind(path, head, source.encoding)
    if form.compression is not None:
        if kind != form.compression:
            raise DataError(
                f"{path}: is not {_TITLES[form.compression]} but {_not_packed(path, source, kind)}"
            )
        with unpacked(path, source) as stream:
            head = stream.read(HEAD_BYTES)
        kind = kind_of(head, source.encoding)
        if kind == "zip" and form.name == "xlsx":
            kind = "xlsx"
    if head and kind not in _READS[form.name]:
        raise DataError(f"{path}: {_another_kind(path, form, kind)}")
    if head and kind in _TEXTS:
        _check_encoding(path, source, head)


def _check_may_be_empty(path: Path, form: FileFormat) -> None:
    if form.name in ("parquet", "xlsx") or form.compression == "zip":
        raise DataError(f"{path}: is empty, which no such file is; copy or download it again")


def zip_problem(path: Path, source: SourceMapping) -> str:
    """What a file is that should be a zip archive and cannot be read as one, and what to do."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return "is empty, which no zip archive is; copy or download it again"
    kind = kind_of(head, source.encoding)
    if kind == "zip":
        return "is a zip archive that is damaged or cut off; copy or download it again"
    return f"is not a zip archive but {_not_packed(path, source, kind)}"


def kind_of(head: bytes, encoding: str = "utf-8") -> str:
    """The kind of a file that begins with these bytes: a key of `_WORDS`."""
    encoding = next((names[0] for mark, names in _ENCODINGS.items() if head.startswith(mark)), encoding)
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    binary = not wide and len(head.translate(None, _CONTROLS)) < len(head)
    for offset, signature, kind in _SIGNATURES:
        if head.startswith(signature, offset) and (binary or not signature.isascii() or kind == "pdf"):
            return kind
    text = head.decode(encoding, "replace").removeprefix("\ufeff").lstrip()
    return _kind_of_text(text) or ("unknown" if binary else "text")


def _outer_kind(path: Path, head: bytes, encoding: str) -> str:
    kind = kind_of(head, encoding)
    if kind != "zip":
        return kind
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except BadZipFile:
        return kind
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    return "office" if {"[Content_Types].xml", "mimetype"} & set(names) else kind


def _kind_of_text(text: str) -> str | None:
    lower = text[:200].lower()
    if re.match(r"<(!doctype html|html|head|body|table)\b", lower):
        return "html"
    if lower.startswith("<?xml"):
        return "xml"
    first, _, rest = text.partition("\n")
    if re.match(r"\[\s*(\{|\]|$)", text) and not (_parses(first) and rest.strip()):
        return "json"
    if re.match(r'\{\s*("|\}|$)', text):
        return "jsonl" if _parses(first) or first.strip() != "{" else "object"
    return "list" if text.startswith("[") else None


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _not_packed(path: Path, source: SourceMapping, kind: str) -> str:
    """What a file is whose name or format says that it is compressed, and what to do."""
    words, advice = _WORDS[kind]
    stem, name = path.name.split(".")[0], path.name.rsplit(".", 1)[0]
    if source.format is not None and "." in source.format:
        return f"{words}; write `format: {kind if kind in FORMATS else source.format.partition('.')[0]}`"
    if kind in ("text", "unknown"):
        return f"{words}; rename it to {name if name.endswith(FORMATS) else f'{name}.csv'!r}"
    if kind in FORMATS:
        return f"{words}; rename it to '{stem}.{kind}'"
    return f"{words}; rename it to '{name}.{_SUFFIXES[kind]}'" if kind in _SUFFIXES else f"{words}; {advice}"


def _another_kind(path: Path, form: FileFormat, kind: str) -> str:
    """The message for a file whose content, once it is decompressed, is not of the format."""
    title, words = _TITLES[form.name], _WORDS[kind][0]
    if form.compression is not None:
        again = f"unpack {path.name!r} first" if kind in _SUFFIXES else _WORDS[kind][1]
        return f"holds {words}, not {title}; {again}"
    renamed = f"rename it to '{path.name}.{_SUFFIXES[kind]}', or unpack it" if kind in _SUFFIXES else None
    return f"is not {title} but {words}; {renamed or _WORDS[kind][1]}"


def _check_encoding(path: Path, source: SourceMapping, head: bytes) -> None:
    """Check the declared encoding against a byte order mark, and against the zero bytes of UTF-16."""
    declared = codecs.lookup(source.encoding).name
    fitting = next((names for mark, names in _ENCODINGS.items() if head.startswith(mark)), None)
    why = "it begins with the mark of"
    if fitting is None and not declared.startswith(("utf-16", "utf-32")):
        fitting, why = _unmarked_utf16(head), "it looks like"
    if fitting is not None and declared not in fitting:
        advice = f"add `encoding: {fitting[0]}` to the source"
        raise DataError(f"{path}: is not {source.encoding}; {why} {fitting[0]}: {advice}")


def _unmarked_utf16(head: bytes) -> tuple[str, ...] | None:
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2], head[1 - first :: 2]
        if zeros.count(0) > 0.8 * len(others) and others.count(0) == 0:
            return (name,)
    return None
