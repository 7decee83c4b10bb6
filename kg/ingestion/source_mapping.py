"""The part of a mapping that says how the files of one source are read."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kg.nearest_name import nearest_name

FORMATS = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "xlsx")
"""The supported formats, named as the suffixes of their files."""
COMPRESSIONS = {"gz": "gzip", "zst": "zstd", "zip": "zip"}
"""The compression of each suffix that may follow the suffix of the format."""


class MappingPart(BaseModel):
    """A table of the mapping file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceMapping(MappingPart):
    """One or several files of rows."""

    file: str
    """A path relative to the mapping file, or a pattern such as "orders-*.csv.gz" (matches are sorted)."""
    format: str | None = None
    """The format of the files, such as "csv" or "csv.gz"; none: the suffix of the file name determines it."""
    sheet: str | None = None
    """The sheet of an Excel workbook; none: the only sheet that is not empty."""
    lists: tuple[str, ...] = ()
    """Columns that hold several values each."""
    separator: str = Field("|", min_length=1)
    """The separator of list values, for formats without a list type."""
    columns: tuple[str, ...] = ()
    """The column names of a CSV file without a header, or JSON keys that only a few lines have."""
    encoding: str = "utf-8"
    quote: str | None = Field('"', pattern=r"^[!-~]$")
    """The character that quotes CSV values containing a delimiter or a line end; none: no quoting."""
    delimiter: str | None = Field(None, min_length=1)
    """The delimiter of CSV values, one or several characters; none: that of a `sep=` line or the format."""

    @field_validator("format")
    @classmethod
    def _known_format(cls, given: str | None) -> str | None:
        name, _, packing = (given or FORMATS[0]).lower().partition(".")
        if name not in FORMATS:
            raise ValueError(f"there is no format {given!r}{nearest_name(name, FORMATS)}")
        if packing and packing not in COMPRESSIONS:
            raise ValueError(f"there is no format {given!r}{nearest_name(packing, COMPRESSIONS)}")
        return given.lower() if given else None

    @field_validator("delimiter")
    @classmethod
    def _delimiter_of_marks(cls, given: str | None) -> str | None:
        """Take an unquoted backslash and t of YAML as a tab, and refuse words such as `comma`."""
        given = given.replace(r"\t", "\t") if given else given
        if given and re.search(r"[\r\n\0]|\w.|.\w", given):
            raise ValueError(
                f'{given!r} is no delimiter; write the characters themselves, as in ";" or "\\t"'
            )
        return given

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.quote is not None and self.delimiter is not None and self.quote in self.delimiter:
            raise ValueError(f"{self.quote!r} cannot be both `quote` and `delimiter`")
        return self
