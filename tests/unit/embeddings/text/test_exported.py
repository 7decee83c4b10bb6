"""The text encoder without torch: equal vectors, and what happens where it cannot be exported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from embeddings.text import export as export_module
from embeddings.text.encoder import TransformerEncoder, same_encoder
from embeddings.text.export import export, keep_exported
from embeddings.text.exported import NETWORK, ExportedEncoder, QueryEncoder, export_folder
from kg.errors import ArtifactError
from kg.settings import Settings

TEXTS = ("Astronauts on a rocket", "", "sea", "A long recipe for apple pie. " * 60, "two old sailors")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A cache with the export of the packaged encoder."""
    folder = tmp_path_factory.mktemp("text-vectors")
    export(TransformerEncoder(), export_folder(TransformerEncoder(), folder))
    return folder


@pytest.fixture
def exact() -> TransformerEncoder:
    encoder = TransformerEncoder()
    encoder.__dict__["_precision"] = "float32"
    return encoder


def test_vectors_are_those_of_torch_in_float32(cache, exact) -> None:
    query = QueryEncoder(None, cache)
    assert query.dim == 384
    np.testing.assert_allclose(query.encode(TEXTS), exact.encode(TEXTS), atol=1e-5)
    assert query.encode(TEXTS)[1].tolist() == [0] * 384
    assert query.name == exact.name
    assert query.scripts == exact.scripts


def test_a_model_trained_with_torch_is_served(cache) -> None:
    """The packaged encoder has 8-bit integers in training where the processor has AVX2."""
    same_encoder(QueryEncoder(None, cache).name, TransformerEncoder().name)
    with pytest.raises(ArtifactError, match="was trained with the text encoder"):
        same_encoder(QueryEncoder(None, cache).name, "model:other:float32:mean128")


def test_requests_are_encoded_without_torch(cache) -> None:
    code = f"""
import sys
from pathlib import Path
import scripts.serve, service.app, service.loading
from embeddings.text.exported import QueryEncoder
encoder = QueryEncoder(None, Path({str(cache)!r}))
assert encoder.encode(["a film about the sea"]).shape == (1, 384)
assert encoder.scripts == {{"LATIN"}}
print(sorted({{"torch", "transformers", "lightgbm", "pandas", "sklearn"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_damaged_export_is_made_again_by_a_process_of_its_own(cache, exact, tmp_path) -> None:
    folder = export_folder(exact, tmp_path)
    folder.mkdir()
    (folder / NETWORK).write_bytes(b"not this")
    with pytest.raises(ArtifactError, match="is damaged"):
        ExportedEncoder(folder)
    found = QueryEncoder(None, tmp_path).encode(TEXTS[:1])
    np.testing.assert_allclose(found, exact.encode(TEXTS[:1]), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_torch_encodes_where_there_is_no_export(tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    query = QueryEncoder(None, tmp_path / "file")
    with capture_logs() as logs:
        vectors = query.encode(TEXTS[:1])
    assert [(log["event"], log["log_level"]) for log in logs] == [("text_encoder_not_exported", "warning")]
    np.testing.assert_array_equal(vectors, TransformerEncoder().encode(TEXTS[:1]))
    assert query.name == TransformerEncoder().name


def test_an_export_with_other_vectors_is_not_kept(monkeypatch, tmp_path) -> None:
    """Another maximum length, as in a network that keeps the length of its example: other vectors."""
    monkeypatch.setattr(ExportedEncoder, "encode", lambda self, texts: np.eye(3, 384, dtype=np.float32))
    with capture_logs() as logs:
        keep_exported(Settings(home=tmp_path))
    assert "has cosine" in logs[0]["reason"]
    assert list((tmp_path / "text-vectors").iterdir()) == []


def test_what_was_exported_is_kept(monkeypatch, tmp_path, cache) -> None:
    home = Settings(home=tmp_path)
    export_folder(TransformerEncoder(), home.text_cache_folder).mkdir(parents=True)
    monkeypatch.setattr(export_module, "export", None)
    keep_exported(home)
