import numpy as np
import pytest
import torch

from embeddings.text.encoder import CachedEncoder, TransformerEncoder, batches_of_one_length
from kg.errors import SettingsError


def test_a_second_run_encodes_nothing(encoder, tmp_path) -> None:
    texts = ["book 1", "book 2", "book 1", ""]
    first = CachedEncoder(encoder, tmp_path).encode(texts)
    assert sorted(encoder.asked) == ["", "book 1", "book 2"]
    encoder.asked.clear()
    again = CachedEncoder(encoder, tmp_path).encode(texts[::-1])
    assert encoder.asked == []
    np.testing.assert_array_equal(again[::-1], first)
    np.testing.assert_array_equal(first[0], encoder.encode(["book 1"])[0])


def test_an_interrupted_run_goes_on_where_it_stopped(encoder, tmp_path) -> None:
    cached = CachedEncoder(encoder, tmp_path)
    cached.chunk = 2
    done = []

    def interrupt(stage, n, total):
        done.append(n)

    whole = encoder.encode

    def fail_on_third(texts, report=None):
        if "book 2" in texts:
            raise KeyboardInterrupt
        return whole(texts)

    encoder.encode = fail_on_third
    with pytest.raises(KeyboardInterrupt):
        cached.encode([f"book {n}" for n in range(4)], interrupt)
    encoder.encode = whole
    encoder.asked.clear()
    cached.encode([f"book {n}" for n in range(4)])
    assert encoder.asked == ["book 2", "book 3"]


def test_a_damaged_file_is_encoded_again(encoder, tmp_path) -> None:
    cached = CachedEncoder(encoder, tmp_path)
    first = cached.encode(["book 1"])
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(b"not this")
    np.testing.assert_array_equal(cached.encode(["book 1"]), first)
    assert encoder.asked == ["book 1", "book 1"]


def test_another_encoder_shares_nothing(encoder, tmp_path) -> None:
    CachedEncoder(encoder, tmp_path).encode(["book 1"])
    encoder.name = "another"
    CachedEncoder(encoder, tmp_path).encode(["book 1"])
    assert encoder.asked == ["book 1", "book 1"]


def test_the_packaged_model_knows_what_is_near() -> None:
    real = TransformerEncoder()
    texts = [
        "A spaceship travels to a distant planet",
        "",
        "Astronauts on a rocket",
        "A recipe for apple pie " * 90,
    ]
    vectors = real.encode(texts)
    assert vectors.shape == (4, real.dim) == (4, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1], atol=1e-5)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3] + 0.2
    np.testing.assert_allclose(real.encode(texts[2:3])[0] @ vectors[2], 1.0, atol=2e-3)
    assert real.name.startswith("model:")


def test_a_vector_depends_on_neither_threads_nor_other_texts() -> None:
    real = TransformerEncoder()
    texts = [
        f"A film about {about}" for about in ("whales", "two old whales", "the sea", "a ship and a storm")
    ]
    real.batch_tokens = 1  # a batch for each text
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            found.append(real.encode(texts))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found[0], found[1])
    real.batch_tokens = 1024
    if ":int8:" in real.name:  # products in floating point depend on the size of the batch
        np.testing.assert_array_equal(real.encode([*texts, "a third text", *texts])[:4], found[0])


def test_integers_change_little() -> None:
    texts = [
        f"A {kind} about {about}." for kind in ("comedy", "tragedy") for about in ("love", "war", "bees")
    ]
    exact = TransformerEncoder()
    exact.__dict__["_precision"] = "float32"
    assert exact.name.split(":")[2] == "float32"
    assert (TransformerEncoder().encode(texts) * exact.encode(texts)).sum(1).min() > 0.99


def test_batches_have_textsbatches_of_one_length() -> None:
    """Six tokens a batch: one text of 5 tokens, three of 2, two of 2, one of 9 that alone has more."""
    assert list(batches_of_one_length([2, 5, 2, 2, 9, 2, 2], 6)) == [[4], [1], [0, 2, 3], [5, 6]]


def test_a_model_that_is_not_there_is_named(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="TRAILMIX_TEXT_MODEL"):
        TransformerEncoder(str(tmp_path / "empty")).encode(["x"])
