"""`trailmix models`: what it lists, and that a model which no service could load does not come into use."""

import json
from pathlib import Path

import pytest
from two_models import linked_home, trained_twice

from embeddings.model.versions import active_version, use_version
from kg.errors import ArtifactError, ModelWorseError, UnknownIdError
from kg.settings import Settings
from scripts.models import activate, list_models, rollback


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    return trained_twice(tmp_path_factory.mktemp("home"))


@pytest.fixture
def settings(trained: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TRAILMIX_HOME", str(tmp_path))
    return linked_home(trained, tmp_path)


def test_models_are_listed_changed_and_changed_back(
    settings: Settings, trained: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, first, second = trained
    activate(second)
    assert capsys.readouterr().out == f"model {second} is in use; {first} was before\n"
    list_models()
    listed = capsys.readouterr().out.splitlines()
    assert {(x[0], x[2:18], x[-12:]) for x in listed} == {
        ("*", second, "not measured"), (" ", first, "not measured"),
    }  # fmt: skip
    list_models(json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(x["model_version"], x["active"]) for x in rows} == {(first, False), (second, True)}
    rollback()
    assert capsys.readouterr().out == f"model {first} is in use; {second} was before\n"
    assert active_version(settings.models_folder) == first


def test_no_model_yet(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAILMIX_HOME", str(settings.home / "nowhere"))
    list_models()
    assert capsys.readouterr().out == "no trained model yet: run trailmix train\n"
    with pytest.raises(ArtifactError, match="no other model was in use before"):
        rollback()
    with pytest.raises(UnknownIdError, match="no model has the id 'x'"):
        activate("x")


@pytest.mark.parametrize("missing", ["models", "snapshots"])
def test_what_no_service_could_load_does_not_come_into_use(
    settings: Settings, trained: tuple[Path, str, str], missing: str
) -> None:
    """Neither forwards nor backwards; not even by force."""
    home, first, second = trained
    use_version(settings.models_folder, second)
    use_version(settings.models_folder, first)
    if missing == "models":
        (settings.models_folder / second).unlink()
        (settings.models_folder / second).mkdir()
        manifest = (home / "models" / second / "manifest.json").read_bytes()
        (settings.models_folder / second / "manifest.json").write_bytes(manifest)
    else:
        fingerprint = json.loads((home / "models" / second / "manifest.json").read_text())["snapshot"]
        (settings.snapshots_folder / fingerprint).unlink()
    with pytest.raises(ArtifactError):
        activate(second, force=True)
    with pytest.raises(ArtifactError):
        rollback()
    assert active_version(settings.models_folder) == first


def test_a_worse_model_needs_force(
    settings: Settings, trained: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first, second = trained

    def refuse(folder: Path, version: str, margin: float) -> None:
        assert (folder, version, margin) == (settings.models_folder, second, 0.05)
        raise ModelWorseError("worse")

    monkeypatch.setattr("scripts.models.check_replaces", refuse)
    with pytest.raises(ModelWorseError):
        activate(second)
    assert active_version(settings.models_folder) == first
    activate(second, force=True)
    assert active_version(settings.models_folder) == second
