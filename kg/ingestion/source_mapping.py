"""The part of a mapping that says how the files of one source are read."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


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
    decimal: str = Field(".", pattern=r"^[^\w\s+-]$")
    """The decimal mark of numbers."""
    thousands: str | None = Field(None, pattern=r"^(?:_|[^\w+-])$")
    """The mark between groups of digits; none: numbers have no such marks."""
    true_values: tuple[str, ...] = ()
    """Texts that mean true, besides true, yes and 1; compared without case."""
    false_values: tuple[str, ...] = ()
    """Texts that mean false, besides false, no and 0."""

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
        if self.quote is not None and self.quote == self.delimiter:
            raise ValueError(f"{self.quote!r} cannot be both `quote` and `delimiter`")
        return self


def _written(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true", "yes", "on") if value else ("false", "no", "off")
    return (str(value).strip(),)
