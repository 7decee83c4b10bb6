"""Neo4j's own tool reads what is exported for it, and gives the same graph."""

import os
import subprocess
from pathlib import Path

import pytest

from kg.exports.neo4j_admin import export_neo4j_admin
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping
from kg.schema import LabelSchema, Phrase, RelationSchema
from kg.settings import Settings
from kg.store.connect import open_store
from kg.store.graph_hash import graph_content
from kg.store.servers import control
from kg.store.servers.neo4j import find_java, jars

BOOKSHOP = Path(__file__).parents[1] / "data" / "bookshop"

HELD = {
    "hostile": 'it\'s "so", ünïcödé 漢字 🎬\n\\u0041; \\" | ',
    "empty": "",
    "blank": " ",
    "whole": -(2**53),
    "real": 1e300,
    "yes": False,
    "texts": ["a;b", "", 'c"d'],
    "wholes": [1, 2],
    "reals": [0.5, 1e-9],
    "Preis in Euro": 1.5,
    "ページ-Zahl": 7,
    "R&B's": "x",
}
SERIES = RelationSchema(
    type="Teil von",
    head="Author",
    tail="Film Noir & 作者's",
    phrase=Phrase(out="Teil von", back="enthält"),
)
NEO4J_ADMIN = """#!/bin/sh
exec "$TEST_JAVA" -cp "$TEST_JARS/*" org.neo4j.cli.AdminTool "$@"
"""


@pytest.mark.neo4j
def test_neo4j_imports_the_files_and_has_the_same_graph(embedded_store, assembling, tmp_path, monkeypatch):
    ingest(load_mapping(BOOKSHOP / "mapping.yaml"), BOOKSHOP, embedded_store)
    embedded_store.upsert_nodes("Author", [{"id": "x\ny", "properties": HELD}])
    embedded_store.upsert_relations("AUTHORED_BY", [{"head": "b1", "tail": "x\ny", "properties": HELD}])
    more = {
        "labels": (*embedded_store.schema().labels, LabelSchema(label=SERIES.tail, role="entity")),
        "relations": (*embedded_store.schema().relations, SERIES),
    }
    embedded_store.prepare(embedded_store.schema().model_copy(update=more))
    embedded_store.upsert_nodes(SERIES.tail, [{"id": "s1", "properties": HELD}])
    embedded_store.upsert_relations(SERIES.type, [{"head": "x\ny", "tail": "s1", "properties": HELD}])
    assert export_neo4j_admin(embedded_store, tmp_path / "csv").notes == ()

    settings = Settings(home=tmp_path / "home")
    control.start(settings, "neo4j", fast=True)  # which makes its folders and its password
    control.stop(settings)
    program = tmp_path / "bin" / "neo4j-admin"
    program.parent.mkdir()
    program.write_text(NEO4J_ADMIN)
    program.chmod(0o755)
    data = settings.graph_folder / "neo4j"
    paths = {"NEO4J_HOME": str(data), "NEO4J_CONF": str(data / "conf"), "TEST_JARS": str(jars(settings))}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", str(tmp_path / "csv" / "import.sh"), "--overwrite-destination"],
        env={**os.environ, **paths, "TEST_JAVA": find_java(settings), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    try:
        with open_store(settings) as store:
            assert store.info().engine == "neo4j"
            assert graph_content(store) == graph_content(embedded_store)
            for statement in (tmp_path / "csv" / "constraints.cypher").read_text().splitlines():
                store.query(statement, write=True)
            ingest(load_mapping(BOOKSHOP / "mapping.yaml"), BOOKSHOP, store)
            assert graph_content(store) == graph_content(embedded_store)
    finally:
        control.stop(settings)
