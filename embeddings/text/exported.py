"""The encoder of request texts: the network exported to ONNX, computed without torch.

text-vectors/
    encoder-3f0c91d2a7b4e85c/    named by a hash of the weights' name and the maximum length
        encoder.json             the weights' name, the width of a vector, the maximum length
        network.onnx             token ids -> unit vectors, in float32
        tokenizer.json
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
import structlog
from typing_extensions import override

from embeddings.text.encoder import (
    STAGE,
    TextEncoder,
    TransformerEncoder,
    WrappedEncoder,
    batches_of_one_length,
)
from embeddings.text.scripts import known_scripts
from kg.errors import ArtifactError
from kg.graph import FloatArray
from kg.progress import Report, silent

DESCRIPTION, NETWORK, TOKENIZER = "encoder.json", "network.onnx", "tokenizer.json"

_EXPORT_SECONDS = 200
"""The most that an export may take; a worker of the service is replaced after 300 s of silence."""

_log = structlog.get_logger()


class ExportedEncoder:
    """A `TextEncoder` over the files of an export; one thread computes a text, several may ask at once."""

    batch_tokens = 1024

    def __init__(self, folder: Path) -> None:
        """Load the files.

        Raises:
            ArtifactError: they are damaged or missing.
        """
        import onnxruntime as ort
        from tokenizers import Tokenizer

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        try:
            description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            self.dim = int(description["dim"])
            self.name = f"{description['weights']}:float32:mean{description['max_length']}"
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(int(description["max_length"]))
            self._session = ort.InferenceSession(
                str(folder / NETWORK), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # `tokenizers` raises nothing more exact
            raise ArtifactError(f"the exported text encoder in {folder} is damaged: {error}") from error

    @cached_property
    def scripts(self) -> frozenset[str] | None:
        """The scripts whose words its vocabulary has."""
        return known_scripts(self._tokenizer.get_vocab())

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """One row per text, float32 [n, dim], of length 1; an empty text gives a row of zeros."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        present = [n for n, text in enumerate(texts) if text.strip()]
        done = 0
        ids = [self._tokenizer.encode(texts[n]).ids for n in present]
        for batch in batches_of_one_length([len(own) for own in ids], self.batch_tokens):
            tokens = np.array([ids[n] for n in batch], np.int64)
            vectors[[present[n] for n in batch]] = self._session.run(None, {"ids": tokens})[0]
            done += len(batch)
            report(STAGE, done, len(present))
        return vectors


class QueryEncoder(WrappedEncoder):
    """Encodes requests by the network of a `TransformerEncoder`, exported once into a folder of the cache.

    Where it cannot be exported, torch computes, and a warning says why. Files and network are loaded when
    they are first needed.
    """

    def __init__(self, model: str | None, cache: Path) -> None:
        """`model` is as for `TransformerEncoder`."""
        self._model = model
        self._cache = cache

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """As the encoder itself."""
        return self.encoder.encode(texts, report)

    @cached_property
    @override
    def encoder(self) -> TextEncoder:
        torch_encoder = TransformerEncoder(self._model)
        folder = export_folder(torch_encoder, self._cache)
        with suppress(ArtifactError):
            return ExportedEncoder(folder)
        try:
            self._export(folder)
            return ExportedEncoder(folder)
        except ArtifactError as error:
            warn_not_exported(error)
        return torch_encoder

    def _export(self, folder: Path) -> None:
        """Export in a process of its own, so that torch takes no memory of this one."""
        own = [sys.executable, "-m", "embeddings.text.export", str(folder)]
        model = [] if self._model is None else [self._model]
        try:
            subprocess.run(  # noqa: S603
                [*own, *model], check=True, capture_output=True, text=True, timeout=_EXPORT_SECONDS
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines()
            raise ArtifactError(said[-1] if said else str(error)) from None
        except (subprocess.SubprocessError, OSError) as error:
            raise ArtifactError(str(error)) from error


def warn_not_exported(error: Exception) -> None:
    """Log that and why torch encodes the texts of requests."""
    _log.warning("text_encoder_not_exported", reason=str(error), consequence="torch encodes requests")


def export_folder(encoder: TransformerEncoder, cache: Path) -> Path:
    """Where the export of an encoder is kept."""
    key = hashlib.sha256(f"{encoder.weights}:{encoder.max_length}".encode()).hexdigest()[:16]
    return cache / f"encoder-{key}"
