"""Which model is in use, which was before, and which is refused."""

import shutil
from pathlib import Path

import pytest

from embeddings.model.artifact import check_replaces
from embeddings.model.manifest import Manifest
from embeddings.model.versions import (
    Activation,
    activations,
    active_version,
    check_not_worse,
    remove_versions,
    roll_back,
    use_version,
    version_folder,
)
from embeddings.training.latest import remove_old_models
from kg.errors import ArtifactError, ModelWorseError, UnknownIdError
from kg.settings import Settings


def manifest(version: str, ndcg: float | None = None) -> Manifest:
    metrics = {} if ndcg is None else {"trailmix": {"ndcg@20": ndcg}, "ease": {"ndcg@20": 0.9}}
    return Manifest(
        seed=0, snapshot="s", nodes="n", encoder="e", config={}, inputs="i", versions={}, metrics=metrics,
        model_version=version,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in "abc":
        (tmp_path / version).mkdir()
        (tmp_path / version / "manifest.json").write_text(manifest(version).model_dump_json())
    return tmp_path


def test_the_last_used_is_active_and_rolling_back_goes_one_step_at_a_time(folder: Path) -> None:
    assert active_version(folder) == ""
    done = [use_version(folder, version) for version in "abbc"]
    assert done == [Activation(*x) for x in (("a", ""), ("b", "a"), ("b", "b"), ("c", "b"))]
    assert activations(folder) == ["a", "b", "c"]
    assert roll_back(folder) == Activation("b", "c")
    assert roll_back(folder) == Activation("a", "b")
    assert active_version(folder) == "a"
    with pytest.raises(ArtifactError, match="no other model was in use before"):
        roll_back(folder)
    assert active_version(folder) == "a"


def test_rolling_back_leaves_out_what_is_gone_and_what_is_the_same(folder: Path) -> None:
    for version in "abacb":
        use_version(folder, version)
    remove_versions(folder, [folder / "c"])
    assert activations(folder) == ["a", "b", "a", "b"]
    (folder / "a" / "manifest.json").unlink()
    (folder / "a").rmdir()
    with pytest.raises(ArtifactError, match="no other model"):
        roll_back(folder)


def test_a_file_of_one_version_as_earlier_builds_wrote_it(folder: Path) -> None:
    (folder / "latest").write_text("b\n")
    assert use_version(folder, "c") == Activation("c", "b")
    assert roll_back(folder) == Activation("b", "c")


def test_none_is_in_use_after_the_active_one_is_removed(folder: Path) -> None:
    for version in "abc":
        use_version(folder, version)
    remove_versions(folder, [folder / "a"])
    assert active_version(folder) == "c"
    remove_versions(folder, [folder / "c"])
    assert active_version(folder) == ""
    assert not (folder / "latest").exists()
    assert (folder / "b").is_dir()


@pytest.mark.parametrize("version", ["z", "", "..", "../x", ".part-1", "a/../b"])
def test_no_such_version(folder: Path, version: str) -> None:
    (folder.parent / "manifest.json").write_text("{}")
    with pytest.raises(UnknownIdError, match="no model has the id"):
        version_folder(folder, version)


def test_a_model_may_be_worse_by_the_margin_and_no_more() -> None:
    """Of .2, 5 % are .01."""
    check_not_worse(manifest("new", 0.19), manifest("old", 0.2), 0.05)
    check_not_worse(manifest("new", 0.3), manifest("old", 0.2), 0.0)
    with pytest.raises(
        ModelWorseError, match=r"model new has ndcg@20 0\.1899, the active old has 0\.2000: .*--force"
    ):
        check_not_worse(manifest("new", 0.1899), manifest("old", 0.2), 0.05)
    for new, old in ((None, 0.2), (0.1, None), (None, None)):
        check_not_worse(manifest("new", new), manifest("old", old), 0.0)


def saved(folder: Path, version: str, ndcg: float | None) -> None:
    (folder / version / "manifest.json").write_text(manifest(version, ndcg).model_dump_json())


def test_a_model_is_compared_with_the_last_measured_one_in_use(folder: Path) -> None:
    """A refresh measures nothing; what was measured before it still guards."""
    check_replaces(folder, "c", 0.0)
    saved(folder, "a", 0.2)
    saved(folder, "c", 0.1)
    use_version(folder, "a")
    with pytest.raises(ModelWorseError, match="the active a has"):
        check_replaces(folder, "c", 0.4)
    check_replaces(folder, "c", 0.5)
    check_replaces(folder, "b", 0.0)
    use_version(folder, "b")
    with pytest.raises(ModelWorseError, match="the earlier a has"):
        check_replaces(folder, "c", 0.4)
    check_replaces(folder, "a", 0.0)
    use_version(folder, "c")
    check_replaces(folder, "c", 0.0)


def test_a_damaged_active_model_refuses_no_other(folder: Path) -> None:
    use_version(folder, "a")
    (folder / "a" / "manifest.json").write_text("{")
    saved(folder, "b", 0.1)
    check_replaces(folder, "b", 0.0)


def test_a_list_that_cannot_be_read(folder: Path) -> None:
    (folder / "latest").write_bytes(b"\xff\xfe")
    for ask in (active_version, activations, roll_back):
        with pytest.raises(ArtifactError, match=r"latest: cannot be read: .*; delete it, then run"):
            ask(folder)


def test_a_write_that_fails_leaves_everything_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_version(folder, "a")

    def fail(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        use_version(folder, "b")
    assert {x.name for x in folder.iterdir()} == {"a", "b", "c", "latest"}
    assert active_version(folder) == "a"


def test_old_models_go_but_never_the_one_to_roll_back_to(tmp_path: Path) -> None:
    """In use were a, b, d, c; d is gone, so b is the one before c."""
    settings = Settings(home=tmp_path)
    folder = settings.models_folder
    for n, version in enumerate("abcdef"):
        (folder / version).mkdir(parents=True)
        own = manifest(version).model_copy(update={"created": f"2026-01-0{n + 1}"})
        (folder / version / "manifest.json").write_text(own.model_dump_json())
    for version in "abdc":
        use_version(folder, version)
    shutil.rmtree(folder / "d")
    assert [x.name for x in remove_old_models(settings, keep=1)] == ["e", "a"]
    assert {x.name for x in folder.iterdir()} == {"b", "c", "f", "latest"}
    assert roll_back(folder) == Activation("b", "c")


def test_the_list_is_bounded(folder: Path) -> None:
    for _ in range(40):
        use_version(folder, "a")
        use_version(folder, "b")
    assert activations(folder) == ["a", "b"] * 25
