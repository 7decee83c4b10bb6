"""Export of a text encoder to ONNX, so that what serves needs no torch.

Runs as a process of its own: `python -m embeddings.text.export FOLDER [MODEL]`.
"""

import json
import shutil
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.text.encoder import TransformerEncoder
from embeddings.text.exported import (
    DESCRIPTION,
    NETWORK,
    TOKENIZER,
    ExportedEncoder,
    export_folder,
    warn_not_exported,
)
from kg.errors import ArtifactError, TrailmixError
from kg.graph import FloatArray
from kg.settings import Settings

LEAST_COSINE = 0.9999
"""The lowest cosine of the vectors of torch and of the exported network for the texts below."""
_TEXTS = ("jazz", "a slow film about the sea and two old sailors", "Nobody asked for this. " * 60)
"""One is cut at the maximum length. They differ in length, for a network may keep that of its example."""
_OPSET = 17


def keep_exported(settings: Settings) -> None:
    """Export the encoder that the settings name, unless that was done; a warning says why it cannot be."""
    encoder = TransformerEncoder(settings.text_model)
    folder = export_folder(encoder, settings.text_cache_folder)
    if not folder.is_dir():
        try:
            export(encoder, folder)
        except (ArtifactError, OSError) as error:
            warn_not_exported(error)


def export(encoder: TransformerEncoder, folder: Path) -> None:
    """Write the network in float32, its tokenizer and their description to a folder, which is replaced.

    Raises:
        ArtifactError: the network cannot be exported, or tells other vectors afterwards.
        SettingsError: there is no such encoder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, suffix=".part"))
    try:
        expected = _write(encoder, part)
        found = ExportedEncoder(part).encode(_TEXTS)
        least = float((found * expected).sum(1).min())
        if not least >= LEAST_COSINE:
            raise ArtifactError(f"the exported text encoder {encoder.weights} has cosine {least:.4f} to it")
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another process was faster
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(encoder: TransformerEncoder, folder: Path) -> FloatArray:
    """Write the files; the vectors of `_TEXTS` by torch."""
    import torch

    tokenizer, model = encoder.load_exact()
    if not getattr(tokenizer, "is_fast", False):
        raise ArtifactError(f"{encoder.weights} has no tokenizer of the library `tokenizers`")

    class UnitVectors(torch.nn.Module):
        """From token ids [n, length], none padded, to unit vectors [n, dim]."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any) -> Any:
            hidden = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            return torch.nn.functional.normalize(hidden.mean(1), dim=1)

    network = UnitVectors().eval()
    tokens = tokenizer(list(_TEXTS), truncation=True, max_length=encoder.max_length)["input_ids"]
    with torch.inference_mode():
        vectors = [network(torch.tensor([ids])).numpy()[0] for ids in tokens]
    axes = {"ids": {0: "n", 1: "length"}, "vectors": {0: "n"}}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's older exporter; the other one needs `onnxscript`
        try:
            torch.onnx.export(
                network,
                (torch.tensor([tokens[1], tokens[1]]),),
                str(folder / NETWORK),
                input_names=["ids"],
                output_names=["vectors"],
                dynamic_axes=axes,
                opset_version=_OPSET,
                dynamo=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, ImportError, TypeError) as error:
            raise ArtifactError(f"cannot export the text encoder {encoder.weights}: {error}") from error
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    description = {"weights": encoder.weights, "max_length": encoder.max_length, "dim": len(vectors[0])}
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    return np.asarray(np.stack(vectors), np.float32)


if __name__ == "__main__":
    try:
        export(TransformerEncoder(sys.argv[2] if len(sys.argv) > 2 else None), Path(sys.argv[1]))
    except TrailmixError as failure:
        sys.exit(str(failure))
