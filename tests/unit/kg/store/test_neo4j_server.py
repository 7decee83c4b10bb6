"""What is decided before a Neo4j of our own is started."""

from pathlib import Path

import pytest

from kg.errors import GraphServerError
from kg.settings import Settings
from kg.store.servers import neo4j
from kg.store.servers.process import ServerState


def fake_java(folder: Path, banner: str) -> Settings:
    java = folder / "bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    java.chmod(0o755)
    return Settings(java_home=folder)


@pytest.mark.parametrize("version", ["17.0.15", "21.0.1", "25"])
def test_a_java_of_17_or_later_is_used(tmp_path: Path, version: str) -> None:
    settings = fake_java(tmp_path, f'openjdk version "{version}" 2025-04-15')
    assert neo4j.find_java(settings) == str(tmp_path / "bin/java")


@pytest.mark.parametrize("banner", ['java version "1.8.0_442"', 'openjdk version "11.0.27"', "no such thing"])
def test_an_older_java_is_named_and_refused(tmp_path: Path, banner: str) -> None:
    with pytest.raises(GraphServerError, match="needs Java 17 or 21") as error:
        neo4j.find_java(fake_java(tmp_path, banner))
    assert banner in str(error.value)


def test_a_missing_java_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GraphServerError, match=r"no java found; .* set JAVA_HOME"):
        neo4j.find_java(Settings(java_home=None))


def test_a_missing_maven_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GraphServerError, match="install Maven, or set NEO4J_HOME"):
        neo4j.jars(Settings(cache_home=tmp_path))


def test_a_failed_assembly_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "bin/mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\necho '[ERROR] no network'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/bin:/usr/bin")
    with pytest.raises(GraphServerError, match="no network"):
        neo4j.jars(Settings(cache_home=tmp_path / "cache"))
    assert list((tmp_path / "cache/trailmix").iterdir()) == []


def test_neo4j_home_is_preferred_and_checked(tmp_path: Path) -> None:
    settings = Settings(neo4j_home=tmp_path)
    with pytest.raises(GraphServerError, match="NEO4J_HOME"):
        neo4j.jars(settings)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/neo4j-server-5.26.30.jar").touch()
    assert neo4j.jars(settings) == tmp_path / "lib"


def test_every_listener_is_on_loopback_and_nothing_is_reported() -> None:
    text = neo4j.configuration(ServerState(engine="neo4j", bolt_port=7000, http_port=7001, heap="512m"))
    lines = dict(line.split("=", 1) for line in text.splitlines())
    listeners = {name: value for name, value in lines.items() if name.endswith("listen_address")}
    assert len(listeners) == 3
    assert {value.partition(":")[0] for value in listeners.values()} == {"127.0.0.1"}
    assert lines["dbms.usage_report.enabled"] == lines["client.allow_telemetry"] == "false"
