"""The part of a mapping that says how the files of one source are read."""

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from kg.nearest_name import nearest_name

FORMATS = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "xlsx")
"""The supported formats, named as the suffixes of their files."""
COMPRESSIONS = {"gz": "gzip", "zst": "zstd", "zip": "zip"}
"""The compression of each suffix that may follow the suffix of the format."""

_MARKS = {
    "quote": ("[!-~]", '"\'"'),
    "decimal": (r"[^\w\s+-]", '","'),
    "thousands": (r"_|[^\w+-]", '"." or "_"'),
}
"""What may be written for each key that names one character, with an example."""


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
    quote: str | None = '"'
    """The character that quotes CSV values containing a delimiter or a line end; none: no quoting."""
    delimiter: str | None = Field(None, min_length=1)
    """The delimiter of CSV values, one or several characters; none: that of a `sep=` line or the format."""
    decimal: str = "."
    """The decimal mark of numbers."""
    thousands: str | None = None
    """The mark between groups of digits; none: numbers have no such marks."""
    true_values: tuple[str, ...] = ()
    """Texts that mean true, besides true, yes and 1; compared without case."""
    false_values: tuple[str, ...] = ()
    """Texts that mean false, besides false, no and 0."""

    @field_validator("format")
    @classmethod
    def _known_format(cls, given: str | None) -> str | None:
        name, _, packing = (given or FORMATS[0]).lower().partition(".")
        if name not in FORMATS:
            raise ValueError(f"there is no format {given!r}{nearest_name(name, FORMATS)}")
        if packing and packing not in COMPRESSIONS:
            raise ValueError(f"there is no format {given!r}{nearest_name(packing, COMPRESSIONS)}")
        return given.lower() if given else None

    @field_validator("quote", "decimal", "thousands")
    @classmethod
    def _mark(cls, given: str | None, field: ValidationInfo) -> str | None:
        pattern, words = _MARKS[field.field_name or ""]
        if given is not None and not re.fullmatch(pattern, given):
            raise ValueError(f"{given!r} is not one mark, such as {words}")
        return given

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

    @field_validator("true_values", "false_values", mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        """Convert values to text; YAML parses yes, on and true alike, so all three are meant."""
        several = given if isinstance(given, list) else [given]
        return tuple(word for one in several for word in _written(one))

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"{self.decimal!r} cannot be both `decimal` and `thousands`")
        true, false = ({x.casefold() for x in some} for some in (self.true_values, self.false_values))
        if both := sorted(true & false):
            raise ValueError(f"{both[0]!r} cannot be among both `true_values` and `false_values`")
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.quote is not None and self.delimiter is not None and self.quote in self.delimiter:
            raise ValueError(f"{self.quote!r} cannot be both `quote` and `delimiter`")
        return self


def _written(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true", "yes", "on") if value else ("false", "no", "off")
    return (str(value).strip(),)
