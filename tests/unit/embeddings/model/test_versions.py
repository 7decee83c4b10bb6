"""Which model is in use, which was before, and which is refused."""

from pathlib import Path

import pytest

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
from kg.errors import ArtifactError, ModelWorseError, UnknownIdError


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
