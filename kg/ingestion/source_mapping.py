"""The part of a mapping that says how the files of one source are read."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MappingPart(BaseModel):
    """A table of the mapping file; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceMapping(MappingPart):
    """One or several files of rows; the suffix of the file name determines the format."""

    file: str
    """A path relative to the mapping file, or a pattern such as "orders-*.csv.gz" (matches are sorted)."""
    lists: tuple[str, ...] = ()
    """Columns that hold several values each."""
    separator: str = Field("|", min_length=1)
    """The separator of list values, for formats without a list type."""
    columns: tuple[str, ...] = ()
    """The column names of a CSV file without a header, or JSON keys that only a few lines have."""
    encoding: str = "utf-8"
    quote: str | None = Field('"', pattern=r"^[!-~]$")
    """The character that quotes CSV values containing a delimiter or a line end; none: no quoting."""
    delimiter: str | None = Field(None, pattern=r"^[\t -~]$")
    """The delimiter of CSV values; none: the usual delimiter of the file's suffix."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.quote is not None and self.quote == self.delimiter:
            raise ValueError(f"{self.quote!r} cannot be both `quote` and `delimiter`")
        return self
