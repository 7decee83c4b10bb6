import pandas as pd
import pytest
from pydantic import ValidationError

from kg.ingestion.dates import convert_dates, convert_datetimes, convert_times
from kg.ingestion.ids import read_ids
from kg.ingestion.source_mapping import SourceMapping
from kg.ingestion.values import convert_booleans, convert_integers, convert_numbers


def source(**options):
    return SourceMapping(file="any.csv", **options)


def texts(*values):
    return pd.Series(values, dtype="str")


@pytest.mark.parametrize(
    ("options", "text", "number"),
    [
        ({}, "1234.5", 1234.5),
        ({}, "1,5", None),
        ({"decimal": ","}, "1,5", 1.5),
        ({"decimal": ","}, "-0,25e2", -25),
        ({"decimal": ","}, ",5", 0.5),
        ({"decimal": ","}, "1.5", None),  # and not 15
        ({"decimal": ",", "thousands": "."}, "1.234,5", 1234.5),
        ({"decimal": ",", "thousands": "."}, "1234,5", 1234.5),
        ({"decimal": ",", "thousands": "."}, "12.34.567", 1234567),  # groups of two, as in India
        ({"decimal": ",", "thousands": "."}, "1.5", None),
        ({"decimal": ",", "thousands": "."}, "1,234.5", None),
        ({"thousands": ","}, "1,234,567.5", 1234567.5),
        ({"thousands": " "}, "1\u202f234 567", 1234567),  # blanks of any width
        ({"thousands": "'"}, "1\u2019234.5", 1234.5),
        ({"thousands": ","}, "", None),
    ],
)
def test_numbers_are_read_as_the_source_writes_them(options, text, number):
    done = convert_numbers(texts(text), source(**options))
    assert done.values.tolist() == [number]
    assert done.bad.tolist() == [number is None and text != ""]


def test_integers_and_times_are_read_as_the_source_writes_them():
    german = source(decimal=",", thousands=".")
    done = convert_integers(texts("1.234", "12,0", "1,5", ""), german)
    assert done.values.tolist() == [1234, 12, None, None]
    assert done.bad.tolist() == [False, False, True, False]
    times = convert_times(texts("1.704.067.200", "1704067200,9"), "s", german)
    assert times.values.tolist() == [1704067200, 1704067200]


def test_booleans_in_the_words_of_the_source():
    given = texts("ja", "NEIN", "yes", "0", "", "maybe")
    done = convert_booleans(given, source(true_values=["Ja"], false_values="nein"))
    assert done.values.tolist() == [True, False, True, False, None, None]
    assert done.bad.tolist() == [False] * 5 + [True]
    # YAML reads on, yes and true as the same value
    assert convert_booleans(texts("on", "t"), source(true_values=[True, "t"])).values.tolist() == [True, True]
    assert convert_booleans(texts("1"), source(false_values=[1])).values.tolist() == [False]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"decimal": ",", "thousands": ","}, "cannot be both"),
        ({"thousands": "."}, "cannot be both"),  # the decimal mark is a point unless another is given
        ({"decimal": ",."}, "decimal"),
        ({"decimal": "1"}, "decimal"),
        ({"thousands": "-"}, "thousands"),
        ({"true_values": ["J"], "false_values": ["n", "j"]}, "'j' cannot be among both"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, problem):
    with pytest.raises(ValidationError, match=problem):
        source(**options)


@pytest.mark.parametrize(
    ("text", "date", "moment"),
    [
        ("2024-05-31", "2024-05-31", "2024-05-31T00:00:00Z"),
        ("20240531", "2024-05-31", "2024-05-31T00:00:00Z"),
        ("1813-01-28", "1813-01-28", "1813-01-28T00:00:00Z"),
        ("9999-12-31", "9999-12-31", "9999-12-31T00:00:00Z"),
        ("2024-05-31 00:00:00", "2024-05-31", "2024-05-31T00:00:00Z"),  # as pandas writes a date
        ("2024-05-31T00:00:00+02:00", "2024-05-31", "2024-05-30T22:00:00Z"),
        ("2024-05-31T20:15:00Z", None, "2024-05-31T20:15:00Z"),
        ("2024-05-31 20:15:00.250000000", None, "2024-05-31T20:15:00.250000Z"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01", None),  # before the first year
        ("05/06/2024", None, None),
        ("2024-02-30", None, None),
        ("2024", None, None),
        ("today", None, None),
    ],
)
def test_dates_become_iso_text(text, date, moment):
    for convert, expected in ((convert_dates, date), (convert_datetimes, moment)):
        done = convert(texts(text, ""), "iso", source())
        assert done.values.tolist() == [expected, None]
        assert done.bad.tolist() == [expected is None, False]


def test_dates_of_numbers():
    given = texts("1704067200250", "-86400000", "soon", "1e30", "")
    done = convert_datetimes(given, "ms", source())
    assert done.values.tolist() == ["2024-01-01T00:00:00.250000Z", "1969-12-31T00:00:00Z", None, None, None]
    assert done.bad.tolist() == [False, False, True, True, False]
    assert convert_dates(given, "ms", source()).values.tolist()[:2] == ["2024-01-01", "1969-12-31"]


def test_a_time_after_2262_is_read_too():
    # the last second of the year 9999 is 253402300799
    done = convert_times(texts("9999-12-31T23:59:59Z", "2204-01-01", "1605-01-16"), "iso", source())
    assert done.values.tolist() == [253402300799, (234 * 365 + 56) * 86400, None]


@pytest.mark.parametrize(
    ("text", "external"),
    [
        ("12", "12"),
        ("12.0", "12"),
        (" 12", "12"),
        ("012", "12"),
        ("1.2e1", "12"),
        ("-7.00", "-7"),
        ("+7", "7"),
        ("-0", "0"),
        ("76561198000000001.0", "76561198000000001"),  # more than 2^53
        ("9" * 60 + ".0", "9" * 60),
        ("1.5", ""),
        ("12a", ""),
        ("nan", ""),
        ("1_000", ""),
        ("\uff11\uff12", ""),
        ("1e999999999", ""),
        ("1" * 5000 + ".0", ""),
        ("", ""),
    ],
)
def test_integer_ids(text, external):
    assert read_ids(texts(text), "integer", source()).tolist() == [external]
    assert read_ids(texts(text), "text", source()).tolist() == [text]


def test_integer_ids_are_read_as_the_source_writes_numbers():
    assert read_ids(texts("1.234,0", "5"), "integer", source(decimal=",", thousands=".")).tolist() == [
        "1234",
        "5",
    ]
