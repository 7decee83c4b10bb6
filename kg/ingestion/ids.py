"""Ids: whole numbers that several tools write differently, and texts that look alike."""

import unicodedata
from decimal import Decimal, InvalidOperation

import pandas as pd

from kg.ingestion.mapping_parts import IdType
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.values import plain_numbers
from kg.schema import LONGEST_ID

_PLAIN = "0|-?[1-9][0-9]*"
_LONGEST_EXPONENT = 40  # 1e999999999 would fill the memory


def read_ids(column: pd.Series, kind: IdType, source: SourceMapping) -> pd.Series:
    """The ids in a column of texts; of type integer "12" for "12.0" or "012", and "" if it is no integer."""
    if kind == "text" or column.str.fullmatch(_PLAIN).all():
        return column
    numbers = plain_numbers(column.str.strip(), source)
    read = {text: _integer(text) for text in numbers.unique()}
    return pd.Series([read[text] for text in numbers], index=column.index, dtype="str")


def _integer(text: str) -> str:
    """A whole number in usual notation, exact for any number of digits; "" for other text."""
    try:
        number = Decimal(text if text.isascii() and "_" not in text else "")
    except InvalidOperation:
        return ""
    if not number.is_finite() or number.adjusted() > min(max(_LONGEST_EXPONENT, len(text)), LONGEST_ID):
        return ""
    whole = number.to_integral_value()
    return str(int(whole)) if whole == number else ""


def without_point(text: str) -> str:
    """An id that ends in ".0" without this end; other ids as they are."""
    whole, point, end = text.partition(".")
    digits = whole.removeprefix("-")
    return whole if point and digits.isascii() and digits.isdigit() and end.strip("0") == "" else text


def as_seen(text: str) -> str:
    """A text as a reader sees it: composed (NFC), without invisible characters, all blanks alike."""
    if text.isascii() and text.isprintable():
        return text
    visible = (" " if x.isspace() else x for x in text if x.isspace() or x.isprintable())
    return unicodedata.normalize("NFC", "".join(visible))
