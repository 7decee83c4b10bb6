"""Whatever mapping and files are thrown at ingestion: no traceback, no half batch, no row lost."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.errors import TrailmixError
from kg.ingestion import chunks, write
from kg.ingestion.ingest import IngestOptions, ingest
from kg.ingestion.mapping import Mapping

COLUMNS = ("a", "b", "c", "d")
FILES = ("one.csv", "two.tsv", "three.jsonl")

cells = st.one_of(
    st.sampled_from(
        ["", "1", "2", "3", "x", "y", "x|y", " 1 ", "1.0", "yes", "2024-01-01", "1e999", "-1", "nan"]
    ),
    st.sampled_from(
        ["01", "1,5", "1.234,5", "1 234", "ja", "N", "05/06/2024", "2024-01-01T10:00:00Z", "1704067200"]
    ),
    st.sampled_from(["e\u0301", "\u00e9", "1\u200b", "\x1b[31m", "1,0", "1e1", "1704067200000"]),
    st.text(max_size=5),
)
rows = st.lists(st.lists(cells, min_size=4, max_size=4), max_size=8)
broken = st.one_of(
    st.just(b""),
    st.binary(max_size=12),
    st.sampled_from([b'"', b"\xff\xfe", b"a,b,c,d\n", b"{}\n", b'{"a":[1]}\n']),
)
kinds = st.sampled_from(["text", "integer", "number", "boolean", "date", "datetime"])
column = st.sampled_from(COLUMNS)
units = st.sampled_from(["s", "ms", "us", "ns", "iso"])


formats = st.fixed_dictionaries(
    {},
    optional={
        "decimal": st.sampled_from([".", ","]),
        "thousands": st.sampled_from([None, " ", "'", "_"]),
        "true_values": st.lists(st.sampled_from(["ja", "x", True, 1]), max_size=2),
        "false_values": st.lists(st.sampled_from(["N", "y"]), max_size=2),
    },
)


@st.composite
def properties(draw):
    kind = draw(kinds)
    found = {"type": kind, "column": draw(column), "required": draw(st.booleans())}
    if kind in ("integer", "number") and draw(st.booleans()):
        found["min"] = draw(st.integers(-2, 2))
    if kind in ("date", "datetime"):
        found["unit"] = draw(units)
        if draw(st.booleans()):
            found["max"] = draw(st.sampled_from(["2024-01-01", "2024-01-01T09:00:00+01:00"]))
    if draw(st.booleans()):
        found["one_of"] = draw(st.lists(cells, min_size=1, max_size=3))
    return found


@st.composite
def nodes(draw, source, role):
    of_type = draw(st.sampled_from([{}, {}, {"type": "text"}, {"type": "integer"}]))
    if source is None:
        return {"role": role, "id": of_type}
    found = {"role": role, "source": source, "id": {"column": draw(column), **of_type}}
    if role == "item":
        found["same_as"] = draw(st.none() | column)
    found["name"] = draw(st.one_of(st.none(), column, st.just("{a} {b}")))
    found["properties"] = draw(st.dictionaries(st.sampled_from(["p", "q"]), properties(), max_size=2))
    return found


@st.composite
def mappings(draw):
    """A user, an item and an entity label, relations any way between them, one type of event."""
    source = st.sampled_from(["s0", "s1", "s2"])
    labels = {
        label: draw(nodes(draw(st.none() | source), role))
        for label, role in (("U", "user"), ("I", "item"), ("E", "entity"))
    }
    ends = st.sampled_from(["U", "I", "E"])
    relations = {
        f"R{n}": {
            "from": draw(ends),
            "to": draw(ends),
            "source": draw(source),
            "head": draw(column),
            "tail": draw(column),
        }
        for n in range(draw(st.integers(0, 2)))
    }
    event = {"source": draw(source), "user": draw(column), "item": draw(column)}
    if draw(st.booleans()):
        event["value"] = {"column": draw(column), "max": 2}
        event["liked_at_least"] = draw(st.none() | st.just(1))
    if draw(st.booleans()):
        event["time"] = {"column": draw(column), "unit": draw(units)}
    lists = st.lists(column, max_size=1)
    sources = {f"s{n}": {"file": file, "lists": draw(lists), **draw(formats)} for n, file in enumerate(FILES)}
    items = labels["I"]
    if "same_as" in items and items["same_as"] in sources[items["source"]]["lists"]:
        del items["same_as"]  # a list is refused there
    return {"sources": sources, "nodes": labels, "relations": relations, "interactions": {"X": event}}


@st.composite
def contents(draw, file):
    """A header, rows, and dirt between them or in place of everything."""
    if draw(st.integers(0, 40)) == 0:
        return draw(broken)
    lines = []
    delimiter = "\t" if file.endswith("tsv") else ","
    for row in draw(rows):
        if file.endswith("jsonl"):
            lines.append(json.dumps(dict(zip(COLUMNS, row, strict=True))).encode())
        else:
            lines.append(
                delimiter.join('"' + x.replace('"', '""') + '"' for x in row).encode("utf-8", "replace")
            )
        if draw(st.integers(0, 8)) == 0:
            lines.append(draw(broken))
    header = [] if file.endswith("jsonl") else [delimiter.join(COLUMNS).encode()]
    return b"\n".join(header + lines) + b"\n"


files = st.fixed_dictionaries({file: contents(file) for file in FILES})


def check_one(mapping, given_files, batch, kill, fake_store, other_store):
    fake_store.clear()
    other_store.clear()
    with (
        TemporaryDirectory() as name,
        patch.object(chunks, "CHUNK_ROWS", batch),
        patch.object(write, "BATCH_EDGES", batch),
    ):
        folder = Path(name)
        for file, content in given_files.items():
            (folder / file).write_bytes(content)
        options = IngestOptions(rejects=folder / "rejects")
        try:
            report = ingest(mapping, folder, fake_store, options=options)
        except TrailmixError:
            assert fake_store.nodes == {}  # a file that cannot be read stops everything beforehand
            return False
        check_rows(report, folder / "rejects")
        check_killed_and_resumed(mapping, folder, fake_store, other_store, kill, report)
        before = fake_store.state()
        again = ingest(mapping, folder, fake_store)
        assert again.as_dict()["totals"]["written"] == 0
        assert fake_store.state() == before
    return True


def check_rows(report, rejects):
    for source in report.sources:
        assert source.rejected + source.written + source.unchanged == source.read
        assert min(source.rejected, source.written, source.unchanged) >= 0
    said = [*report.examples, *report.warnings]
    assert "\x1b" not in "".join(said)
    told = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert Counter(x["file"] for x in told) == Counter(
        {x.file: x.rejected for x in report.sources if x.rejected}
    )
    assert len({(x["file"], x["row"]) for x in told}) == len(told)


def check_killed_and_resumed(mapping, folder, fake_store, other_store, kill, report):
    """A run killed at a batch leaves whole ones: going on with it ends as if nothing had been."""
    other_store.fail_at_write = kill
    try:
        ingest(mapping, folder, other_store)
    except ConnectionError:
        assert other_store.writes == kill
    other_store.fail_at_write = None
    resumed = ingest(mapping, folder, other_store, options=IngestOptions(resume=True))
    assert (other_store.nodes, other_store.edges) == (fake_store.nodes, fake_store.edges)
    told = [(x.name, x.read, x.rejected) for x in report.sources]
    assert [(x.name, x.read, x.rejected) for x in resumed.sources] == told


def throw(examples, stores):
    ended = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(mapping=mappings(), given_files=files, batch=st.sampled_from([1, 3, 100]), kill=st.integers(0, 5))
    def check(mapping, given_files, batch, kill):
        ended[check_one(Mapping.model_validate(mapping), given_files, batch, kill, *stores)] += 1

    check()
    return ended


def test_a_few_generated_mappings_and_dirty_files(fake_store, other_store):
    assert throw(6, (fake_store, other_store))[True]


@pytest.mark.slow
def test_500_generated_mappings_and_dirty_files(fake_store, other_store):
    assert throw(500, (fake_store, other_store))[True] > 250
